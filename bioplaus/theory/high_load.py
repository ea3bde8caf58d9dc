"""Archetypes in number proportional to N, learnt from noisy examples: supervised and unsupervised learning come apart."""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.theory.entry import entry
from bioplaus.theory.pairs import pair_state
from bioplaus.theory.require import number

__all__ = ["HighLoad", "high_load"]


@dataclass(frozen=True)
class HighLoad:
    """A state at load alpha.

    Attributes
    ----------
    m
        Overlap of the state with the archetype, E tanh B; 0 where nothing is retrieved.
    x
        Overlap with the learned vector, E u tanh B.
    q
        E tanh^2 B.
    V
        Variance of the noise in a spin's field.
    C
        beta (1 - q), at T = 0 its limit.
    rho
        Entropy of the examples, ``(1 - r^2)/(M r^2)``.
    alpha, T, learning, M, r
        What was asked; M = 1 and r = 1 for storing.
    residual
        Largest mismatch of the equations.
    """

    m: float
    x: float
    q: float
    V: float
    C: float
    rho: float
    alpha: float
    T: float
    learning: str
    M: int
    r: float
    residual: float


def high_load(
    alpha: float, T: float, *, r: float = 1.0, M: int | None = None, learning: str = "supervised", law: str = "binomial"
) -> HighLoad:
    """Return the state in which archetype 1 of K = alpha N is retrieved, or the state without retrieval where there is none.

    With ``B = beta (x u + sqrt(V) z)`` and z ~ N(0, 1): ``m = E tanh B``, ``x = E u tanh B``, ``q = E tanh^2 B``; supervised
    ``V = alpha q/(1 - C)^2``, unsupervised ``V = alpha q [1/(1 - C)^2 + (M - 1) lam^2/(1 - lam C)^2]``, ``lam = rho/(1 + rho)``.
    At small loads the equations of discrete entries may have several retrieval states; the one of largest ``x/sqrt(V)`` is returned.

    Parameters
    ----------
    alpha
        Archetypes per neuron, alpha >= 0; 0 stands for a finite number.
    T
        Temperature, T >= 0; the paramagnet ends at T = 1 for alpha = 0.
    r
        Quality of the examples, 0 < r <= 1.
    M
        Examples of each archetype, M >= 1.
    learning
        storing (r = 1) | supervised | unsupervised.
    law
        Law of the mean of M examples: binomial (exact) | gaussian (errs by .02 at M = 5).

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    SolverError
        If the equations were not solved.

    Examples
    --------
    >>> state = high_load(0.05, 0.1, r=0.6, M=20, learning="unsupervised")
    >>> print(f"{state.m:.5f} {state.x:.5f}")
    0.97367 0.94832
    """
    alpha, T = number("alpha", alpha, 0), number("T", T, 0)
    of = entry(learning, M, r, law)
    found, s, residual = pair_state(of, alpha, T)
    return HighLoad(found.m, found.x, found.q, s**2, found.C, of.rho, alpha, T, learning, of.M, of.r, residual)
