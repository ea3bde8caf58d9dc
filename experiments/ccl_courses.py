"""Courses of a probe over training, layer by layer and seed by seed, and when they rise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bioplaus.experiments.claims import Measurement

__all__ = ["TURNS", "Course", "course_of", "final_row", "half_way", "joined", "onset", "onsets"]


@dataclass(frozen=True)
class Course:
    """What a probe saw.

    Parameters
    ----------
    when
        Epochs, fractions included, or updates where the run's length is a number of them; rising.
    values
        ``values[layer][seed][look]``.
    """

    when: Sequence[float]
    values: Sequence[Sequence[Sequence[float]]]


def course_of(settings: Mapping[str, Any], folder: str, metric: str) -> Course:
    """Return the course of a metric of the probes in a run, which is made if it is not there."""
    from pathlib import Path

    from bioplaus.experiments.rows import measure
    from bioplaus.recorder import read_metrics, rows_of

    summary = measure(settings, folder)
    table = list(rows_of(read_metrics(Path(summary["run_dir"]) / "metrics.parquet")))
    found: dict[int, dict[int, dict[int, float]]] = {}
    for _, step, seed, split, name, layer, value in table:
        if (split, name) == ("probe", metric) and layer is not None:
            found.setdefault(layer, {}).setdefault(seed, {})[step] = math.nan if value is None else value
    epoch, step = max((epoch, step) for epoch, step, *_ in table)
    per_epoch = 1.0 if "steps" in settings else step / epoch
    steps = sorted(found[0][min(found[0])])
    values = [[[by_step[s] for s in steps] for _, by_step in sorted(seeds.items())] for _, seeds in sorted(found.items())]
    return Course([s / per_epoch for s in steps], values)


def joined(early: Course, late: Course) -> Course:
    """Return one course of two runs of the same seeds: the early one as far as it goes, then the late one."""
    end = early.when[-1]
    kept = [i for i, when in enumerate(late.when) if when > end]
    values = [[[*a, *(b[i] for i in kept)] for a, b in zip(ones, others)] for ones, others in zip(early.values, late.values)]
    return Course([*early.when, *(late.when[i] for i in kept)], values)


def onset(when: Sequence[float], values: Sequence[float], rise: float) -> float:
    """Return the first time at which a curve lies `rise` above its start; infinity if it never does.

    Parameters
    ----------
    when, values
        One number per look, of equal length.
    rise
        The least rise that counts, in units of the values.
    """
    return next((t for t, value in zip(when, values) if value - values[0] >= rise), math.inf)


def half_way(when: Sequence[float], values: Sequence[float], rise: float) -> float:
    """Return the first time at which a curve has covered half of its way from start to end; infinity if it ends less than `rise` higher.

    A curve that goes on rising slowly is late by this, whenever it began.
    """
    start, end = values[0], values[-1]
    if not end - start >= rise:
        return math.inf
    return next(t for t, value in zip(when, values) if value >= (start + end) / 2)


#: what a time is of -> how it is found
TURNS = {"first risen": onset, "half-way": half_way}


def onsets(course: Course, seed: int, rises: Sequence[float], turn: str = "first risen") -> list[float]:
    """Return when each layer of one seed rises; one least rise per layer."""
    return [TURNS[turn](course.when, seeds[seed], rise) for seeds, rise in zip(course.values, rises, strict=True)]


def final_row(name: str, course: Course, layer: int, settings: Mapping[str, Any], rise: float, unit: str = "epochs") -> Measurement:
    """Return the row of a layer's last value, with its start and the time of half-way in the note."""
    from bioplaus.stats import summarise

    seeds = course.values[layer]
    found = summarise([one[-1] for one in seeds])
    told = "; ".join(f"{words} {_times([turn(course.when, one, rise) for one in seeds], unit)}" for words, turn in TURNS.items())
    start = sum(one[0] for one in seeds) / len(seeds)
    ci95 = tuple(found["ci95"]) if found["ci95"] else None
    n = sum(value is not None for value in found["values"])
    return Measurement(name, "", found["mean"], ci95, n, None, dict(settings), f"{start:.3f} at the start; {told}")


def _times(times: Sequence[float], unit: str) -> str:
    there = [t for t in times if math.isfinite(t)]
    missing = f" in {len(there)} of {len(times)} seeds, in the others never" if len(there) < len(times) else ""
    return f"after {', '.join(f'{t:.3g}' for t in there)} {unit}{missing}" if there else "never"
