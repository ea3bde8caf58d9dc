"""One entry of the vector that stands for an archetype in the couplings, as storing, supervised and unsupervised learning make it.

With M examples of quality r, ``rho = (1 - r^2)/(M r^2)`` and ``R = r^2 (1 + rho)`` the vector is the mean example over sqrt(R). In the gauge
xi = 1 its entry u has mean ``1/sqrt(1 + rho)`` and second moment 1. Unsupervised learning has the same u: what differs is the noise of the
other archetypes, whose M examples are then M vectors with overlaps rather than one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.errors import ConfigError
from bioplaus.theory.problem import LAWS, LEARNING
from bioplaus.theory.require import choice, number, whole
from bioplaus.theory.thermal import response

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["STORING", "Entry", "Moments", "entry", "moments"]

_MOST = 10**6  # of examples under the binomial law; the Gaussian one is then exact for all purposes


@dataclass(frozen=True)
class Entry:
    """Law of u: a mixture of normal variables of one variance.

    Attributes
    ----------
    weights, means
        Weight and mean of each component ``[n]``.
    variance
        Variance of every component: 0 for the binomial law, ``rho/(1 + rho)`` for the Gaussian one.
    learning, M, r, rho
        What made it. M is 1 and rho is 0 for storing.
    """

    weights: NDArray[Any]
    means: NDArray[Any]
    variance: float
    learning: str
    M: int
    r: float
    rho: float


STORING = Entry(np.ones(1), np.ones(1), 0.0, "storing", 1, 1.0, 0.0)


@dataclass(frozen=True)
class Moments:
    """Averages of a spin in the field ``B/beta = c u + s z``: m = E tanh B, x = E u tanh B, q = E tanh^2 B, C = beta (1 - q)."""

    m: float
    x: float
    q: float
    C: float


def entry(learning: str, M: int | None, r: float, law: str) -> Entry:
    """Return the law of u.

    Parameters
    ----------
    learning
        storing (of the archetypes themselves: r = 1) | supervised | unsupervised.
    M
        Examples of each archetype, M >= 1 (and at most 10^6 under the binomial law); storing needs none.
    r
        Quality, 0 < r <= 1: an entry of an example is right with probability (1 + r)/2.
    law
        binomial (exact) | gaussian (many examples).

    Raises
    ------
    ConfigError
        If one of them is not allowed.
    """
    choice("learning", learning, LEARNING)
    choice("law", law, LAWS)
    if number("r", r, 0, 1) < 1e-100:
        raise ConfigError(f"r={r} must be above 0 and at most 1: examples of quality 0 say nothing of the archetype")
    if M is not None:
        whole("M", M, 1, _MOST if law == "binomial" else math.inf)
    if learning == "storing":
        if r < 1:
            raise ConfigError(
                f"r={r} must be 1 under learning=storing, which sees no examples; or learning=supervised|unsupervised"
            )
        return STORING
    if M is None:
        raise ConfigError(f"M=None must be a whole number from 1: learning={learning} needs the number of examples")
    rho = (1 - r**2) / (M * r**2)
    if law == "gaussian":
        return Entry(np.ones(1), np.array([1 / math.sqrt(1 + rho)]), rho / (1 + rho), learning, M, r, rho)
    from scipy.stats import binom  # slow to import, and neither storing nor the Gaussian law needs it

    right = np.arange(M + 1)
    weights = binom.pmf(right, M, (1 + r) / 2)
    kept = weights > 1e-18
    means = (2 * right - M) / (M * r * math.sqrt(1 + rho))
    return Entry(weights[kept], means[kept], 0.0, learning, M, r, rho)


def moments(law: Entry, c: float, s: float, T: float) -> Moments:
    """Return the averages over u and z in the field ``c u + s z`` at temperature T.

    For a normal component of u, ``E u tanh B = E u E tanh B + c variance E[1 - tanh^2 B]/T`` (Stein).
    """
    mean, square, slope = response(c * law.means, math.hypot(s, c * math.sqrt(law.variance)), T)
    C = float(law.weights @ slope)
    x = float(law.weights @ (law.means * mean)) + (c * law.variance * C if law.variance else 0.0)
    return Moments(float(law.weights @ mean), x, float(law.weights @ square), C)
