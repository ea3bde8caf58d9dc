"""The noise that stored pairs make: its variance per unit of load, and the states without retrieval."""

from __future__ import annotations

import math

from scipy.optimize import brentq

from bioplaus.theory.entry import Entry, Moments, entry, moments
from bioplaus.theory.retrieval import Load

__all__ = ["glass", "pair_load"]

_STORING = entry("storing", None, 1.0, "binomial")


def pair_load(law: Entry) -> Load:
    """Return the load alpha as a function of the noise s, q and C = beta (1 - q); negative for C > 1, where the noise has no finite variance.

    ``s^2 = alpha q / (1 - C)^2``; under unsupervised learning ``s^2 = alpha q [1/(1 - C)^2 + (M - 1) lam^2/(1 - lam C)^2]`` with
    ``lam = rho/(1 + rho)``: each archetype brings M vectors, one along the mean example and M - 1 across it.
    """
    lam = law.rho / (1 + law.rho)
    across = (law.M - 1) * lam**2 if law.learning == "unsupervised" else 0.0

    def load(s: float, q: float, C: float) -> float:
        stiffness = 1 - C
        if q == 0 or stiffness <= 0:  # the quadratic zero at C = 1 gets a sign, so that roots can be bracketed
            return -((s * stiffness) ** 2)
        return s**2 / q / (1 / stiffness**2 + across / (1 - lam * C) ** 2)

    return load


def glass(load: Load, alpha: float, T: float) -> tuple[float, Moments]:
    """Return the noise s and the averages of the state with m = 0: spin glass, or paramagnet (s = 0) where there is none.

    Parameters
    ----------
    load
        What `pair_load` returned.
    alpha
        Load, alpha >= 0.
    T
        Temperature, T >= 0.
    """

    def excess(s: float) -> float:
        found = moments(_STORING, 0.0, s, T)
        value = load(s, found.q, found.C)
        return math.copysign(math.sqrt(abs(value)), value) - math.sqrt(alpha)  # roots: of alpha = 0 the load is a square

    low, high = 1e-7 * max(T, 1e-7), math.sqrt(alpha) + 1
    if excess(low) >= 0:
        return 0.0, Moments(0.0, 0.0, 0.0, 1 / T)
    while excess(high) < 0:
        high *= 2
    s = brentq(excess, low, high, xtol=1e-15, rtol=1e-14)
    found = moments(_STORING, 0.0, s, T)
    return s, Moments(0.0, 0.0, found.q, found.C)
