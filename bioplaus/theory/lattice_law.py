"""Effective patterns that take finitely many values: the patterns themselves, or means of M examples. Exact, by enumeration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from bioplaus.errors import ConfigError
from bioplaus.theory.law import Averages

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LatticeLaw", "binomial_law", "storing_law"]

_POINTS_MAX = 2_000_000
#: At tau = 0 a field that cancels up to this share of its terms is no field: rounding must not decide a tie.
_TIE = 1e-12


@numba.njit(cache=True)
def _iterate(
    n: Any, v: Any, weight: Any, second: float, tau: float, tied: bool, tolerance: float, limit: int
) -> tuple[int, float]:
    """Iterate the equations of state in place. Symmetries of n (components equal, or zero) are exact and survive rounding."""
    new = np.empty_like(n)
    change = np.inf
    for count in range(1, limit + 1):
        new[:] = 0
        for p in range(v.shape[0]):
            h = 0.0
            size = 0.0
            for mu in range(n.shape[0]):
                term = n[mu] * v[p, mu]
                h += term
                size += abs(term)
            t = 0.0
            if tau > 0:
                t = weight[p] * math.tanh(h / tau)
            elif abs(h) > _TIE * size:
                t = math.copysign(weight[p], h)
            for mu in range(n.shape[0]):
                new[mu] += v[p, mu] * t
        new /= second
        if tied:
            new[:] = new.mean()
        change = 0.0
        for mu in range(n.shape[0]):
            if n[mu] != 0:
                change = max(change, abs(new[mu] - n[mu]))
                n[mu] = new[mu]
        if change < tolerance:
            return count, change
    return limit, change


@dataclass(frozen=True)
class LatticeLaw:
    """Effective patterns on P points; with every point stands its mirror image -v, whose weight is counted in.

    Parameters
    ----------
    v
        Points ``[P, K]``.
    xi, alive
        ``E[xi | v]`` and ``E[xi^2 | v]``, both ``[P, K]``.
    weight
        Probability of each point and its image, ``[P]``.
    second
        ``E[v^2 | xi != 0] = 1 + rho``.
    """

    v: NDArray[Any]
    xi: NDArray[Any]
    alive: NDArray[Any]
    weight: NDArray[Any]
    second: float

    @property
    def evaluations(self) -> int:
        """Fields evaluated in one average."""
        return len(self.weight)

    def iterate(self, n: NDArray[Any], tau: float, tied: bool, tolerance: float, limit: int) -> tuple[int, float]:
        """Iterate ``n <- E[v tanh(n . v / tau)] / (1 + rho)`` in place; return the iterations done and the last change."""
        return _iterate(n, self.v, self.weight, self.second, tau, tied, tolerance, limit)

    def averages(self, n: NDArray[Any], tau: float) -> Averages:
        """Return the averages at n; at tau = 0 their limits, with sign(0) = 0."""
        h = self.v @ n
        if tau > 0:
            decay = np.exp(-2 * np.abs(h) / tau)
            t = np.tanh(h / tau)
            slope = 4 * decay / (1 + decay) ** 2 / tau
            smooth = np.abs(h) + tau * np.log1p(decay)
            tie = np.zeros_like(h)
        else:
            tie = (np.abs(h) <= _TIE * (np.abs(self.v) @ np.abs(n))).astype(np.float64)
            t = np.sign(h) * (1 - tie)
            slope = np.zeros_like(h)
            smooth = np.abs(h)
        slope, tie = self.weight * slope, self.weight * tie
        return Averages(
            m=(self.weight * t) @ self.xi,
            smooth=float(self.weight @ smooth),
            curvature=(self.v.T * slope) @ self.v,
            curvature_ties=(self.v.T * tie) @ self.v,
            alive=slope @ self.alive,
            alive_ties=tie @ self.alive,
        )


def _product(K: int, table: NDArray[Any], second: float) -> LatticeLaw:
    """Return the law of K independent entries; the rows of the table are v, E[xi|v], E[xi^2|v] and the probability of each value."""
    table = table[:, table[3] > 0]
    entries = np.indices((table.shape[1],) * K, dtype=np.int32).reshape(K, -1).T
    v, xi, alive, chances = table[:, entries]
    weight = chances.prod(1)
    first = np.take_along_axis(v, (v != 0).argmax(1)[:, None], 1)[:, 0]
    half = first >= 0  # -v is as likely as v and does the same: one of each pair is enough
    weight = np.where(first > 0, 2 * weight, weight)
    return LatticeLaw(v[half], xi[half], alive[half], weight[half], second)


def storing_law(K: int, d: float) -> LatticeLaw:
    """Return the law of the patterns themselves, v = xi: ``3^K`` points."""
    if 3**K > _POINTS_MAX:
        raise ConfigError(f"K={K}: the average over 3^K patterns takes too long; K <= {int(math.log(_POINTS_MAX, 3))}")
    side = (1 - d) / 2
    return _product(K, np.array([[-1, 0, 1], [-1, 0, 1], [1, 0, 1], [side, d, side]], dtype=np.float64), 1.0)


def binomial_law(K: int, d: float, M: int, r: float) -> LatticeLaw:
    """Return the exact law of ``v = xi (2k - M) / (M r)``, k ~ Bin(M, (1 + r)/2): ``(M + 2)^K`` points.

    The field sees xi only through v, so that its mean given v stands for it: an entry takes M + 2 values and not 2 M + 3.

    Raises
    ------
    ConfigError
        If the grid has too many points.
    """
    if (M + 2) ** K > _POINTS_MAX:
        raise ConfigError(
            f"law=binomial at K={K}, M={M} needs more than {_POINTS_MAX} points, (M+2)^K; use law=gaussian"
        )
    k = np.arange(M + 1)
    from scipy.stats import binom  # slow to import, and no storing network needs it

    up = binom.pmf(k, M, (1 + r) / 2)
    both = up + up[::-1]
    mean = np.divide(up - up[::-1], both, out=np.zeros(M + 1), where=both > 0)
    value = (2 * k - M) / (M * r)
    table = np.array([value, mean, np.ones(M + 1), (1 - d) / 2 * both])
    return _product(K, np.column_stack([table, [0, 0, 0, d]]), 1 + (1 - r * r) / (M * r * r))
