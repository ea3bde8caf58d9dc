"""States of the multitasking network without noise: the hierarchy, the majority vote, and where each ends or wins."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from bioplaus.errors import ConfigError
from bioplaus.theory.problem import check_dilution, check_patterns

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
    """Return the dilution above which the majority state has less energy than the hierarchical one, at T = 0: ``(1 + 2 sqrt 2)/7`` for K = 3.

    Equal squares of overlaps, ``1 + d^2 + d^4`` against those of `majority`, give ``(1 - d)^2 (7 d^2 - 2 d - 1) = 0``. One or two patterns vote
    as the hierarchy does. With four the energies are equal only past `critical_dilution`, with more only where the vote is no fixed point.

    Raises
    ------
    ConfigError
        If K is not 3.
    """
    check_patterns(K)
    if K != 3:
        raise ConfigError(
            f"K={K}: the energies of the hierarchical and the majority state cross, both being states, at K = 3 only"
        )
    return (1 + 2 * math.sqrt(2)) / 7
