"""The two-sided squared error is the Hamiltonian, up to a constant: exact for every state, at every number of neurons.

For a vector w (a pattern, a mean example, an example) and a state s, ``L+- = |w +- s|^2 / (2N) = (1 + |w|^2/N)/2 +- x`` with
``x = w . s / N``. Hence ``L+ L- = c - x^2``, where ``c = ((1 + |w|^2/N)/2)^2`` does not depend on the state, and

    H = -(coupling N / 2) sum_p x_p^2 = (coupling N / 2) (sum_p L+ L- - sum_p c_p).

Vectors and couplings: patterns with g (storing), mean examples with g/R (supervised), all examples with g/(R M) (unsupervised), where
``R = r^2 + (1 - r^2)/M``. Source: Agliari et al. 2023 (arXiv:2308.04106).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["energy", "two_sided_loss"]


def _checked(vectors: NDArray[Any], state: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both in float64: products of int8 would overflow."""
    w, s = np.asarray(vectors, dtype=np.float64), np.asarray(state, dtype=np.float64)
    if w.ndim != 2 or s.shape != w.shape[1:] or not s.size:
        raise ConfigError(f"vectors {w.shape} and state {s.shape}: needed are [P, N] and [N] with N >= 1")
    return w, s


def energy(vectors: NDArray[Any], state: NDArray[Any], coupling: float) -> float:
    """Return the energy of a state, ``-(coupling N / 2) sum_p (w_p . s / N)^2``, extensive and with the self terms.

    Parameters
    ----------
    vectors
        w, ``[P, N]``.
    state
        s, ``[N]`` of +1 and -1.
    coupling
        Prefactor, see above.

    Raises
    ------
    ConfigError
        If the shapes do not fit.
    """
    w, s = _checked(vectors, state)
    overlaps = w @ s / s.size
    return float(-coupling * s.size / 2 * overlaps @ overlaps)


def two_sided_loss(vectors: NDArray[Any], state: NDArray[Any]) -> tuple[float, float]:
    """Return ``sum_p L+ L-`` and the constant ``sum_p c_p``, both over the vectors ``[P, N]``, at a state ``[N]`` of +1 and -1.

    Raises
    ------
    ConfigError
        If the shapes do not fit.
    """
    w, s = _checked(vectors, state)
    plus, minus = (np.square(w + s).sum(1) / (2 * s.size), np.square(w - s).sum(1) / (2 * s.size))
    constants = ((1 + np.square(w).sum(1) / s.size) / 2) ** 2
    return float(plus @ minus), float(constants.sum())
