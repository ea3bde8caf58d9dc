"""XOR without a hidden layer: neurons that cannot solve it, and one dendrite each with which they do."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

SETTINGS: dict[str, Any] = {"rule": "perforated", "data": "xor", "seeds": 20, "rule.max_dendrites": 1, "epochs": 2400, "probes": []}
_QUICK: dict[str, Any] = {"seeds": 3, "epochs": 1500}
#: name -> what differs
ROWS: dict[str, dict[str, Any]] = {
    "sigmoid": {},
    "tanh": {"rule.dendrite": "tanh"},
    "sigmoid, best of 8 candidates": {"rule.pool": 8},
}
#: correlation of a unit that picks out one of the four corners with an error of +-1/2
CORNER = 3**-0.5


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.perforated_arms import of_cycle
    from bioplaus.experiments.rows import measure
    from bioplaus.stats import summarise

    rows: list[Measurement] = []
    panels = []
    for i, (name, own) in enumerate(ROWS.items()):
        settings = {**SETTINGS, **own, **(_QUICK if quick else {})}
        summary = measure({**settings, "rule.controls": False}, folder)
        base, grown = (of_cycle(summary, k, "train_accuracy") for k in (0, 1))
        solved, n = sum(value == 1.0 for value in grown), len(grown)
        before = f"without a dendrite {sum(value == 1.0 for value in base)}, at a training loss of {summary['cycles'][0]['train_loss']:.4f}"
        text = f"{before} (ln 2 = 0.6931 is the least); parameters {summary['cycles'][0]['parameters']} and {summary['cycles'][-1]['parameters']}"
        rows.append(
            Measurement(
                f"{name}: seeds that are right on all four patterns with one dendrite",
                f"{n} of {n}",
                float(solved),
                reached=solved == n,
                settings=settings,
                note=text,
                seconds=summary["seconds"]["total"],
            )
        )
        rho = [None if one is None else one[0] for one in of_cycle(summary, 1, "rho")]
        found = summarise(rho)
        ci95 = tuple(found["ci95"]) if found["ci95"] else None
        corner = f"a corner alone: 1/sqrt(3) = {CORNER:.3f}"
        rows.append(Measurement(f"{name}: |rho| of dendrite and error", corner, found["mean"], ci95, n, settings=settings))
        if i < 2:
            panels.append(_panel(name, summary, n))
    remarks = (
        "Two output neurons under cross-entropy, which two classes need, and one dendrite each; the four patterns train, validate and test: "
        "this is fitting. A sigmoid of finite weights may pass the correlation of a corner alone.",
    )
    note = "One line per seed: training loss at each cycle's best epoch; dashed: the least that neurons without dendrites can have."
    picture = Curves("", "XOR on neurons without a hidden layer", panels, note)
    return Report("see the row", tuple(rows), picture, remarks, digits=3)


def _panel(name: str, summary: dict[str, Any], n: int) -> Panel:
    from math import log

    from bioplaus.experiments.perforated_arms import of_cycle

    losses = [of_cycle(summary, k, "train_loss") for k in (0, 1)]
    lines = [Series("", [0, 1], [float(v) if v is not None else float("nan") for v in (losses[0][r], losses[1][r])], colour=0) for r in range(n)]
    lines.append(Series("ln 2", [0, 1], [log(2), log(2)], colour=None, dashed=True))
    return Panel("dendrites per neuron", "training loss", lines, title=f"{name} dendrites", log_y=True, whole_x=True)


CLAIM = Claim(
    name="perforated_xor",
    title="XOR without a hidden layer, one perforated dendrite per neuron",
    source="our own reference runs, and the bound of a corner alone",
    target="20 of 20 seeds right on all four patterns with one dendrite, at a correlation near 1/sqrt(3) = 0.577",
    cost="30 s on one core",
    quick_cost="10 s",
    run=_run,
)
