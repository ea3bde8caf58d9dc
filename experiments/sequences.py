"""What claims about tasks in sequence share: rows of a finished run, settings that validation chooses, the course of one task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus.experiments.claims import Measurement

__all__ = ["chosen_by_validation", "course_of_task", "sequence_rows"]

#: seed on which settings are chosen; no table uses it
SEED = 1000


def chosen_by_validation(settings: Mapping[str, Any], key: str, values: Sequence[float], folder: str) -> tuple[dict[str, Any], str]:
    """Return the settings with the value of highest validation accuracy, the mean of all tasks at the end, and a note.

    The values are replicas of one run where the setting may differ between replicas, else runs of their own.
    """
    from bioplaus.errors import BioplausError
    from bioplaus.experiments.rows import measure

    shared = {**settings, "seed": SEED, "seed_step": 0}
    if key.startswith("rule."):
        found = measure({**shared, "seeds": len(values), key: list(values)}, folder)["validation_accuracy"]["values"]
    else:
        found = []
        for value in values:
            try:
                found += measure({**shared, "seeds": 1, key: value}, folder)["validation_accuracy"]["values"]
            except BioplausError:
                found.append(None)
    best = max(range(len(values)), key=lambda i: -1.0 if found[i] is None else found[i])
    shown = ", ".join(f"{value:g}: {'stopped' if a is None else f'{100 * a:.1f}'}" for value, a in zip(values, found))
    edge = " - the lowest tried" if best == 0 else " - the highest tried" if best == len(values) - 1 else ""
    return {**settings, key: values[best]}, f"{key} {values[best]:g}{edge} (validation % at the end, seed {SEED}: {shown})"


def sequence_rows(name: str, settings: Mapping[str, Any], folder: str, note: str = "", target: str = "no figure") -> list[Measurement]:
    """Return average accuracy, forgetting and learning accuracy of a run, in percent; the target stands with the first."""
    from bioplaus.experiments.rows import measure

    summary = measure(settings, folder)
    rows = []
    for key, word in (("average_accuracy", "average accuracy"), ("forgetting", "forgetting"), ("learning_accuracy", "learning accuracy")):
        found, first = summary[key], key == "average_accuracy"
        ci95 = (100 * found["ci95"][0], 100 * found["ci95"][1]) if found["ci95"] else None
        mean = None if found["mean"] is None else 100 * found["mean"]
        n = sum(value is not None for value in found["values"])
        seconds = summary["seconds"]["total"] if first else None
        rows.append(
            Measurement(f"{name}: {word}", target if first else "", mean, ci95, n, None, dict(settings), note if first else "", seconds)
        )
    return rows


def course_of_task(settings: Mapping[str, Any], folder: str, task: int) -> tuple[list[int], list[float]]:
    """Return epochs and the mean validation accuracy of one task, percent, of a finished run."""
    from statistics import mean

    from bioplaus import config, kept
    from bioplaus.recorder import read_metrics, rows_of

    store = kept.found(config.resolve({**settings, "run.root": folder, "run.figures": False}))
    assert store is not None  # it has been measured
    found: dict[int, list[float]] = {}
    for epoch, _, _, split, metric, layer, value in rows_of(read_metrics(store.metrics)):
        if (split, metric, layer) == ("validation", "task_accuracy", task) and value is not None:
            found.setdefault(epoch, []).append(100 * value)
    return sorted(found), [mean(found[epoch]) for epoch in sorted(found)]
