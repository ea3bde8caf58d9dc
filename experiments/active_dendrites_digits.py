"""Active dendrites on permuted digits, all tasks mixed: gated units beside a perceptron of as many parameters that has the context as input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM", "equal_width", "parameters"]

COMMON: dict[str, Any] = {
    "data": "permuted_digits",
    "plasticity": "sgd",
    "plasticity.clip": "per_network",
    "plasticity.clip_norm": 1.0,
    "batch_size": 64,
    "epochs": 25,
    "data.limit": 500,
    "probes": [],
    "threads": 1,
}
WIDTH, SEGMENTS, PIXELS, CLASSES = 64, 5, 64, 10
TASKS = (2, 5, 10)
#: what validation chooses from: rates for all, and what a network's nonlinearity is
RATES = (0.4, 0.8, 1.6, 3.2)
WINNERS: tuple[dict[str, Any], ...] = ({"network.winners": 0.25}, {"network.winners": 0.5})
NEURONS: tuple[dict[str, Any], ...] = ({"neuron": "elu"}, {"neuron": "relu"})
SEEDS = 5
#: rows of gated networks, each before its perceptron
GATED = (0, 3, 6, 9, 12, 15)


def parameters(context: int, segments: int = SEGMENTS) -> int:
    """Return the weights of 64 - 64 - 64 - 10 units with active dendrites that see a context of so many values."""
    return PIXELS * WIDTH + WIDTH**2 + WIDTH * CLASSES + 2 * WIDTH * segments * context


def equal_width(context: int, count: int) -> int:
    """Return the width h at which a perceptron ``(64 + context) - h - h - 10`` has about `count` weights."""
    linear = PIXELS + context + CLASSES
    return round((-linear + math.sqrt(linear**2 + 4 * count)) / 2)


def _dendritic(tasks: int, segments: int = SEGMENTS, permute: str = "pixels") -> dict[str, Any]:
    own = {"data.tasks": tasks, "data.permute": permute}
    return {**COMMON, **own, "network": "active_dendrites", "network.hidden": [WIDTH, WIDTH], "network.segments": segments}


def _plain(tasks: int, context: str = "one_hot", permute: str = "pixels") -> dict[str, Any]:
    width = equal_width(tasks if context == "one_hot" else 0, parameters(tasks))
    own = {"data.tasks": tasks, "data.permute": permute, "data.context": context}
    return {**COMMON, **own, "network": "mlp", "network.hidden": [width, width]}


def _rows() -> list[tuple[str, dict[str, Any], Sequence[Mapping[str, Any]]]]:
    found = []
    for permute, tasks in itertools.product(("pixels", "labels"), TASKS):
        head = f"{permute}, {tasks} tasks"
        found += [
            (f"{head}: active dendrites", {**_dendritic(tasks, permute=permute), "rule": "bp"}, WINNERS),
            (f"{head}: perceptron, context as input", {**_plain(tasks, permute=permute), "rule": "bp"}, NEURONS),
            (f"{head}: perceptron, no context", {**_plain(tasks, "none", permute), "rule": "bp"}, NEURONS),
        ]
    return [
        *found,
        ("pixels, 5 tasks: active dendrites, one segment", {**_dendritic(5, 1), "rule": "bp"}, WINNERS),
        ("pixels, 5 tasks: active dendrites, no competition", {**_dendritic(5), "network.winners": 1.0, "rule": "bp"}, NEURONS),
        ("pixels, 5 tasks: active dendrites, feedback alignment", {**_dendritic(5), "rule": "fa"}, WINNERS),
        ("pixels, 5 tasks: perceptron, context as input, feedback alignment", {**_plain(5), "rule": "fa"}, NEURONS),
    ]


def _chosen(
    settings: Mapping[str, Any], options: Sequence[Mapping[str, Any]], rates: Sequence[float], folder: str
) -> tuple[dict[str, Any], str]:
    """Return the settings with the option and the rate of highest validation accuracy, of equals that of the lowest loss, on seed 1000."""
    from bioplaus.experiments.rows import measure

    tried = []
    for option in options:
        shared = {"seeds": len(rates), "seed": 1000, "seed_step": 0}
        summary = measure({**settings, **option, **shared, "rule.lr": list(rates)}, folder)
        for rate, accuracy, loss in zip(rates, summary["validation_accuracy"]["values"], summary["validation_loss"]["values"]):
            if accuracy is not None:
                tried.append((-accuracy, loss, {**option, "rule.lr": rate}))
    accuracy, _, best = min(tried, key=lambda one: one[:2])
    said = ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in best.items())
    edge = " (the end of the grid)" if best["rule.lr"] in (rates[0], rates[-1]) else ""
    return {**settings, **best}, f"{said}{edge} by validation ({-100 * accuracy:.1f} %) on seed 1000"


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import accuracy_row, measure

    rates, seeds = (RATES[1:3], 2) if quick else (RATES, SEEDS)
    rows: list[Measurement] = []
    for name, own, options in _rows():
        given = {**own, **({"data.limit": 60, "epochs": 2} if quick else {})}
        chosen, how = _chosen(given, options[:1] if quick else options, rates, folder)
        final = {**chosen, "seeds": seeds}
        count = measure(final, folder)["parameters"]
        bar = "above the perceptron with the context as input" if len(rows) in GATED else "no figure"
        rows.append(accuracy_row(name, final, folder, bar, note=f"{count:,} weights; {how}"))
    compared = [_beside(row, rows[at + 1], quick) if at in GATED else row for at, row in enumerate(rows)]
    return Report("% test accuracy", tuple(compared), picture=_picture(compared))


def _beside(gated: Measurement, plain: Measurement, quick: bool) -> Measurement:
    """Return the row with its verdict: reached if its interval lies above that of the other one."""
    from dataclasses import replace

    if quick or gated.ci95 is None or plain.ci95 is None:
        return gated
    return replace(gated, reached=gated.ci95[0] > plain.ci95[1])


def _picture(rows: Sequence[Measurement]) -> Curves:
    panels = []
    for first, title in ((0, "pixels permuted: images show the task"), (3 * len(TASKS), "labels permuted: the context alone does")):
        series = []
        for kind, label in enumerate(("active dendrites", "perceptron, context as input", "perceptron, no context")):
            mine = [rows[first + 3 * at + kind] for at in range(len(TASKS))]
            half = [(row.ci95[1] - row.ci95[0]) / 2 if row.ci95 else 0.0 for row in mine]
            means = [float("nan") if row.mean is None else row.mean for row in mine]
            series.append(Series(label, TASKS, means, error=half, colour=kind))
        panels.append(Panel("tasks, mixed", "test accuracy (%)", series, title=title, whole_x=True, legend="below"))
    title = "500 digits in each task, as many weights each; bands are 95 % intervals of 5 seeds"
    return Curves("active_dendrites_digits", title, panels, shared=False)


CLAIM = Claim(
    name="active_dendrites_digits",
    title="Active dendrites on 2, 5 and 10 tasks of 500 digits at once (pixels or labels permuted), beside perceptrons of as many weights",
    source="Iyer et al. 2022, Front. Neurorobot. 16:846219 (method; there in sequence, on MNIST); comparison ours",
    target="intervals above those of a perceptron that has the context as input",
    cost="6 min on one core",
    quick_cost="30 s",
    run=_run,
)
