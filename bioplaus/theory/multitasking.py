"""Equations of state of the multitasking Hopfield network at low load: K diluted patterns, stored or learnt from noisy examples.

Diluted patterns leave neurons blank, and blanks serve other patterns: one state retrieves several patterns. For K fixed and N -> infinity

    (1 + rho) n_mu = E[ v_mu tanh(beta g n . v) ],    m_mu = E[ xi_mu tanh(beta g n . v) ],

with v the mean example over its quality, ``rho = (1 - r^2)/(M r^2)`` and ``g = 1/(1-d)`` (or 1). Storing is ``v = xi``, rho = 0. The state
without preference for single examples is the same in supervised and unsupervised learning; its stability is not.

Source: Agliari, Alessandrelli, Barra, Ricci-Tersenghi 2023 (arXiv:2308.04106); Agliari et al. 2013 (arXiv:1304.4488). Derivations are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bioplaus.theory.critical_lines import parallel_onset, pure_boundary
from bioplaus.theory.entropy_threshold import entropy_threshold
from bioplaus.theory.fixed_point import fixed_point
from bioplaus.theory.gaussian_law import gaussian_law
from bioplaus.theory.hessian import block_eigenvalues, example_eigenvalues, verdict
from bioplaus.theory.lattice_law import binomial_law, storing_law
from bioplaus.theory.problem import Problem, critical_temperature, entropy
from bioplaus.theory.signal_to_noise import examples_needed, signal_to_noise, strict_threshold
from bioplaus.theory.zero_noise import critical_dilution, energy_crossing, hierarchical, majority

if TYPE_CHECKING:
    from bioplaus.theory.law import Law

__all__ = [
    "Solution",
    "critical_dilution",
    "critical_temperature",
    "energy_crossing",
    "entropy",
    "entropy_threshold",
    "examples_needed",
    "hierarchical",
    "majority",
    "parallel_onset",
    "pure_boundary",
    "signal_to_noise",
    "solve",
    "strict_threshold",
]


@dataclass(frozen=True)
class Solution:
    """A state of the network.

    Parameters
    ----------
    K, d, T, rho
        What was asked; rho is the entropy of the dataset, 0 for storing.
    m, n
        Overlaps with the patterns and with the effective patterns, both divided by 1 - d, in the patterns' order.
    free_energy
        Per neuron; at T = 0 the energy.
    hessian_eigenvalues
        Of the K x K block, ascending, in units of ``g (1 + rho)``; ``-inf`` where neurons without field are free at T = 0.
    example_eigenvalues
        Unsupervised learning from M > 1 examples: the eigenvalue towards single examples, for each pattern; else empty.
    verdict, stable
        stable | marginal | unstable over all eigenvalues, and whether it is the first. Marginal means within 1e-6 of 0.
    iterations, residual
        Iterations done, and the largest change that one more would make to an ``n_mu``.
    """

    K: int
    d: float
    T: float
    rho: float
    m: list[float]
    n: list[float]
    free_energy: float
    hessian_eigenvalues: list[float]
    example_eigenvalues: list[float]
    verdict: str
    stable: bool
    iterations: int
    residual: float


def _law(problem: Problem) -> Law:
    if problem.rho == 0 or problem.M is None:
        return storing_law(problem.K, problem.d)
    if problem.law == "gaussian":
        return gaussian_law(problem.K, problem.d, problem.rho)
    return binomial_law(problem.K, problem.d, problem.M, problem.r)


def solve(
    K: int,
    d: float,
    T: float,
    *,
    M: int | None = None,
    r: float = 1.0,
    learning: str = "storing",
    law: str = "binomial",
    start: str = "hierarchical",
    normalise: bool = True,
) -> Solution:
    """Return the state that the equations of state lead to from a stated start.

    Parameters
    ----------
    K, d, T
        Patterns >= 1, dilution in [0, 1), temperature >= 0 (T_c is 1 if normalised, else 1 - d).
    M, r
        Examples per pattern >= 1 and their quality in (0, 1]; both enter only where examples are learnt.
    learning
        storing (v = xi) | supervised | unsupervised.
    law
        binomial (exact in M, by enumeration) | gaussian (many examples, ``v = xi (1 + sqrt(rho) Z)``).
    start
        hierarchical (``n_mu = (1-d) d^(mu-1)``) | pure (pattern 1 alone) | parallel (all exactly equal). The last two keep their symmetry
        even where it is unstable; the verdict tells.
    normalise
        Couplings carry ``g = 1/(1-d)``; else g = 1.

    Returns
    -------
    Solution
        With free energy ``f = (g/2)(1 + rho) n . n - T E ln 2 cosh(beta g n . v)``, whose gradient vanishes there and whose Hessian is
        ``g (1 + rho)`` times the block. At T = 0 sign stands for tanh, with sign(0) = 0.

    Raises
    ------
    ConfigError
        If a value is outside its range or unknown, M is missing, or the law has too many points to enumerate.
    SolverError
        If the residual does not fall below 1e-12.

    Examples
    --------
    >>> state = solve(2, 0.3, 0.2)
    >>> [round(m, 6) for m in state.m], state.verdict
    ([0.999548, 0.25826], 'stable')
    """
    problem = Problem(K, d, T, M, r, learning, law, start, normalise)
    points = _law(problem)
    n, iterations, residual = fixed_point(problem, points)
    found = points.averages(n, problem.tau)
    second = 1 + problem.rho
    block = block_eigenvalues(found, second)
    examples = example_eigenvalues(found, second, M, r) if learning == "unsupervised" and M is not None else []
    judged = verdict(block + examples)
    return Solution(
        K=K,
        d=d,
        T=T,
        rho=problem.rho,
        m=(found.m / (1 - d)).tolist(),
        n=(n / (1 - d)).tolist(),
        free_energy=float(problem.g * (second / 2 * n @ n - found.smooth)),
        hessian_eigenvalues=block,
        example_eigenvalues=examples,
        verdict=judged,
        stable=judged == "stable",
        iterations=iterations,
        residual=residual,
    )
