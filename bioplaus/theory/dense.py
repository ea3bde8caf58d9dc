"""Dense associative networks with P-spin interactions, P >= 3, in the limit of many neurons.

Convention for the load: ``K = gamma N^(P-1)`` patterns, and the energy ``E = -(1/P) N^(1-P) sum_mu`` of the sums over ordered P-tuples of
*distinct* neurons. Other authors put factors such as P! into gamma; theirs has to be rescaled. In the field ``B = beta (x^(P-1) u + s z)``
the other patterns make the noise ``s^2 = gamma (P-1)! q^(P-1)``, times `bioplaus.theory.elementary.variance_factor` under unsupervised learning.
Unlike for P = 2 that noise does not react to the spin it acts on: P = 2 here would not be the Hopfield network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq, minimize_scalar

from bioplaus.errors import ConfigError
from bioplaus.theory.elementary import variance_factor
from bioplaus.theory.entry import STORING, Entry, entry, moments
from bioplaus.theory.require import number, whole
from bioplaus.theory.retrieval import Load, Retrieval, solved

__all__ = ["Dense", "capacity", "retrieval_line", "solve"]


@dataclass(frozen=True)
class Dense:
    """A state of the network.

    Attributes
    ----------
    m
        Overlap with the retrieved archetype, E tanh B; 0 where nothing is retrieved.
    x
        Overlap with the learned vector, E u tanh B; m for storing.
    q
        E tanh^2 B; without retrieval that of the glass, 0 for the paramagnet.
    P, gamma, T, learning, M, r
        What was asked; M = 1 and r = 1 for storing.
    residual
        Largest mismatch of the equations.
    """

    m: float
    x: float
    q: float
    P: int
    gamma: float
    T: float
    learning: str
    M: int
    r: float
    residual: float


def solve(
    P: int,
    gamma: float,
    T: float = 0.0,
    *,
    learning: str = "storing",
    M: int | None = None,
    r: float = 1.0,
    law: str = "gaussian",
) -> Dense:
    """Return the retrieval state of largest m, or the state with m = 0 where there is none.

    ``m = E tanh B``, ``x = E u tanh B``, ``q = E tanh^2 B``; at T = 0 storing this is ``m = erf(m^(P-1)/sqrt(2 gamma (P-1)!))``.

    Parameters
    ----------
    P
        Order of the interaction, 3 <= P <= 30.
    gamma
        Load ``K/N^(P-1)``, gamma >= 0; 0 stands for a smaller power of N.
    T
        Temperature, T >= 0.
    learning, M, r, law
        As for `bioplaus.theory.hopfield.high_load`.

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    SolverError
        If the equations were not solved.

    Examples
    --------
    >>> print(f"{solve(4, 0.02).m:.6f}")
    0.995613
    """
    P, gamma, T = _order(P), number("gamma", gamma, 0), number("T", T, 0)
    of = entry(learning, M, r, law)
    load = _load(of, P)
    state = Retrieval(of, T, load, P).at(gamma)
    if state is None:
        q, residual = _glass(load, gamma, T)
        return Dense(0.0, 0.0, q, P, gamma, T, learning, of.M, of.r, residual)
    c, s, found = state
    residual = abs(found.x ** (P - 1) - c)
    if gamma > 0:
        residual = max(residual, abs(load(s, found.q, found.C) / gamma - 1))
    solved(residual, f"P={P} gamma={gamma:g} T={T:g} learning={learning}")
    return Dense(found.m, found.x, found.q, P, gamma, T, learning, of.M, of.r, residual)


def capacity(
    P: int, T: float = 0.0, *, learning: str = "storing", M: int | None = None, r: float = 1.0, law: str = "gaussian"
) -> float:
    """Return gamma_c, the highest load ``K/N^(P-1)`` at which an archetype is retrieved; 0 where none is at any load.

    Parameters
    ----------
    P, T, learning, M, r, law
        As for `solve`.

    Raises
    ------
    ConfigError
        If an argument is not allowed.

    Examples
    --------
    >>> print(f"{capacity(3):.8f} {capacity(4):.8f}")
    0.12609522 0.03297669
    """
    P, T = _order(P), number("T", T, 0)
    of = entry(learning, M, r, law)
    return Retrieval(of, T, _load(of, P), P).capacity[0]


def retrieval_line(
    P: int,
    T: float = 0.0,
    *,
    learning: str = "storing",
    M: int | None = None,
    r: float = 1.0,
    law: str = "gaussian",
    points: int = 40,
) -> tuple[list[float], list[float]]:
    """Return loads gamma from 0 to `capacity`, and the overlap m of the retrieval state at each; both empty where nothing is retrieved.

    Parameters
    ----------
    P, T, learning, M, r, law
        As for `solve`.
    points
        How many, at least 2.

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    """
    P, T = _order(P), number("T", T, 0)
    of = entry(learning, M, r, law)
    return Retrieval(of, T, _load(of, P), P).line(whole("points", points, 2))


def _order(P: object) -> int:
    if P == 2:
        raise ConfigError(
            "P=2 must be a whole number from 3 to 30; pairs, whose noise reacts, are bioplaus.theory.hopfield"
        )
    return whole("P", P, 3, 30)


def _load(of: Entry, P: int) -> Load:
    factor = math.factorial(P - 1) * (variance_factor(P, of.M, of.r) if of.learning == "unsupervised" else 1.0)
    return lambda s, q, C: s**2 / (factor * q ** (P - 1)) if q > 0 else 0.0


def _glass(load: Load, gamma: float, T: float) -> tuple[float, float]:
    """Return the largest q without retrieval, and its residual: at given ``s/T`` q is explicit, and the load has one minimum there."""
    if gamma == 0 or T == 0:
        return float(gamma > 0), 0.0

    def log_load(log_s: float) -> float:
        s = math.exp(log_s)
        return math.log(load(s, moments(STORING, 0.0, s, T).q, 0.0))

    onset = minimize_scalar(
        log_load, bounds=(math.log(T) - 5, math.log(T) + 5), method="bounded", options={"xatol": 1e-9}
    )
    if onset.fun > math.log(gamma):
        return 0.0, 0.0
    high = onset.x + 1
    while log_load(high) < math.log(gamma):
        high += 1
    log_s = brentq(lambda y: log_load(y) - math.log(gamma), onset.x, high, xtol=1e-15, rtol=1e-14)
    residual = solved(abs(math.expm1(log_load(log_s) - math.log(gamma))), f"gamma={gamma:g} T={T:g} m=0")
    return moments(STORING, 0.0, math.exp(log_s), T).q, residual
