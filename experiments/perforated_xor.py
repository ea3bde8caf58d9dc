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
    dots: list[Series] = []
    first = ""
    for i, (name, own) in enumerate(ROWS.items()):
        settings = {**SETTINGS, **own, **(_QUICK if quick else {})}
        summary = measure({**settings, "rule.controls": False}, folder)
        base, grown = (of_cycle(summary, k, "train_accuracy") for k in (0, 1))
        solved, n = sum(value == 1.0 for value in grown), len(grown)
        before = f"without a dendrite {sum(value == 1.0 for value in base)}, at a training loss of {summary['cycles'][0]['train_loss']:.4f}"
        sizes = " and ".join(str(one["parameters"]) for one in summary["cycles"])
        text = f"{before} (ln 2 = 0.6931 is the least); parameters {sizes}"
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
        rows.append(Measurement(f"{name}: correlation of dendrite and error", corner, found["mean"], ci95, n, settings=settings))
        values = [float("nan") if one is None else one for one in rho]
        dots.append(Series(name, list(range(n)), values, points=True, colour=i, marker="os^"[i], hollow=i == 1))
        first = first or summary["run_dir"]
    remarks = (
        "Two output neurons under cross-entropy, which two classes need, and one dendrite each; the four patterns train, validate and test: "
        "this is fitting. A sigmoid of finite weights may pass the correlation of a corner alone.",
    )
    dots.append(Series("1/sqrt(3)", [0, n - 1], [CORNER, CORNER], colour=None, dashed=True))
    panels = [Panel("seed", "correlation of dendrite and error", dots, whole_x=True, legend="below"), _plane(first)]
    note = "Left: mean of both output neurons. Right: probability of class 1 (dark: 1), sigmoid dendrites, first seed, inputs in -0.25..1.25."
    picture = Curves("", "XOR without a hidden layer, one dendrite per neuron", panels, note, shared=False)
    return Report("see the row", tuple(rows), picture, remarks, digits=3)


def _plane(run: str) -> Panel:
    """Return what the first seed of a run says of the plane around the four patterns."""
    import numpy as np

    from bioplaus import api

    side = np.linspace(-0.25, 1.25, 61)
    points = np.stack(np.meshgrid(side, side[::-1]), -1).reshape(-1, 2)
    result = api.load(run)
    scores = result.predict(result.scale(points))[0]
    image = 1 / (1 + np.exp(scores[:, 0] - scores[:, 1]))
    return Panel("input 1", "input 2", [], title="probability of class 1", image=image.reshape(61, 61))


CLAIM = Claim(
    name="perforated_xor",
    title="XOR without a hidden layer, one perforated dendrite per neuron",
    source="our own reference runs, and the bound of a corner alone",
    target="20 of 20 seeds right on all four patterns with one dendrite, at a correlation near 1/sqrt(3) = 0.577",
    cost="30 s on one core",
    quick_cost="10 s",
    run=_run,
)
