"""Statistics over seeds: mean, standard deviation, 95 % interval of the mean, paired differences.

A seed whose run stopped has no value (None or NaN): it stays visible as None and is left out of every number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bioplaus.errors import ConfigError

__all__ = ["as_array", "differences", "paired_difference", "summarise", "t_interval"]

LEVEL = 0.95

Values = Sequence[float | None]
Array = NDArray[np.float64]


def t_interval(samples: ArrayLike) -> tuple[Array, Array, Array, Array]:
    """Return mean, standard deviation and 95 % interval of the mean by Student's t, along the first axis.

    ::

        mean -+ t_{0.975, n-1} s / sqrt(n),    s^2 = sum (x - mean)^2 / (n - 1)

    Parameters
    ----------
    samples : array [S, ...]
        S independent seeds; entries that are not finite do not count, n is the number of those that do.

    Returns
    -------
    mean, std, low, high : float64 arrays [...]
        NaN where undefined: the mean of no value, the others of fewer than two.
    """
    from scipy.special import stdtrit

    x = np.asarray(samples, dtype=np.float64)
    there = np.isfinite(x)
    n = there.sum(0)
    with np.errstate(all="ignore"):  # what is undefined becomes NaN, silently
        mean = np.where(n > 0, np.where(there, x / n, 0.0).sum(0), np.nan)
        deviation = np.where(there, x - mean, 0.0)
        scale = np.abs(deviation).max(0, initial=0.0)  # squares of huge losses would overflow
        unit = np.where(scale > 0, deviation / scale, 0.0)
        std = np.where(n > 1, scale * np.sqrt(np.square(unit).sum(0) / (n - 1)), np.nan)
        half = stdtrit(np.maximum(n - 1, 1), (1 + LEVEL) / 2) * std / np.sqrt(n)
        return mean, std, mean - half, mean + half


def summarise(values: Values) -> dict[str, Any]:
    """Return the values of all seeds with their mean, standard deviation and 95 % interval, ready for JSON.

    Parameters
    ----------
    values
        One number per seed, in any unit; None or NaN for a seed that has none.

    Returns
    -------
    dict
        ``values`` (list, None where there is none), ``mean`` (None without any value), ``std`` (n - 1 in the
        denominator) and ``ci95`` ``[low, high]`` (both None with fewer than two values). The interval is not
        clipped to the range of the quantity. Never NaN or infinite.

    Examples
    --------
    >>> summarise([1.0, None, 3.0])["mean"]
    2.0
    """
    numbers = as_array(values)
    return {"values": [_finite(v) for v in numbers], **_moments(numbers)}


def paired_difference(a: Values, b: Values) -> dict[str, Any]:
    """Return the mean of ``a - b`` over the seeds that have both, with standard deviation and 95 % interval.

    A seed fixes initialisation, order of samples and noise, so the difference within a seed mostly varies
    less than either side does.

    Parameters
    ----------
    a, b
        One number per seed, the same seeds in the same order; None or NaN for a seed that has none.

    Returns
    -------
    dict
        ``mean``, ``std``, ``ci95`` as in `summarise`, and ``n``, the number of pairs.

    Raises
    ------
    ConfigError
        If the two sides are not equally long.
    """
    gaps = differences(a, b)
    return {**_moments(gaps), "n": int(np.isfinite(gaps).sum())}


def differences(a: Values, b: Values) -> Array:
    """Return ``a - b`` seed by seed, NaN where either has no value.

    Raises
    ------
    ConfigError
        If the two sides are not equally long.
    """
    if len(a) != len(b):
        raise ConfigError(f"paired differences need the same seeds on both sides, got {len(a)} and {len(b)}")
    return as_array(a) - as_array(b)


def as_array(values: Values | Array) -> Array:
    """Return the values with NaN for all that is not a finite number, so that inf - inf never arises."""
    numbers = np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _moments(numbers: Array) -> dict[str, Any]:
    mean, std, low, high = (_finite(v) for v in t_interval(numbers))
    return {"mean": mean, "std": std, "ci95": None if low is None or high is None else [low, high]}


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
