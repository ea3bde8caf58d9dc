"""The nonlinearity label of a pulse curve, and the curve's constant A, in closed form.

A curve of P pulses is ``g(p) = (1 - exp(-u p/P)) / (1 - exp(-u))`` with ``u = P/A = 1/a``. Its largest distance above the straight line is
``D(u) = 1/E - 1/u - ln(u/E)/u``, ``E = 1 - exp(-u)``, and the label is the largest distance at right angles to the line in units of 0.07:
``NL = D / (0.07 sqrt 2)``, with the sign of a (reproduces the table of MLP+NeuroSim V3.0, Chen, Peng & Yu 2018, to its rounding).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.errors import ConfigError

__all__ = ["LABEL_UNIT", "LARGEST_LABEL", "a_to_nonlinearity", "beta_to_nonlinearity", "distance", "exponent", "nonlinearity_to_a"]

#: No curve has a label of this size: D < 1, so that NL < 1 / (0.07 sqrt 2) = 10.1015.
LARGEST_LABEL = 10.10
#: Distance from the line, along the upright axis, of the label 1.
LABEL_UNIT = 0.07 * math.sqrt(2)
#: below it, a series: the closed form would lose digits
_SMALL = 0.03


def distance(u: Any) -> Any:
    """Return D(u), the largest distance of the normalised curve from the line; odd in u.

    Examples
    --------
    >>> round(distance(1.0), 7), round(distance(2.0), 7)
    (0.1233016, 0.2372373)
    """
    size = np.abs(np.asarray(u, dtype=float))
    x = np.maximum(size, _SMALL)
    e = -np.expm1(-x)
    found = np.where(size < _SMALL, size / 8 - size**3 / 576 + size**5 / 25920, 1 / e - 1 / x - np.log(x / e) / x)
    found = np.sign(u) * found
    return float(found) if np.ndim(u) == 0 else found


def _slope(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return dD/du for u > 0."""
    x = np.maximum(u, _SMALL)
    e = -np.expm1(-x)
    exact = (np.log(x / e) / x**2 * e**2 - (1 - e / x) * (1 - e)) / e**2
    return np.where(u < _SMALL, 1 / 8 - u**2 / 192 + u**4 / 5184, exact)


@cache
def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    t = np.linspace(math.log(1e-7), math.log(1e6), 3000)
    return t, distance(np.exp(t))


def exponent(label: Any) -> Any:
    """Return u = 1/a of a label, 0 for a straight line; arrays are welcome.

    A safeguarded Newton iteration in ln u, between neighbours of a grid.

    Raises
    ------
    ConfigError
        If |label| >= 10.10.
    """
    labels = np.asarray(label, dtype=float)
    if not np.all(np.abs(labels) < LARGEST_LABEL):
        worst = labels.flat[int(np.argmax(~(np.abs(labels) < LARGEST_LABEL)))]
        raise ConfigError(f"a nonlinearity of {worst:g} has no device: its curve would be steeper than a step; labels lie in -10.1 < NL < 10.1")
    target = np.abs(labels) * LABEL_UNIT
    grid, values = _grid()
    at = np.clip(np.searchsorted(values, target), 1, len(grid) - 1)
    low, high = grid[at - 1], grid[at]
    t = low + (high - low) * np.clip((target - values[at - 1]) / (values[at] - values[at - 1]), 0, 1)
    for _ in range(6):
        u = np.exp(t)
        t = np.clip(t - (distance(u) - target) / (_slope(u) * u), low, high)
    found = np.sign(labels) * np.where(target < values[0], 8 * target, np.exp(t))
    return float(found) if np.ndim(label) == 0 else found


def nonlinearity_to_a(label: Any) -> Any:
    """Return a = A/P of a nonlinearity label, infinite for a straight line; arrays are welcome.

    Raises
    ------
    ConfigError
        If |label| >= 10.10.

    Examples
    --------
    >>> round(nonlinearity_to_a(2.4), 6), round(nonlinearity_to_a(-4.88), 6)
    (0.499181, -0.200303)
    """
    u = exponent(label)
    with np.errstate(divide="ignore"):
        found = np.where(np.asarray(u) == 0, np.inf, 1 / np.asarray(u))
    return float(found) if np.ndim(label) == 0 else found


def a_to_nonlinearity(a: Any) -> Any:
    """Return the nonlinearity label of a = A/P; 0 for an infinite a.

    Raises
    ------
    ConfigError
        If a is 0 or not a number: that is no curve.

    Examples
    --------
    >>> round(a_to_nonlinearity(1.251653), 5)
    1.0
    """
    values = np.asarray(a, dtype=float)
    if not np.all(np.abs(values) > 0):
        raise ConfigError(f"a={a} has no nonlinearity; a = A/P is a number other than 0, infinite for a straight line")
    return beta_to_nonlinearity(1 / values)


def beta_to_nonlinearity(beta: Any) -> Any:
    """Return the label of beta in ``g = (1 - exp(-beta p)) / (1 - exp(-beta))``, p from 0 to 1: another name of u = 1/a."""
    found = np.asarray(distance(np.asarray(beta, dtype=float))) / LABEL_UNIT
    return float(found) if found.ndim == 0 else found
