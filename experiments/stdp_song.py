"""Spike timing alone parts the synapses of one cell into weak and strong (Song, Miller & Abbott 2000)."""

from __future__ import annotations

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

BINS = 20


def _run(quick: bool, folder: str) -> Report:
    import numpy as np

    from bioplaus.dynamics.plastic_cell import song_cell

    seconds, seeds = (20.0, 1) if quick else (100.0, 5)
    rows, panels = [], []
    for name, a_minus, parted in (("depression 1.05 times potentiation", 0.0105, True), ("no learning", 0.0, False)):
        a_plus = 0.01 if parted else 0.0
        own = {"seconds": seconds, "seeds": seeds, "a_plus": a_plus, "a_minus": a_minus}
        found = [song_cell(seed=seed, seconds=seconds, a_plus=a_plus, a_minus=a_minus) for seed in range(seeds)]
        shares = np.array([[(w < 0.2).mean(), ((w >= 0.2) & (w <= 0.8)).mean(), (w > 0.8).mean()] for w, _ in found]).mean(0)
        ends = 100 * float(shares[0] + shares[2])
        hertz = np.mean([fired for _, fired in found]) / seconds
        note = f"{100 * shares[0]:.1f} % below 0.2 w_max, {100 * shares[2]:.1f} % above 0.8; {hertz:.1f} spikes/s"
        reached = bool(min(shares[0], shares[2]) > shares[1] / 3 and shares[1] < 0.5) if parted else None
        target = "bimodal: each fifth at an end above the middle" if parted else "control: 40 % (uniform)"
        rows.append(Measurement(name, target, ends, n=seeds, reached=reached, settings=own, note=note))
        heights, edges = np.histogram(np.concatenate([w for w, _ in found]), BINS, (0, 1))
        middles = [float(x) for x in (edges[1:] + edges[:-1]) / 2]
        series = Series("", middles, [float(h) / float(heights.sum()) for h in heights])
        panels.append(Panel("weight, in units of the largest", "share of synapses", [series], title=name))
    note = f"1,000 Poisson inputs of 15 Hz, {seconds:g} s, {seeds} seed{'s' if seeds > 1 else ''}; bins of {1 / BINS:g}."
    figure = Curves("", "Weights of one cell under spike timing", panels, note)
    return Report("% of synapses in the outer fifths of the range", tuple(rows), figure, digits=1)


CLAIM = Claim(
    name="stdp_song",
    title="Bimodal weights of one cell under additive spike timing",
    source="Song, Miller & Abbott 2000, Nat. Neurosci. 3:919, Fig. 2",
    target="a bimodal distribution after 100 s of Poisson inputs at 15 Hz",
    cost="1 min on one core",
    quick_cost="10 s",
    run=_run,
)
