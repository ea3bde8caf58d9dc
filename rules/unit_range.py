"""Inputs that have to lie in [0, 1], as pixels do: what turns them into rates, times or bits of spikes means nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from bioplaus.errors import ConfigError
from bioplaus.view import Batch

__all__ = ["check_unit_range"]


def check_unit_range(batches: Iterable[Batch], wish: str) -> None:
    """Refuse inputs outside [0, 1]; `wish` begins the line, e.g. "network=neurosim wants pixels in 0..1".

    Raises
    ------
    ConfigError
        If there are any.
    """
    for batch in batches:
        low, high = float(batch.x.min()), float(batch.x.max())
        if low < 0 or high > 1:
            raise ConfigError(f"{wish}, these are in {low:.3g}..{high:.3g}; use data.standardise=none and images")
