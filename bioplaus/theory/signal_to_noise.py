"""How good examples must be: signal against noise in one parallel step at T = 0 from the hierarchical state."""

from __future__ import annotations

import math

import numpy as np

from bioplaus.errors import ConfigError
from bioplaus.theory.gaussian_law import gaussian_law
from bioplaus.theory.lattice_law import storing_law
from bioplaus.theory.problem import check_dilution, check_quality
from bioplaus.theory.zero_noise import critical_dilution, hierarchical

__all__ = ["examples_needed", "signal_to_noise", "strict_threshold"]


def signal_to_noise(K: int, d: float, rho: float) -> list[float]:
    """Return the overlaps over 1 - d after one parallel step from the hierarchical state, in a network that learnt from data of entropy rho.

    ``m_mu = E[xi_mu erf(a / (s sqrt 2))]`` with signal ``a = sum_k n_k xi_k`` and noise ``s^2 = rho sum_k n_k^2 xi_k^2``, n hierarchical.
    Learning with and without labels give the same.

    Raises
    ------
    ConfigError
        If K < 1, d is outside [0, 1) or rho is negative.
    """
    n = np.array(hierarchical(K, d))
    if not 0 <= rho < math.inf:
        raise ConfigError(f"rho={rho}: the entropy of a dataset must be a finite number >= 0")
    law = gaussian_law(K, d, rho) if rho > 0 else storing_law(K, d)
    return (law.averages(n, 0.0).m / (1 - d)).tolist()


def strict_threshold(K: int, d: float, Theta: float) -> float:
    """Return the largest entropy at which even the worst neuron keeps pattern 1 with confidence Theta, ``m >= erf(Theta)``.

    That neuron has no blank and all rivals against it: signal ``1 - d - ... - d^(K-1)`` against noise of variance ``rho sum_k d^(2k)``, hence
    ``rho_max = (1 - 2d + d^K)^2 (1 + d) / (2 Theta^2 (1 - d)(1 - d^(2K)))``. 0 from `critical_dilution` on, where there is no signal.

    Raises
    ------
    ConfigError
        If K < 1, d is outside [0, 1) or Theta is not above 0.
    """
    check_dilution(d)
    if not (Theta > 0 and math.isfinite(Theta)):
        raise ConfigError(f"Theta={Theta}: the confidence must be a finite number > 0")
    if d >= critical_dilution(K):
        return 0.0
    return (1 - 2 * d + d**K) ** 2 * (1 + d) / (2 * Theta**2 * (1 - d) * (1 - d ** (2 * K)))


def examples_needed(K: int, d: float, r: float, Theta: float) -> float:
    """Return M_min, the examples of quality r that reach `strict_threshold`: ``(1 - r^2) / (r^2 rho_max)``, not rounded.

    Infinite from `critical_dilution` on; 0 for perfect examples below it.

    Raises
    ------
    ConfigError
        If r is outside (0, 1], or as in `strict_threshold`.
    """
    check_quality(r)
    largest = strict_threshold(K, d, Theta)
    return (1 - r * r) / (r * r * largest) if largest > 0 else math.inf
