"""Solving the equations of state: iteration, which finds the state that a start leads to, and Newton's method, which closes slow approaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.errors import SolverError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bioplaus.theory.law import Law
    from bioplaus.theory.problem import Problem

__all__ = ["fixed_point", "newton"]

_TOLERANCE = 1e-12
_EVALUATIONS = 1_000_000_000  # fields evaluated before giving up, about half a minute
_ROUND = 2000  # iterations between attempts of Newton's method
_NEAR = 0.02  # Newton's method may close a gap of this size, over 1 - d; a state further away may not be the one iteration leads to


def fixed_point(problem: Problem, law: Law) -> tuple[NDArray[Any], int, float]:
    """Return n, the iterations done and the residual ``max |n - E[v tanh] / (1 + rho)|``.

    ``n -> E[v tanh] / (1 + rho)`` is the gradient of a convex function: each iteration lowers the free energy, without damping and without
    cycles. From the hierarchical start, Newton's method is tried where that is slow; it is believed only if it ends close by, at a stable state.

    Raises
    ------
    SolverError
        If the residual does not fall below 1e-12.
    """
    mu = np.arange(problem.K)
    shapes = {"hierarchical": float(problem.d) ** mu, "pure": 1.0 * (mu == 0), "parallel": np.ones(problem.K)}
    n = (1 - problem.d) * shapes[problem.start]
    if problem.paramagnetic:
        return np.zeros_like(n), 0, 0.0
    limit = min(1_000_000, max(10_000, _EVALUATIONS // law.evaluations))
    done, residual = 0, np.inf
    while done < limit:
        count, residual = law.iterate(n, problem.tau, problem.start == "parallel", _TOLERANCE, _ROUND)
        done += count
        if residual < _TOLERANCE:
            return n, done, residual
        found = newton(law, n, problem.tau, 1 + problem.rho, _TOLERANCE) if problem.start == "hierarchical" else None
        if found is not None and np.abs(found - n).max() < _NEAR * (1 - problem.d):
            residual = law.iterate(found, problem.tau, False, _TOLERANCE, 1)[1]
            return found, done, residual
    raise SolverError(
        f"no fixed point at K={problem.K}, d={problem.d}, T={problem.T}: residual {residual:.1e} after {done} iterations; "
        "near a critical line it converges slowly: move T or d a little, or take another start"
    )


def newton(law: Law, n: NDArray[Any], tau: float, second: float, tolerance: float) -> NDArray[Any] | None:
    """Return the solution near n by Newton's method with residual below the tolerance, or None where that fails or ends at an unstable state."""
    n = n.copy()
    for _ in range(40):
        image = n.copy()
        residual = law.iterate(image, tau, False, 0.0, 1)[1]
        block = np.eye(len(n)) - law.averages(n, tau).curvature / second
        if residual < tolerance:
            return n if np.linalg.eigvalsh(block)[0] > 0 else None
        n = n - np.linalg.lstsq(block, n - image)[0]  # the block may be singular
        if not np.all(np.abs(n) <= 1e3):
            return None
    return None
