"""Firing rate against current of three cells: our kernels, the closed form where there is one, and Brian2."""

from __future__ import annotations

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

#: model -> (currents, step in ms, unit of the current, whether Brian2 does the same arithmetic)
CELLS = {
    "lif": ([0.5, 1.0, 1.05, 1.2, 1.5, 2.0, 2.5, 3.0], 0.1, "in thresholds", True),
    "izhikevich": ([2.0, 4.0, 6.0, 10.0, 15.0, 20.0, 30.0], 0.01, "in the model's unit", False),
    "hodgkin_huxley": ([2.0, 5.0, 6.0, 7.0, 10.0, 15.0, 20.0, 30.0], 0.01, "in uA/cm^2", False),
}
TITLES = {"lif": "leaky integrate-and-fire", "izhikevich": "Izhikevich, regular spiking", "hodgkin_huxley": "Hodgkin-Huxley"}


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.answers.brian import spike_counts
    from bioplaus.theory import lif

    duration = 100.0 if quick else 1000.0
    rows, panels = [], []
    for model, (currents, dt, unit, same) in CELLS.items():
        ours = [lif.count(model, current, dt, duration).count for current in currents]
        theirs = spike_counts(model, currents, dt, duration)
        apart = max(abs(a - b) for a, b in zip(ours, theirs))
        target = "equal spike counts" if same else "within 1 spike"
        counts = ", ".join(f"{c:g}: {a}/{b}" for c, a, b in zip(currents, ours, theirs))
        name = f"{TITLES[model]}: largest difference from Brian2"
        note = f"spikes in {duration:g} ms, ours/Brian2: {counts}"
        rows.append(Measurement(name, target, apart, reached=apart <= (0 if same else 1), note=note))
        panels.append(_panel(model, currents, theirs, dt, duration, unit))
    note = f"Lines: our kernels, {duration:g} ms. Points: Brian2."
    return Report("spikes", tuple(rows), Curves("", "Firing rate against constant current", panels, note), digits=0)


def _panel(model: str, currents: list[float], theirs: list[int], dt: float, duration: float, unit: str) -> Panel:
    from bioplaus.theory import lif

    fine = [currents[-1] * i / 100 for i in range(101)]
    series = [Series("simulation", fine, [lif.count(model, current, dt, duration).rate for current in fine])]
    if model == "lif":
        series.append(Series("closed form", fine, [lif.rate(current, 10.0) for current in fine], dashed=True, colour=None))
    series.append(Series("Brian2", currents, [1000 * n / duration for n in theirs], points=True, colour=1))
    return Panel(f"current, {unit}", "firing rate, Hz", series, title=TITLES[model])


CLAIM = Claim(
    name="firing_rates",
    title="f-I curves of three cells: our kernels, closed form, Brian2",
    source="textbook; Izhikevich 2003, IEEE Trans. Neural Netw. 14:1569; Hodgkin & Huxley 1952, J. Physiol. 117:500",
    target="equal spike counts for the leaky integrate-and-fire cell, within one spike for the others",
    cost="1 min on one core",
    quick_cost="20 s",
    run=_run,
)
