"""States of the multitasking network without noise: the hierarchy, the majority vote, and where each ends or wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq

from bioplaus.errors import ConfigError
from bioplaus.theory.lattice_law import storing_law
from bioplaus.theory.problem import check_dilution, check_patterns

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["critical_dilution", "energy_crossing", "hierarchical", "majority"]


def hierarchical(K: int, d: float) -> list[float]:
    """Return the overlaps of the hierarchical state over 1 - d, ``d^(mu-1)``: each pattern has the neurons that those before it left blank.

    It is a fixed point at T = 0 below `critical_dilution`; its energy per neuron is ``-(g/2) (1-d)^2 sum_mu d^(2 (mu-1))``.
    """
    check_patterns(K)
    check_dilution(d)
    return [float(d) ** mu for mu in range(K)]


def majority(d: float) -> list[float]:
    """Return the overlaps, over 1 - d, of the majority state of three patterns: a vote where all three have an entry, else the hierarchy.

    ``((1 + 2d - d^2)/2, (1 + d^2)/2, (1 - 2d + 3d^2)/2)``, a fixed point at T = 0 for every 0 < d < 1; all three tend to 1 as d -> 1.
    """
    check_dilution(d)
    return [(1 + 2 * d - d * d) / 2, (1 + d * d) / 2, (1 - 2 * d + 3 * d * d) / 2]


def critical_dilution(K: int) -> float:
    """Return d_c, up to which the hierarchical state exists at T = 0: the root of ``1 - 2d + d^K`` in (1/2, 1).

    There pattern 1 just outweighs all the others together, ``1 = d + ... + d^(K-1)``: the same equation without its root d = 1. One pattern has
    no rivals and two never outweigh each other: d_c = 1 for K <= 2. For large K it tends to 1/2.
    """
    check_patterns(K)
    if K <= 2:
        return 1.0
    powers = np.arange(1, K)
    return float(brentq(lambda d: 1 - np.sum(d**powers), 0.5 - 1e-9, 1.0, xtol=1e-15, rtol=1e-14))


def energy_crossing(K: int) -> float:
    """Return the dilution above which the majority state of K patterns has less energy than the hierarchical one, at T = 0.

    The majority state follows the sum of a neuron's entries, and its first entry where they cancel. Its energy is compared while it is a fixed
    point, at K = 3 and 4: with two patterns it is the hierarchy itself, and from five on its fields contradict it at the crossing.

    Raises
    ------
    ConfigError
        If the two states do not cross as fixed points.
    """
    check_patterns(K)
    if K not in (3, 4):
        raise ConfigError(
            f"K={K}: the hierarchical and the majority state cross as fixed points at K = 3 and K = 4 only"
        )

    def gain(d: float) -> float:
        """Return how much less energy the majority state has, times 2/g and over (1-d)^2."""
        overlaps = _vote(K, d)
        return float(overlaps @ overlaps - np.sum(np.square(hierarchical(K, d))))

    return float(brentq(gain, 0.3, 0.9, xtol=1e-15, rtol=1e-14))


def _vote(K: int, d: float) -> NDArray[Any]:
    """Return the overlaps of the majority state over 1 - d; of every pattern and its mirror image the law has the one with first entry > 0."""
    patterns = storing_law(K, d)
    state = np.where(patterns.v.sum(1) < 0, -1.0, 1.0)
    return (patterns.weight * state) @ patterns.v / (1 - d)
