"""Effective patterns at many examples, where the noise of their means is normal: ``v = xi (1 + sqrt(rho) Z)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.errors import ConfigError
from bioplaus.theory import _normal_field
from bioplaus.theory.lattice_law import storing_law
from bioplaus.theory.law import Averages

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GaussianLaw", "gaussian_law"]

_K_MAX = 9


@dataclass(frozen=True)
class GaussianLaw:
    """Patterns by enumeration, the noise of the examples as one normal variable of the field.

    Parameters
    ----------
    xi, weight
        Patterns ``[P, K]``, one of each pair xi, -xi, and the probability of the pair ``[P]``.
    rho
        Entropy of the dataset, > 0.
    """

    xi: NDArray[Any]
    weight: NDArray[Any]
    rho: float

    @property
    def evaluations(self) -> int:
        """Fields evaluated in one average."""
        return 111 * len(self.weight)

    def iterate(self, n: NDArray[Any], tau: float, tied: bool, tolerance: float, limit: int) -> tuple[int, float]:
        """Iterate ``n <- E[v tanh(n . v / tau)] / (1 + rho)`` in place; return the iterations done and the last change."""
        rules = _normal_field.nodes(tau > 0)
        return _normal_field.iterate(n, self.xi, self.weight, self.rho, tau, rules, tied, tolerance, limit)

    def averages(self, n: NDArray[Any], tau: float) -> Averages:
        """Return the averages at n; at tau = 0 their limits."""
        K = len(n)
        m, curvature, ties, alive = np.zeros(K), np.zeros((K, K)), np.zeros((K, K)), np.zeros((2, K))
        rules = _normal_field.nodes(tau > 0)
        smooth = _normal_field.observe(n, self.xi, self.weight, self.rho, tau, rules, m, curvature, ties, alive)
        return Averages(m, smooth, curvature, ties, alive[0], alive[1])


def gaussian_law(K: int, d: float, rho: float) -> GaussianLaw:
    """Return the law at entropy rho > 0: ``3^K`` patterns, each with a normal field.

    Raises
    ------
    ConfigError
        If K is too large for the enumeration.
    """
    if K > _K_MAX:
        raise ConfigError(f"K={K}: law=gaussian averages over 3^K patterns times the field's noise, K <= {_K_MAX}")
    patterns = storing_law(K, d)
    return GaussianLaw(patterns.v, patterns.weight, rho)
