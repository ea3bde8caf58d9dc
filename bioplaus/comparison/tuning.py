"""A rule's own rate: one run whose replicas are the grid, on one seed, judged on the validation samples alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioplaus import config
from bioplaus.comparison.plan import TUNING_SEED, Plan, Row
from bioplaus.errors import ConfigError
from bioplaus.kept import measure
from bioplaus.progress import Silent
from bioplaus.recorder import read_metrics, rows_of

__all__ = ["Choice", "best_of", "own_rate", "rates", "tune"]


@dataclass(frozen=True)
class Choice:
    """The rate of a row and how it was found.

    Parameters
    ----------
    lr, recipe_lr
        The rate chosen and that of the rule's recipe.
    rates, accuracy, loss
        The grid, and what each rate reached on the validation samples: highest accuracy and lowest loss of the epochs it trained. None for a
        rate whose numbers stopped being finite.
    untrained_accuracy, untrained_loss
        What the network reached before it learnt.
    improved
        Whether any rate did better than that.
    edge
        "low" or "high" if the best rate is the first or the last of the grid, so that a better one may lie beyond it; else "".
    seconds
        What the search took.
    """

    lr: float
    recipe_lr: float
    rates: tuple[float, ...]
    accuracy: tuple[float | None, ...]
    loss: tuple[float | None, ...]
    untrained_accuracy: float | None
    untrained_loss: float | None
    improved: bool
    edge: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def own_rate(row: Row) -> float:
    """Return the rate that the rule's recipe (or the user) gives."""
    return float(config.resolve(row.settings).rule.lr)


def rates(own: float, factors: Sequence[float]) -> tuple[float, ...]:
    """Return the rates to try, rising, to three significant digits but for the rule's own."""
    return tuple(own if factor == 1 else float(f"{own * factor:.3g}") for factor in sorted(factors))


def tune(row: Row, plan: Plan, folder: Path, progress: Silent) -> Choice:
    """Search the rate of a row: all rates on seed 1000, for ``tune_epochs`` epochs, each judged by its best epoch of training on validation.

    The epoch of lowest loss, which is the one that is tested, would not do: where no loss falls below that of the untrained network, as in
    rules whose loss is on a scale of its own, it is the untrained network for every rate.

    Raises
    ------
    BioplausError
        If the row cannot run, or every rate diverges.
    """
    own = own_rate(row)
    grid = rates(own, plan.grid)
    settings = {
        **row.settings, "rule.lr": list(grid), "seeds": len(grid), "seed": TUNING_SEED, "seed_step": 0,
        "epochs": plan.tune_epochs, "probes": [],
    }  # fmt: skip
    summary = measure(settings, folder, progress)
    if summary["validation_loss"] is None:
        raise ConfigError("tune=grid chooses by the validation samples and data.validation=0 leaves none; use tune=none")
    curves = _validation(Path(summary["run_dir"]) / "metrics.parquet", len(grid))
    diverged = [step is not None for step in summary["stopped_at"] or [None] * len(grid)]
    accuracy, first_accuracy = _reached(curves.get("accuracy"), max, diverged)
    loss, first_loss = _reached(curves["loss"], min, diverged)
    best = best_of(accuracy, loss)
    improved = _better(accuracy[best], loss[best], first_accuracy, first_loss)
    edge = _edge(best, len(grid)) if improved else ""
    return Choice(
        grid[best], own, grid, accuracy, loss, first_accuracy, first_loss, improved, edge, summary["seconds"]["total"]
    )  # fmt: skip


def _validation(file: Path, networks: int) -> dict[str, NDArray[np.float64]]:
    """Return the scores on the validation samples, name -> array [epochs + 1, networks].

    All networks have one seed, so it is their order within an epoch that tells them apart.
    """
    found: dict[str, list[float]] = {}
    for _, _, _, split, metric, _, value in rows_of(read_metrics(file)):
        if split == "validation":
            found.setdefault(metric, []).append(math.nan if value is None else value)
    return {metric: np.reshape(values, (-1, networks)) for metric, values in found.items()}


def _reached(
    curves: NDArray[np.float64] | None, best: Callable[..., float], diverged: Sequence[bool]
) -> tuple[tuple[float | None, ...], float | None]:
    """Return the best value of each network over the epochs that it trained, and the value before.

    What a network reached before it diverged is not what its rate is good for. Without any epoch the start is all there is.
    """
    if curves is None:
        return (None,) * len(diverged), None
    trained = curves[1:] if len(curves) > 1 else curves
    there = [[float(v) for v in column if math.isfinite(v)] for column in trained.T]
    first = float(curves[0, 0]) if math.isfinite(curves[0, 0]) else None
    return tuple(best(column) if column and not gone else None for column, gone in zip(there, diverged)), first


def _better(accuracy: float | None, loss: float | None, first_accuracy: float | None, first_loss: float | None) -> bool:
    """Return whether a trained network beats the untrained one, by accuracy where there is one."""
    if accuracy is not None and first_accuracy is not None:
        return accuracy > first_accuracy
    return loss is not None and first_loss is not None and loss < first_loss


def best_of(accuracy: Sequence[float | None], loss: Sequence[float | None]) -> int:
    """Return the position of the highest accuracy, of equal ones that of the lowest loss; by loss alone where there is no accuracy.

    Accuracy first, because the loss of some rules (a goodness, a settled energy) is not on the scale of the others'.

    Raises
    ------
    ConfigError
        If no rate has a value.
    """
    judged = [
        (-(a if a is not None else 0.0), value, i)
        for i, (a, value) in enumerate(zip(accuracy, loss))
        if value is not None and math.isfinite(value)
    ]
    if not judged:
        raise ConfigError("no rate of the grid gave finite numbers; try lower ones with grid=[0.001,0.01,0.1]")
    return min(judged)[2]


def _edge(best: int, count: int) -> str:
    """Say at which end of the grid the best rate lies, if at one."""
    return "" if count == 1 else "low" if best == 0 else "high" if best == count - 1 else ""
