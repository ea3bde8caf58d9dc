"""A sequence of tasks as a reader sees it: a table, the accuracy of every task over time, and the matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.course import Course
from bioplaus.pictures import Curves, Findings, Heatmap, Panel, Picture, Series
from bioplaus.recorder import Row
from bioplaus.sequence import METRIC, of_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["sequence_findings"]

NUMBERS = {
    "average_accuracy": "average accuracy",
    "forgetting": "forgetting",
    "backward_transfer": "backward transfer",
    "forward_transfer": "forward transfer",
    "learning_accuracy": "learning accuracy",
}
NOTE = "Weights are those at the end of the sequence, which has no epoch to choose; test images chose nothing."


def sequence_findings(rows: Sequence[Row], course: Course, seeds: int, title: str) -> Findings:
    """Return matrix, transfer and forgetting of a finished run, in words and pictures; nothing for a run of one task."""
    if len(course.lengths) < 2:
        return Findings()
    values = of_run(rows, course, seeds)
    return Findings(values, _text(values), _pictures(values, rows, course, seeds, title))


def _text(values: Mapping[str, Any]) -> str:
    matrix, spread = values["accuracy_matrix"]["mean"], values["accuracy_matrix"]["std"]
    names = [f"task {k + 1}" for k in range(values["tasks"])]
    lines = ["test accuracy of every task, % (mean, standard deviation over seeds)", "after".ljust(10) + "".join(n.rjust(14) for n in names)]
    for name, row, deviations in zip(names, matrix, spread):
        lines.append(name.ljust(10) + "".join(_cell(m, s).rjust(14) for m, s in zip(row, deviations)))
    for key, name in NUMBERS.items():
        found = values[key]
        interval = "" if found["ci95"] is None else f"   95 % [{100 * found['ci95'][0]:.2f}, {100 * found['ci95'][1]:.2f}]"
        lines.append(f"{name:24}" + ("-" if found["mean"] is None else f"{100 * found['mean']:.2f} %{interval}"))
    return "\n".join([*lines, NOTE])


def _cell(mean: float | None, std: float | None) -> str:
    if mean is None:
        return "-"
    return f"{100 * mean:.1f}" + ("" if std is None else f" ({100 * std:.1f})")


def _pictures(values: Mapping[str, Any], rows: Sequence[Row], course: Course, seeds: int, title: str) -> list[Picture]:
    names = [f"task {k + 1}" for k in range(values["tasks"])]
    percent = [[np.nan if v is None else 100 * v for v in row] for row in values["accuracy_matrix"]["mean"]]
    heat = Heatmap(
        "accuracy_matrix.png",
        f"{title}: test accuracy of each task after each task",
        [f"after {name}" for name in names],
        names,
        percent,
        "test accuracy (%)",
        (0.0, 100.0),
        _over(seeds),
    )
    when, curves = validation_curves(rows, seeds, len(names))
    if not len(when):
        return [heat]
    mean = 100 * np.nanmean(curves, 0)
    there = np.isfinite(curves).sum(0)  # a seed may have stopped
    spread = np.nansum((curves - mean / 100) ** 2, 0) / np.maximum(there - 1, 1)
    error = np.where(there > 1, 100 * np.sqrt(spread / np.maximum(there, 1)), np.nan) if seeds > 1 else None
    lines = [
        Series(name, when.tolist(), mean[:, k].tolist(), None if error is None else error[:, k].tolist(), colour=k)
        for k, name in enumerate(names)
    ]
    # of the first task the panel begins, so it needs no mark
    marks = [(float(course.each * t), "") for t in range(1, len(names)) if course.each * t <= when[-1]]
    panel = Panel("epoch", "validation accuracy (%)", lines, marks=marks, whole_x=True, legend="best", y_limits=(0.0, 102.0))
    note = f"{_over(seeds)}{'; bands are standard errors' if seeds > 1 else ''}. Upright lines: the next task begins."
    return [Curves("tasks_over_time.png", f"{title}: every task over time", [panel], note), heat]


def validation_curves(rows: Sequence[Row], seeds: int, tasks: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return epochs and the validation accuracy of every task at each, ``[S, epochs, T]``."""
    found: dict[int, list[float | None]] = {}
    for epoch, _, _, split, metric, _, value in rows:
        if split == "validation" and metric == METRIC:
            found.setdefault(epoch, []).append(value)
    if not found:
        return np.zeros(0, np.int64), np.zeros((seeds, 0, tasks))
    epochs = sorted(found)
    columns = [np.array([np.nan if v is None else v for v in found[e]]).reshape(seeds, tasks) for e in epochs]
    return np.array(epochs), np.stack(columns, 1)


def _over(seeds: int) -> str:
    return "One seed" if seeds == 1 else f"Mean over {seeds} seeds"
