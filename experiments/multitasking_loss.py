"""E4: the two-sided squared error and the energy along runs without noise; they are the same up to a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

SETTINGS: dict[str, Any] = {"K": 3, "d": 0.3, "T": 0.0, "N": 2000, "M": 20, "r": 0.5, "start": "random", "sweeps": 10}
LEARNING = ("storing", "supervised", "unsupervised")
#: Differences of numbers near 1 in double precision, with room for sums over N.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Trace:
    """Energy per neuron as the dynamics keep it, and the loss times coupling/2, which should be the energy plus constant."""

    energy: list[float]
    loss: list[float]
    constant: float


def _vectors(learning: str, seed: int) -> tuple[Any, float, Any]:
    """Return the vectors ``[P, N]`` that are stored, their coupling, and the state to start from."""
    from bioplaus.disorder import cue, draw_examples, draw_patterns

    K, N, d, M, r = (SETTINGS[key] for key in ("K", "N", "d", "M", "r"))
    patterns, g, R = draw_patterns(seed, K, N, d), 1 / (1 - d), r * r + (1 - r * r) / M
    state = cue(seed, patterns, SETTINGS["start"])
    if learning == "storing":
        return patterns, g, state
    examples = draw_examples(seed, patterns, M, r)
    if learning == "supervised":
        return examples.mean(1), g / R, state
    return examples.reshape(K * M, N), g / (R * M), state


def _trace(learning: str, seed: int, sweeps: int) -> Trace:
    """Relax sweep by sweep; the energy is the dynamics' own, the loss is computed from the states alone."""
    from bioplaus.dynamics.relax import relax
    from bioplaus.theory.loss import energy, two_sided_loss

    vectors, coupling, state = _vectors(learning, seed)
    N = len(state)
    energies, losses = [energy(vectors, state, coupling) / N], [two_sided_loss(vectors, state)[0]]
    for t in range(sweeps):
        run = relax(vectors[None], state[None], [0.0], [1000 * seed + t], coupling=coupling)
        state = run.states[0]
        energies.append(float(run.energies[0, 0]))
        losses.append(two_sided_loss(vectors, state)[0])
    constant = two_sided_loss(vectors, state)[1]
    return Trace(energies, [coupling / 2 * loss for loss in losses], coupling / 2 * constant)


def _run(quick: bool, folder: str) -> Report:
    import numpy as np

    seeds, sweeps = range(3 if quick else 16), SETTINGS["sweeps"]
    rows, shown = [], {}
    for learning in LEARNING:
        traces = [_trace(learning, seed, sweeps) for seed in seeds]
        shown[learning] = traces[0]
        apart = max(abs(1 - float(np.corrcoef(t.loss, t.energy)[0, 1])) for t in traces)
        off = max(abs(loss - t.constant - e) / t.constant for t in traces for loss, e in zip(t.loss, t.energy))
        rises = max(float(np.diff(t.energy).max()) for t in traces)
        settings = {**SETTINGS, "learning": learning, "samples": len(seeds)}
        rows += [
            Measurement(f"{learning}: 1 - correlation, absolute", f"<= {ROUNDING:g}", apart, reached=apart <= ROUNDING, settings=settings),
            Measurement(f"{learning}: difference over the constant", f"<= {ROUNDING:g}", off, reached=off <= ROUNDING, settings=settings),
            Measurement(f"{learning}: largest rise in a sweep", f"<= {ROUNDING:g}", rises, reached=rises <= ROUNDING, settings=settings),
        ]
    remark = (
        f"Each row: the worst of {len(seeds)} runs. Energies are those that the compiled dynamics keep (before the first sweep: from "
        "overlaps); losses are sums of squared errors |w + s|^2 |w - s|^2 / (2N)^2 of the states alone. Correlation is over the states "
        "of a run, from a random state to its rest."
    )
    what = {key: SETTINGS[key] for key in ("K", "d", "N", "M", "r")}
    title = "Loss and energy without noise: " + ", ".join(f"{key}={value:g}" for key, value in what.items())
    note = "One run of each from one random state; loss in units in which it is the energy plus a constant. No bars: nothing is averaged."
    return Report("value", tuple(rows), Curves("", title, _panels(shown), note), (remark,))


def _panels(shown: dict[str, Trace]) -> list[Panel]:
    along, against = [], []
    for colour, (learning, trace) in enumerate(shown.items()):
        steps = list(range(len(trace.energy)))
        along.append(Series(learning, steps, trace.energy, colour=colour))
        along.append(Series("", steps, [loss - trace.constant for loss in trace.loss], points=True, hollow=True, colour=colour))
        depth = [-e for e in trace.energy]
        against.append(Series(learning, depth, trace.loss, points=True, hollow=True, colour=colour))
        ends = [min(depth), max(depth)]
        against.append(Series("", ends, [trace.constant - x for x in ends], colour=colour))
    gained = "energy gained per neuron, -H/N"
    return [
        Panel("sweep", "per neuron", along, title="line: energy; circles: loss less its constant", whole_x=True, legend="upper right"),
        Panel(gained, "loss per neuron", against, title="circles: states of the runs; lines: slope -1", legend="center right"),
    ]


CLAIM = Claim(
    name="multitasking_loss",
    title="Two-sided squared error and energy along runs at T = 0",
    source="Agliari et al. 2023 (loss and Hamiltonian share their minima); identity derived",
    target="correlation 1 to 1e-12 for storing, supervised and unsupervised learning",
    cost="5 s",
    quick_cost="5 s",
    run=_run,
)
