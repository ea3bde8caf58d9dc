"""Lines in the plane of dilution and temperature where states of the storing network lose their stability.

Temperatures are in units of T_c, which is 1 with normalised couplings.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from bioplaus.errors import ConfigError
from bioplaus.theory.problem import check_dilution, check_patterns

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["parallel_onset", "pure_boundary"]


def pure_boundary(T: float) -> float:
    """Return d_pure, below which the state with pattern 1 alone is stable: ``1 - (1 - T)/mu^2`` with ``mu = tanh(mu / T)``.

    The eigenvalue of the other patterns, ``1 - beta (1 - (1-d) mu^2)``, vanishes there. 0 at T = 0, 2/3 at T_c.

    Raises
    ------
    ConfigError
        If T is outside [0, 1]: above T_c there is no pure state.
    """
    if not 0 <= T <= 1:
        raise ConfigError(f"T={T}: the pure state exists for T in [0, 1] (T_c = 1)")
    if T == 0:
        return 0.0
    if T > 1 - 1e-9:
        return 2 / 3  # mu^2 -> 3 (1 - T)
    x = brentq(lambda x: math.tanh(x) - T * x, math.sqrt(3 * (1 - T)), 2 / T, xtol=1e-16, rtol=1e-14)
    return float(1 - (1 - T) / (T * x) ** 2)


def parallel_onset(d: float, K: int) -> float:
    """Return T*, the lowest temperature at which the state with all K patterns exactly alike is stable.

    Below it a hierarchy takes over. For d >= 2/3 the state is stable from T* to T_c; a little below 2/3 in a window that ends before T_c.

    Parameters
    ----------
    d
        Dilution, in [0, 1).
    K
        Patterns, >= 2.

    Raises
    ------
    ConfigError
        If K < 2, or the parallel state is stable at no temperature (d too small).
    """
    check_dilution(d)
    check_patterns(K)
    if K < 2:
        raise ConfigError(f"K={K}: patterns are retrieved in parallel from K = 2 on")
    rest = _sums(K - 2, d)
    sums = np.arange(-(K - 2), K - 1)
    # With sech^2 -> 0 where there is a field, the eigenvalue is 1 - floor / T: T* cannot be lower.
    floor = float((1 - d) * rest[sums == 0].sum() + d * rest[sums == -1].sum())
    grid = np.linspace(floor, 1, 66)[1:-1]
    best = max(grid, key=lambda T: _eigenvalue(T, d, K))
    width = grid[1] - grid[0]
    around = (best - width, min(best + width, 1 - 1e-9))
    peak = minimize_scalar(lambda T: -_eigenvalue(T, d, K), bounds=around, method="bounded").x
    if _eigenvalue(peak, d, K) <= 0:
        raise ConfigError(
            f"d={d}, K={K}: the parallel state is stable at no temperature; more dilution is needed (2/3 suffices)"
        )
    return float(brentq(_eigenvalue, floor, peak, args=(d, K), xtol=1e-14, rtol=1e-13))


def _sums(count: int, d: float) -> NDArray[Any]:
    """Return the probabilities of the sum of count diluted entries, from -count to count."""
    chances: NDArray[Any] = np.ones(1)
    for _ in range(count):
        chances = np.convolve(chances, [(1 - d) / 2, d, (1 - d) / 2])
    return chances


def _amplitude(T: float, d: float, K: int) -> float:
    """Return the root mu > 0 of ``mu = E tanh(mu (1 + S) / T)``, S the sum of the K - 1 other entries of a neuron."""
    field = 1 + np.arange(-(K - 1), K)
    chances = _sums(K - 1, d)
    small = 1e-3 * math.sqrt((1 - T) / K)  # the root is about sqrt(3 (1 - T) / (1 + 3 (K-1)(1-d))) near T_c
    return float(brentq(lambda mu: chances @ np.tanh(mu * field / T) - mu, small, 1.0, xtol=1e-15, rtol=1e-14))


def _eigenvalue(T: float, d: float, K: int) -> float:
    """Return the Hessian's eigenvalue against differences between patterns, ``1 - beta E[d sech^2(beta mu (1+S)) + (1-d) sech^2(beta mu S)]``.

    S is the sum of the K - 2 entries other than the two that are told apart.
    """
    mu = _amplitude(T, d, K)
    sums = np.arange(-(K - 2), K - 1)
    slope = d * (1 - np.tanh(mu * (1 + sums) / T) ** 2) + (1 - d) * (1 - np.tanh(mu * sums / T) ** 2)
    return float(1 - _sums(K - 2, d) @ slope / T)
