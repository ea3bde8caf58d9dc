"""Thermal averages of a small network of pairs, by summing over all of its states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.errors import ConfigError
from bioplaus.theory.require import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LARGEST", "Exact", "enumerate_states", "spins"]

#: the most neurons; one more doubles memory (about 0.3 GB) and time (about 3 s)
LARGEST = 22


@dataclass(frozen=True)
class Exact:
    """Thermal averages.

    Attributes
    ----------
    square, absolute
        ``<x_p^2>`` and ``<|x_p|>`` of the overlaps ``x_p = v_p . s/N``, each ``[P]``.
    energy
        ``<E>/N``.
    free_energy
        ``-T ln Z/N``; at T = 0 the lowest energy per neuron.
    probabilities
        Of each state ``[2^N]``, in the order of `spins`; None unless asked for.
    """

    square: NDArray[Any]
    absolute: NDArray[Any]
    energy: float
    free_energy: float
    probabilities: NDArray[Any] | None


def enumerate_states(vectors: Any, T: float, *, coupling: float = 1.0, distribution: bool = False) -> Exact:
    """Return the exact thermal averages of ``E = -(coupling N/2) sum_p x_p^2``, self-terms included (they shift E by a constant).

    Parameters
    ----------
    vectors
        ``[P, N]``, any numbers: patterns, mean examples, examples. N <= 22.
    T
        Temperature, T >= 0; at T = 0 all states of lowest energy weigh alike.
    coupling
        The prefactor g of the couplings ``J_ij = (g/N) sum_p v_i v_j``; with examples g/(R M) and the like.
    distribution
        Whether to keep the probability of every state.

    Raises
    ------
    ConfigError
        If an argument is not allowed.

    Examples
    --------
    >>> found = enumerate_states([[1] * 8, [1, 1, 1, 1, -1, -1, 0, 0]], 0.5)
    >>> print(f"{found.square[0]:.5f} {found.energy:.11f}")
    0.72675 -0.44167194508
    """
    T, coupling = number("T", T, 0), number("coupling", coupling)
    v = np.asarray(vectors, dtype=np.float64)
    if v.ndim != 2 or v.size == 0 or not np.isfinite(v).all():
        raise ConfigError(f"vectors of shape {v.shape} must be finite numbers [P, N]")
    N = v.shape[1]
    if N > LARGEST:
        raise ConfigError(
            f"N={N} must be at most {LARGEST}: the sum runs over 2^N states; larger networks need Monte Carlo"
        )
    # the overlap is a sum of two halves of the neurons, each with few states
    half = N // 2
    halves = v[:, :half] @ spins(half).T / N, v[:, half:] @ spins(N - half).T / N
    squares = np.zeros((2 ** (N - half), 2**half))
    for low, high in zip(*halves):
        squares += (high[:, None] + low) ** 2
    energy = -coupling / 2 * squares
    lowest = energy.min()
    if T > 0:
        weight = np.exp(-(N / T) * (energy - lowest))
    else:
        weight = (energy - lowest <= 1e-12 * max(1.0, abs(coupling) * squares.max())).astype(np.float64)
    total = weight.sum()
    weight /= total
    square, absolute = np.empty(len(v)), np.empty(len(v))
    for p, (low, high) in enumerate(zip(*halves)):  # one array of all states at a time
        x = np.abs(high[:, None] + low)
        absolute[p], square[p] = np.vdot(weight, x), np.vdot(weight, x**2)
    free = float(lowest - T * np.log(total) / N)
    return Exact(square, absolute, float(np.vdot(weight, energy)), free, weight.ravel() if distribution else None)


def spins(N: int) -> NDArray[np.int8]:
    """Return all states ``[2^N, N]`` of +1 and -1: neuron i is up where bit i of the state's number is set.

    Examples
    --------
    >>> spins(2).tolist()
    [[-1, -1], [1, -1], [-1, 1], [1, 1]]
    """
    return (2 * (np.arange(2**N)[:, None] >> np.arange(N) & 1) - 1).astype(np.int8)
