"""How noisy examples may be before the hierarchy of retrieved patterns ends, at T = 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.errors import SolverError
from bioplaus.theory.fixed_point import newton
from bioplaus.theory.gaussian_law import gaussian_law
from bioplaus.theory.signal_to_noise import strict_threshold
from bioplaus.theory.zero_noise import critical_dilution, hierarchical

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["entropy_threshold"]

_LONGEST, _SHORTEST = 0.05, 1e-11  # steps in ln rho
_STEPS_MAX = 20_000


def entropy_threshold(K: int, d: float) -> float:
    """Return rho*, the largest entropy of the dataset at which the hierarchical state exists, at T = 0 with the normal law.

    The state is followed from rho = 0 in steps of ln rho, by Newton's method from where a straight line through the last two points leads. It
    ends where the Hessian's smallest eigenvalue vanishes: far below `critical_dilution` overlaps 1 and 2 become equal there (a pitchfork), close
    to it the state meets an unstable one and is gone (a fold).

    Returns
    -------
    float
        rho*, to 1e-6 of itself or better. 0 from `critical_dilution` on, where there is no hierarchy even with perfect data; infinity for K = 1
        and for d = 0, where no pattern has a rival that grows.

    Raises
    ------
    ConfigError
        If K < 1, K is too large for the enumeration, or d is outside [0, 1).
    SolverError
        If the end is not reached.
    """
    n = np.array(hierarchical(K, d)) * (1 - d)
    if K == 1 or d == 0:
        return math.inf
    if d >= critical_dilution(K):
        return 0.0
    at = math.log(1e-3 * strict_threshold(K, d, 1.0))  # the worst neuron's signal is 45 times its noise there
    n = n / (1 + math.exp(at))
    slope = np.zeros(K)
    step = _LONGEST
    for _ in range(_STEPS_MAX):
        guess = n + step * slope
        rho = math.exp(at + step)
        found = newton(gaussian_law(K, d, rho), guess, 0.0, 1 + rho, 1e-14)
        if found is not None and _follows(found, guess, n):
            slope = (found - n) / step
            n, at = found, at + step
            step = min(1.5 * step, _LONGEST)
        else:
            step /= 2
        if step < _SHORTEST:
            return math.exp(at)
    raise SolverError(
        f"entropy_threshold at K={K}, d={d}: no end of the hierarchical state up to rho={math.exp(at):.6g}; try a larger d"
    )


def _follows(found: NDArray[Any], guess: NDArray[Any], last: NDArray[Any]) -> bool:
    """Whether a solution lies on the branch: still ordered, and nearer to the guess than a jump to another branch would be."""
    if not np.all(found[1:] < found[:-1] * (1 - 1e-6)):
        return False
    moved = np.abs(found - last).max()
    return bool(np.abs(found - guess).max() <= 0.5 * moved or moved < 1e-3 * last.max())
