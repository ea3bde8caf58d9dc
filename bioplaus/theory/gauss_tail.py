"""The Gaussian tail ``H(x) = P(z > x)`` in logarithms, and averages over a normal variable of what is steep at one place."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["even_normal", "hazard", "legendre", "log_tail", "normal_nodes", "steep_normal"]

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
#: Half width of the range of a normal variable.
_REACH = 10.0


@cache
def legendre(points: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return nodes and weights of Gauss and Legendre on [-1, 1], read-only."""
    u, weight = np.polynomial.legendre.leggauss(points)
    u.flags.writeable = weight.flags.writeable = False
    return u, weight


def log_tail(x: Any) -> Any:
    """Return ``ln H(x)``.

    Examples
    --------
    >>> round(float(log_tail(0.0)), 6)  # ln 1/2
    -0.693147
    """
    return log_ndtr(-np.asarray(x, dtype=float))


def hazard(x: Any) -> Any:
    """Return ``phi(x)/H(x)``, phi the normal density; about x for large x."""
    x = np.asarray(x, dtype=float)
    return np.exp(-0.5 * x * x - _HALF_LOG_2PI - log_tail(x))


def normal_nodes(width: float = 1.0, centre: float = 0.0, points: int = 400) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return nodes z and weights w with ``E f(z) = sum w f(z)`` for z ~ N(0, 1) and f that changes over ``width`` about ``centre``.

    ``z = centre + L sinh(k u)/sinh k`` with Gauss-Legendre nodes u: dense where f is steep, and still out to where the density ends.

    Parameters
    ----------
    width
        Above 0; from 1 on the nodes lie almost evenly.
    centre
        Where f is steep; z = 0 has to lie within reach all the same.
    points
        Number of nodes.

    Examples
    --------
    >>> z, w = normal_nodes(1e-3)
    >>> round(float(w @ (z > 0)), 6), round(float(w @ z**4), 6)
    (0.5, 3.0)
    """
    reach = _REACH + abs(centre)
    k = max(math.asinh(reach / max(width, 1e-12)) - 1, 1.0)
    return steep_normal(centre, reach, k, points)


def steep_normal(centre: float, reach: float, k: float, points: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return nodes and weights of a normal variable at ``z = centre + reach sinh(k u)/sinh k``, u Gauss and Legendre's; k > 0."""
    u, weight = legendre(points)
    z = centre + reach * np.sinh(k * u) / math.sinh(k)
    slope = reach * k * np.cosh(k * u) / math.sinh(k)
    return z, weight * slope * np.exp(-0.5 * z * z - _HALF_LOG_2PI)


def even_normal(reach: float, points: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return nodes and weights of a normal variable at ``z = reach u``, u Gauss and Legendre's."""
    u, weight = legendre(points)
    z = reach * u
    return z, weight * reach * np.exp(-0.5 * z * z - _HALF_LOG_2PI)
