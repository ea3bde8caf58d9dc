"""Temperatures over the sweeps of a run."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bioplaus.errors import ConfigError

__all__ = ["SCHEDULES", "schedule"]

#: Ways from one temperature to another.
SCHEDULES = ("constant", "linear", "geometric")


def schedule(kind: str, T: float, sweeps: int, T_start: float | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the temperature of each sweep ``[sweeps]``, ending at T.

    Parameters
    ----------
    kind
        constant | linear (equal steps) | geometric (equal ratios; needs T > 0).
    T
        Last temperature, >= 0.
    sweeps
        How many, >= 1.
    T_start
        First temperature of an annealing, >= T; not for constant.

    Raises
    ------
    ConfigError
        A value outside its range, or a T_start missing or in excess.

    Examples
    --------
    >>> schedule("geometric", 0.25, 3, T_start=1.0).tolist()
    [1.0, 0.5, 0.25]
    """
    if kind not in SCHEDULES:
        raise ConfigError(f"schedule={kind!r}: must be one of {', '.join(SCHEDULES)}")
    if not (math.isfinite(T) and T >= 0):
        raise ConfigError(f"T={T}: must be a finite number >= 0")
    if sweeps < 1:
        raise ConfigError(f"sweeps={sweeps}: must be >= 1")
    if kind == "constant":
        if T_start is not None:
            raise ConfigError(f"T_start={T_start}: has no meaning with schedule=constant")
        return np.full(sweeps, float(T))
    if T_start is None or not (math.isfinite(T_start) and T_start >= T):
        raise ConfigError(f"T_start={T_start}: schedule={kind} needs a finite T_start >= T={T}")
    if kind == "linear":
        return np.linspace(T_start, T, sweeps)
    if T == 0:
        raise ConfigError("T=0: schedule=geometric never reaches 0; use linear, or a small T > 0")
    return np.geomspace(T_start, T, sweeps)
