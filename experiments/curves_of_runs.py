"""Learning curves of kept runs, for the figures of claims."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from bioplaus.pictures import Curves, Panel, Series

__all__ = ["accuracy_curves"]


def accuracy_curves(runs: list[tuple[str, str]], title: str, note: str = "") -> Curves:
    """Return validation accuracy in percent over epochs of runs (label, run directory): mean over seeds, bars of one standard error."""
    series = [_series(label, run, i) for i, (label, run) in enumerate(runs)]
    return Curves("", title, [Panel("epoch", "validation accuracy, %", series, whole_x=True)], note)


def _series(label: str, run: str, colour: int) -> Series:
    from bioplaus.recorder import read_metrics
    from bioplaus.store import Store

    by_epoch: dict[int, list[float]] = defaultdict(list)
    rows = read_metrics(Store.open(Path(run)).metrics).to_pylist()
    for row in rows:
        if row["split"] == "validation" and row["metric"] == "accuracy" and row["value"] is not None:
            by_epoch[row["epoch"]].append(100 * row["value"])
    epochs = sorted(by_epoch)
    means = [sum(by_epoch[e]) / len(by_epoch[e]) for e in epochs]
    errors = [_standard_error(by_epoch[e], mean) for e, mean in zip(epochs, means)]
    return Series(label, epochs, means, errors, colour=colour)


def _standard_error(values: list[float], mean: float) -> float:
    n = len(values)
    return (sum((v - mean) ** 2 for v in values) / (n - 1) / n) ** 0.5 if n > 1 else float("nan")
