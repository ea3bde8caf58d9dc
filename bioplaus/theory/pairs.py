"""Networks of pairs at load alpha = K/N: the variance of the noise per unit of load, states with retrieval and without."""

from __future__ import annotations

import math

from scipy.optimize import brentq

from bioplaus.theory.entry import STORING, Entry, Moments, moments
from bioplaus.theory.retrieval import Load, Retrieval, solved

__all__ = ["glass", "pair_load", "pair_state"]


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
        found = moments(STORING, 0.0, s, T)
        value = load(s, found.q, found.C)
        return math.copysign(math.sqrt(abs(value)), value) - math.sqrt(alpha)  # as roots, for alpha = 0

    low, high = 1e-7 * max(T, 1e-7), math.sqrt(alpha) + 1
    if excess(low) >= 0:
        return 0.0, Moments(0.0, 0.0, 0.0, 1 / T)
    while excess(high) < 0:
        high *= 2
    s = brentq(excess, low, high, xtol=1e-15, rtol=1e-14)
    found = moments(STORING, 0.0, s, T)
    return s, Moments(0.0, 0.0, found.q, found.C)


def pair_state(of: Entry, alpha: float, T: float) -> tuple[Moments, float, float]:
    """Return the averages, the noise s and the residual of the retrieval state, or of the state without retrieval.

    Raises
    ------
    SolverError
        If the equations were not solved.
    """
    load = pair_load(of)
    state = Retrieval(of, T, load).at(alpha)
    if state is None:
        s, found = glass(load, alpha, T)
        mismatch = 0.0
    else:
        c, s, found = state
        mismatch = abs(moments(of, found.x, s, T).x - c)
    if s > 0:  # the noise is compared as sqrt(alpha), whose scale is that of s
        mismatch = max(mismatch, abs(math.sqrt(max(load(s, found.q, found.C), 0.0)) - math.sqrt(alpha)))
    return found, s, solved(mismatch, f"alpha={alpha:g} T={T:g} learning={of.learning}")
