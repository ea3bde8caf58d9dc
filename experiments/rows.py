"""Rows that survive: each is an ordinary run; a finished one is read again, an interrupted one is resumed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus.errors import BioplausError
from bioplaus.experiments.claims import Measurement
from bioplaus.kept import measure

__all__ = ["accuracy_row", "after_epochs", "last_row", "measure", "standard_error", "tuned", "tuned_together"]


def tuned(
    settings: Mapping[str, Any], grid: Sequence[Mapping[str, Any]], folder: str, *, seed: int = 1000, by: str = "loss"
) -> tuple[dict[str, Any], str]:
    """Return the settings with the entry of the grid whose validation loss (or accuracy) is best, and a note on how it was found.

    The choice is made on one seed that no table uses, by validation alone.
    """
    found = []
    for entry in grid:
        try:
            summary = measure({**settings, **entry, "seed": seed, "seeds": 1, "probes": []}, folder)
            value = summary[f"validation_{by}"]["mean"]
        except BioplausError:  # a rate that diverges is a rate not chosen
            value = None
        found.append(float("nan") if value is None else value)
    sign = 1 if by == "loss" else -1
    best = min(range(len(grid)), key=lambda i: (math.isnan(found[i]), sign * found[i]))
    shown = ", ".join(f"{'/'.join(f'{v:g}' for v in e.values())}: {value:.4f}" for e, value in zip(grid, found))
    keys = " x ".join(grid[0])
    return {**settings, **grid[best]}, f"{keys} by validation {by} on seed {seed} ({shown})"


def tuned_together(
    settings: Mapping[str, Any], rates: Sequence[float], folder: str, *, epochs: int, seed: int = 1000
) -> tuple[dict[str, Any], str]:
    """Return the settings with the rate of highest validation accuracy, of equals that of the lowest loss, and a note on how it was found.

    All rates are replicas of one run, on one seed that no table uses; judged is the epoch that would be tested.
    """
    from bioplaus.comparison.tuning import best_of

    shared = {"seeds": len(rates), "seed": seed, "seed_step": 0, "epochs": epochs, "probes": []}
    summary = measure({**settings, **shared, "rule.lr": list(rates)}, folder)
    accuracy = summary["validation_accuracy"]["values"]
    best = best_of(accuracy, summary["validation_loss"]["values"])
    shown = ", ".join(f"{rate:g}: {'stopped' if a is None else f'{100 * a:.1f}'}" for rate, a in zip(rates, accuracy))
    edge = " - the lowest tried" if best == 0 else " - the highest tried" if best == len(rates) - 1 else ""
    return {**settings, "rule.lr": rates[best]}, f"rate {rates[best]:g}{edge} (validation % after {epochs} on seed {seed}: {shown})"


def accuracy_row(
    name: str,
    settings: Mapping[str, Any],
    folder: str,
    target: str,
    *,
    low: float | None = None,
    high: float | None = None,
    note: str = "",
) -> Measurement:
    """Measure test accuracy in percent; the target is met if the mean lies in [low, high]."""
    summary = measure(settings, folder)
    found = summary["test_accuracy"]
    mean = None if found["mean"] is None else 100 * found["mean"]
    bounds = (low is None or (mean is not None and mean >= low)) and (high is None or (mean is not None and mean <= high))
    return Measurement(
        name=name,
        target=target,
        mean=mean,
        ci95=tuple(100 * v for v in found["ci95"]) if found["ci95"] else None,  # type: ignore[arg-type]
        n=sum(v is not None for v in found["values"]),
        reached=None if low is None and high is None else mean is not None and bounds,
        settings=dict(settings),
        note=note,
        seconds=summary["seconds"]["total"],
    )


def after_epochs(settings: Mapping[str, Any], folder: str, part: str = "test") -> list[list[float]]:
    """Return accuracy in percent on a part after every epoch of a finished run, seed by seed; the test set needs ``test_every=1``."""
    from bioplaus import config, kept
    from bioplaus.recorder import read_metrics

    store = kept.found(config.resolve({**settings, "run.root": folder, "run.figures": False}))
    assert store is not None  # it has been measured
    found: dict[int, dict[int, float]] = {}
    for row in read_metrics(store.metrics).to_pylist():
        if (row["split"], row["metric"]) == (part, "accuracy"):
            found.setdefault(row["seed"], {})[row["epoch"]] = 100 * row["value"]
    return [[values[epoch] for epoch in sorted(values)] for _, values in sorted(found.items())]


def last_row(
    name: str,
    settings: Mapping[str, Any],
    curves: Sequence[Sequence[float]],
    last: int,
    seconds: float,
    *,
    target: str = "no figure",
    note: str = "",
) -> Measurement:
    """Return the row of runs whose accuracy does not settle: per seed the mean over the last epochs; the note says how far these spread."""
    from statistics import mean, stdev

    from bioplaus.stats import summarise

    ends = [curve[-last:] for curve in curves]
    found = summarise([mean(end) for end in ends])
    spread = mean(stdev(end) if len(end) > 1 else 0.0 for end in ends)
    own = f"epoch to epoch {spread:.2f} (standard deviation of the last {len(ends[0])})"
    ci95 = tuple(found["ci95"]) if found["ci95"] else None
    return Measurement(name, target, found["mean"], ci95, len(ends), None, dict(settings), f"{own}; {note}" if note else own, seconds)


def standard_error(row: Measurement) -> float:
    """Return the standard error of a mean from its interval."""
    from scipy.stats import t

    if row.ci95 is None or row.n is None:
        return 0.0
    return (row.ci95[1] - row.ci95[0]) / 2 / float(t.ppf(0.975, row.n - 1))
