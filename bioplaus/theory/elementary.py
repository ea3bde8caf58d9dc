"""Sums over distinct tuples of neurons: the field and the cross-talk of dense networks without self-terms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["distinct_sum", "local_fields", "variance_factor"]


def distinct_sum(w: NDArray[Any], k: int) -> Any:
    """Return the sum of ``w_{j1} ... w_{jk}`` over all ordered k-tuples of distinct indices of the last axis.

    ``k!`` times the elementary symmetric polynomial, from power sums ``p_l = sum_j w_j^l`` by Newton's identities: for k = 3 this is
    ``p_1^3 - 3 p_1 p_2 + 2 p_3``.

    Parameters
    ----------
    w
        ``[..., N]``.
    k
        Length of the tuples, k >= 0; meant to be small, the terms cancel.

    Examples
    --------
    >>> float(distinct_sum(np.array([1.0, 2.0, 3.0]), 2))  # 2 (1*2 + 1*3 + 2*3)
    22.0
    """
    powers = [(w**p).sum(-1) for p in range(1, k + 1)]
    sums = [np.ones(np.shape(w)[:-1])]
    for length in range(1, k + 1):  # e_l = (1/l) sum_p (-1)^(p-1) e_(l-p) p_p
        sums.append(sum((-1) ** (p - 1) * sums[length - p] * powers[p - 1] for p in range(1, length + 1)) / length)
    return math.factorial(k) * sums[k]


def local_fields(vectors: NDArray[Any], state: NDArray[Any], P: int) -> NDArray[Any]:
    """Return the field on every neuron, ``h_i = N^(1-P) sum_mu u_i sum u_{j1} s_{j1} ... u_{j(P-1)} s_{j(P-1)}``, over distinct j other than i.

    Minus the derivative of ``E = -(1/P) N^(1-P) sum_mu sum over distinct P-tuples``, by s_i.

    Parameters
    ----------
    vectors
        Stored vectors u ``[K, N]``.
    state
        ``[N]`` of +1 and -1.
    P
        Order of the interaction, P >= 2.
    """
    N = len(state)
    w = np.asarray(vectors, dtype=np.float64) * state
    without = np.ones_like(w)
    for k in range(1, P):  # tuples without i: all of them, less k times those with i
        without = distinct_sum(w, k)[:, None] - k * w * without
    return (vectors * without).sum(0) / float(N) ** (P - 1)


def variance_factor(P: int, M: int, r: float) -> float:
    """Return the variance of unsupervised cross-talk over that of storing, ``(1 + rho_P)/(1 + rho)^P`` with ``rho_P = (1 - r^(2P))/(M r^(2P))``.

    An archetype's field on a neuron is ``sum_a eta_i^a (sum over distinct tuples of eta^a s) / (M R^(P/2))``. Its square has one factor
    ``eta^a eta^b`` per neuron of the tuple and one for i: together 1 where a = b and r^(2P) where not. The mean over M^2 pairs is
    ``r^(2P) (1 + rho_P)``, and ``R^P = r^(2P) (1 + rho)^P``. Under supervised learning the same sum is ``(etabar^2/R)^P``, of mean 1.
    """
    unlike = r ** (2 * P)
    return (unlike + (1 - unlike) / M) / (r**2 + (1 - r**2) / M) ** P
