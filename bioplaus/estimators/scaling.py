"""How inputs and targets are scaled: statistics of the training part, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.errors import ConfigError

__all__ = ["KINDS", "Scaling"]

Array = NDArray[Any]
#: mean and sd of each feature | one mean and sd for all | lowest and highest of each feature to 0..1, what lies beyond is clipped | as given
KINDS = ("feature", "global", "range", "none")


@dataclass(frozen=True, eq=False)
class Scaling:
    """``(x - centre) / spread``, clipped to 0..1 for inputs that stand for rates, pixels or times.

    Parameters
    ----------
    centre, spread
        One value per column, or one for all.
    clip
        Whether what lies outside 0..1 afterwards is moved to its edge.
    """

    centre: Array
    spread: Array
    clip: bool = False

    @classmethod
    def of(cls, x: Array, kind: str) -> Scaling:
        """Return the scaling of x ``[N, columns]``; a column that does not vary is only centred.

        Raises
        ------
        ConfigError
            If the kind is not one of `KINDS`.
        """
        if kind not in KINDS:
            raise ConfigError(f"standardise={kind!r} is not known; choose one of {', '.join(('auto', *KINDS))}")
        if kind == "none":
            return cls(np.zeros(1), np.ones(1))
        if kind == "range":
            low, width = x.min(0).astype(np.float64), np.ptp(x, 0).astype(np.float64)
            return cls(low, np.where(width > 0, width, 1.0), clip=True)
        axis = 0 if kind == "feature" else None
        centre, spread = (np.atleast_1d(f(x, axis=axis, dtype=np.float64)) for f in (np.mean, np.std))
        # the mean of equal numbers is off by rounding, and so is their deviation
        still = spread <= 10 * np.finfo(x.dtype).eps * np.abs(centre)
        return cls(centre, np.where(still, 1.0, spread))

    def scaled(self, x: Array) -> Array:
        """Return x scaled, in its own precision."""
        found = (x - self.centre.astype(x.dtype)) / self.spread.astype(x.dtype)
        return found.clip(0, 1) if self.clip else found

    def undone(self, x: Array) -> Array:
        """Return what would be scaled to x, in its own precision."""
        return x * self.spread.astype(x.dtype) + self.centre.astype(x.dtype)
