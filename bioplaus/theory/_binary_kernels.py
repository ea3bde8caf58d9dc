"""Compiled averages of the theory of binary weights with fields; arrays and numbers in, arrays out.

`energy` does the integral over x of a pattern's likelihood, `sites` that over m of one weight.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["energy", "sites"]

Array = NDArray[np.float64]

_ROOT_2 = math.sqrt(2.0)
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
#: Half width of the range of a normal variable.
_REACH = 9.0
#: Argument from which the tail is its asymptotic series: erfc has no digits beyond.
_FAR = 25.0


@numba.njit(cache=True)
def _log_tail(u: float) -> float:
    """Return ln H(u)."""
    if u < -8.0:
        return -0.5 * math.erfc(-u / _ROOT_2)
    if u < _FAR:
        return math.log(0.5 * math.erfc(u / _ROOT_2))
    s = 1.0 / (u * u)
    return -0.5 * u * u - _HALF_LOG_2PI - math.log(u) + math.log1p(-s * (1 - 3 * s * (1 - 5 * s * (1 - 7 * s))))


@numba.njit(cache=True)
def energy(w: Array, spread: float, width: float, beta: float, nodes: Array, weights: Array) -> Any:
    """Return for each w what the likelihood ``h(y) = H(y/s)^beta``, ``y = sqrt(V) x + w``, averages to over x ~ N(0, 1).

    The likelihood moves the mass of x to about -a for w > 0, far out of any fixed range: the range of x follows it.

    Parameters
    ----------
    w
        Fields ``[n]``.
    spread, width
        ``V = Q - q`` and ``s^2 = 1 - Q``, both above 0.
    beta
        Inverse temperature.
    nodes, weights
        Gauss and Legendre's on [-1, 1].

    Returns
    -------
    array ``[n, 4]``
        ln E h, E h'/E h, E x h'/E h, E y h'/E h.
    """
    root, s = math.sqrt(spread), math.sqrt(width)
    found = np.empty((len(w), 4))
    logs, ratios = np.empty(len(nodes)), np.empty(len(nodes))
    for i in range(len(w)):
        a = beta * root * w[i] / (width + beta * spread) if w[i] > 0 else 0.0
        low, high = -a - _REACH, _REACH
        half, middle = 0.5 * (high - low), 0.5 * (high + low)
        most = -np.inf
        for j in range(len(nodes)):
            x = middle + half * nodes[j]
            u = (root * x + w[i]) / s
            tail = _log_tail(u)
            logs[j] = beta * tail - 0.5 * x * x
            ratios[j] = -beta / s * math.exp(-0.5 * u * u - _HALF_LOG_2PI - tail)
            most = max(most, logs[j])
        total = first = by_x = by_y = 0.0
        for j in range(len(nodes)):
            x = middle + half * nodes[j]
            p = weights[j] * math.exp(logs[j] - most)
            slope = p * ratios[j]
            total += p
            first += slope
            by_x += slope * x
            by_y += slope * (root * x + w[i])
        found[i, 0] = most + math.log(total * half) - _HALF_LOG_2PI
        found[i, 1], found[i, 2], found[i, 3] = first / total, by_x / total, by_y / total
    return found


@numba.njit(cache=True)
def sites(square: float, fields: Array, own: Array, m: Array, weights: Array) -> Any:
    """Return for each field phi the averages over m with weight ``exp(square m^2 + phi m + own(m))``.

    Parameters
    ----------
    square
        Coefficient of m^2.
    fields
        phi ``[n]``.
    own
        ``[k]``, a further exponent at each m.
    m, weights
        ``[k]``, nodes in (-1, 1) with their weights.

    Returns
    -------
    array ``[n, 4]``
        ln of the integral, and the averages of m, m^2 and sign m.
    """
    found = np.empty((len(fields), 4))
    logs = np.empty(len(m))
    for i in range(len(fields)):
        most = -np.inf
        for j in range(len(m)):
            logs[j] = (square * m[j] + fields[i]) * m[j] + own[j]
            most = max(most, logs[j])
        total = first = second = signs = 0.0
        for j in range(len(m)):
            if logs[j] < most - 60.0:
                continue
            p = weights[j] * math.exp(logs[j] - most)
            total += p
            first += p * m[j]
            second += p * m[j] * m[j]
            signs += p if m[j] > 0 else -p
        found[i, 0] = most + math.log(total)
        found[i, 1], found[i, 2], found[i, 3] = first / total, second / total, signs / total
    return found
