"""Rows that survive: each is an ordinary run; a finished one is read again, an interrupted one is resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus.errors import BioplausError
from bioplaus.experiments.claims import Measurement
from bioplaus.kept import measure

__all__ = ["accuracy_row", "measure", "tuned"]


def tuned(
    settings: Mapping[str, Any], grid: Sequence[Mapping[str, Any]], folder: str, *, seed: int = 1000
) -> tuple[dict[str, Any], str]:
    """Return the settings with the entry of the grid whose validation loss is lowest, and a note on how it was found.

    The choice is made on one seed that no table uses, by validation alone.
    """
    losses = []
    for entry in grid:
        try:
            summary = measure({**settings, **entry, "seed": seed, "seeds": 1, "probes": []}, folder)
            loss = summary["validation_loss"]["mean"]
        except BioplausError:  # a rate that diverges is a rate not chosen
            loss = None
        losses.append(float("inf") if loss is None else loss)
    best = min(range(len(grid)), key=losses.__getitem__)
    shown = ", ".join(f"{'/'.join(f'{v:g}' for v in e.values())}: {loss:.4f}" for e, loss in zip(grid, losses))
    keys = " x ".join(grid[0])
    return {**settings, **grid[best]}, f"{keys} by validation loss on seed {seed} ({shown})"


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
