"""A rule's own rate: one run whose replicas are the grid, on one seed, judged on the validation samples alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bioplaus import config
from bioplaus.comparison.plan import TUNING_SEED, Plan, Row
from bioplaus.errors import ConfigError
from bioplaus.kept import measure
from bioplaus.progress import Silent

__all__ = ["Choice", "best_of", "own_rate", "rates", "tune"]


@dataclass(frozen=True)
class Choice:
    """The rate of a row and how it was found.

    Parameters
    ----------
    lr, recipe_lr
        The rate chosen and that of the rule's recipe.
    rates, accuracy, loss
        The grid, and what each rate reached on the validation samples; None for a rate whose numbers stopped being finite.
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
    edge: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def own_rate(row: Row) -> float:
    """Return the rate that the rule's recipe (or the user) gives."""
    lr = config.resolve(row.settings).rule.lr
    if isinstance(lr, tuple):
        raise ConfigError("rule.lr lists a rate per seed; a comparison needs one rate for all seeds of a row")
    return float(lr)


def rates(own: float, factors: Sequence[float]) -> tuple[float, ...]:
    """Return the rates to try, rising, to three significant digits but for the rule's own."""
    return tuple(own if factor == 1 else float(f"{own * factor:.3g}") for factor in sorted(factors))


def tune(row: Row, plan: Plan, folder: Path, progress: Silent) -> Choice:
    """Search the rate of a row: all rates on seed 1000, for ``tune_epochs`` epochs, by validation.

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
    loss = summary["validation_loss"]["values"]
    accuracy = (summary["validation_accuracy"] or {"values": [None] * len(grid)})["values"]
    for i, step in enumerate(summary["stopped_at"] or []):  # what it reached before is not what that rate is good for
        if step is not None:
            loss[i] = accuracy[i] = None
    best = best_of(accuracy, loss)
    return Choice(
        grid[best], own, grid, tuple(accuracy), tuple(loss), _edge(best, len(grid)), summary["seconds"]["total"]
    )  # fmt: skip


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
