"""Stability of a state of the multitasking network: eigenvalues of the free energy's curvature, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bioplaus.theory.law import Averages

__all__ = ["MARGINAL", "block_eigenvalues", "example_eigenvalues", "verdict"]

#: An eigenvalue this close to 0 is called marginal: a solution known to 1e-12 gives eigenvalues near 0 no better.
MARGINAL = 1e-6


def block_eigenvalues(found: Averages, second: float) -> list[float]:
    """Return the eigenvalues, ascending, of ``A = 1 - beta g E[v v^T (1 - t^2)] / (1 + rho)``; ``g (1 + rho) A`` is the free energy's Hessian.

    Parameters
    ----------
    found
        Averages at the state.
    second
        1 + rho.

    Notes
    -----
    At T = 0 a direction in which some neuron without field has an entry is infinitely unstable: its eigenvalue is ``-inf``.
    """
    curvature: NDArray[Any] = found.curvature
    free, directions = np.linalg.eigh(found.curvature_ties)
    rigid = directions[:, free <= 1e-14]
    block = np.eye(rigid.shape[1]) - rigid.T @ curvature @ rigid / second
    return [-np.inf] * (len(curvature) - rigid.shape[1]) + np.linalg.eigvalsh(block).tolist()


def example_eigenvalues(found: Averages, second: float, M: int, r: float) -> list[float]:
    """Return the eigenvalue, for each pattern, towards single examples of it; each is (M - 1)-fold, so there is none at M = 1.

    ``1 - beta g E[xi^2 (1 - chibar^2) (1 - t^2)] / ((1 + rho) r^2 (M - 1))`` with chibar the mean of an entry's M signs: ``chibar^2 = r^2 v^2``.
    """
    if M == 1:
        return []
    single = found.alive - r * r * np.diag(found.curvature)
    ties = found.alive_ties - r * r * np.diag(found.curvature_ties)
    return np.where(ties > 1e-14, -np.inf, 1 - single / (second * r * r * (M - 1))).tolist()


def verdict(eigenvalues: list[float]) -> str:
    """Return stable, marginal (the smallest eigenvalue is within `MARGINAL` of 0) or unstable."""
    smallest = min(eigenvalues)
    if abs(smallest) <= MARGINAL:
        return "marginal"
    return "stable" if smallest > 0 else "unstable"
