"""Parallel (Little) dynamics: all neurons at once, with the full coupling matrix and its diagonal.

For couplings ``J = (coupling/N) sum_p v_p v_p^T``, coupling > 0, J is positive semidefinite, so that at T = 0 the energy never rises and no
cycle of length two exists. An exact tie at T = 0 keeps the neuron's state.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from bioplaus.dynamics import field, overlap
from bioplaus.dynamics.random import seeded
from bioplaus.dynamics.spin import draw_spin, measure, slope

__all__ = ["run_couplings", "run_vectors"]


@numba.njit(cache=True)
def _settle(s: Any, i: int, bare: float, gain: float, words: Any) -> Any:
    """Update neuron i; return 1 if it flipped."""
    if bare == 0 and math.isinf(gain):
        return 0
    old = s[i]
    s[i] = draw_spin(bare, gain, words)
    return 1 if s[i] != old else 0


@numba.njit(cache=True)
def _by_vectors(
    v: Any, s: Any, probes: Any, temperatures: Any, scale: float, seed: Any, overlaps: Any, energies: Any, flips: Any, stop: Any
) -> None:
    words = seeded(seed)
    x = np.empty(v.shape[1])
    overlap.project(v, s, x)
    for t in range(temperatures.shape[0]):
        if stop[0]:
            return
        gain = slope(scale, temperatures[t])
        for i in range(s.shape[0]):
            flips[t] += _settle(s, i, overlap.dot(v[i], x), gain, words)
        overlap.project(v, s, x)
        measure(probes, s, overlaps[t])
        energies[t] = -0.5 * scale * (overlap.dot(x, x) / s.shape[0])


@numba.njit(cache=True)
def _by_couplings(
    J: Any, s: Any, probes: Any, temperatures: Any, scale: float, seed: Any, overlaps: Any, energies: Any, flips: Any, stop: Any
) -> None:
    words = seeded(seed)
    h = np.empty(s.shape[0])
    field.project(J, s, h)
    for t in range(temperatures.shape[0]):
        if stop[0]:
            return
        gain = slope(scale, temperatures[t])
        for i in range(s.shape[0]):
            flips[t] += _settle(s, i, h[i], gain, words)
        field.project(J, s, h)
        measure(probes, s, overlaps[t])
        energies[t] = -0.5 * scale * (overlap.dot(h, s) / s.shape[0])


@numba.njit(cache=True, parallel=True, nogil=True)
def run_vectors(
    v: Any, s: Any, probes: Any, temperatures: Any, scale: float, seeds: Any, overlaps: Any, energies: Any, flips: Any, stop: Any
) -> None:
    """Run each chain, two products with the vectors per sweep; arguments as in `bioplaus.dynamics.overlap.run`, flips starting at 0."""
    for c in numba.prange(v.shape[0]):
        _by_vectors(v[c], s[c], probes[c], temperatures, scale, seeds[c], overlaps[c], energies[c], flips[c], stop)


@numba.njit(cache=True, parallel=True, nogil=True)
def run_couplings(
    J: Any, s: Any, probes: Any, temperatures: Any, scale: float, seeds: Any, overlaps: Any, energies: Any, flips: Any, stop: Any
) -> None:
    """Run each chain, one product with the couplings per sweep; arguments as in `bioplaus.dynamics.field.run`, flips starting at 0."""
    for c in numba.prange(J.shape[0]):
        _by_couplings(J[c], s[c], probes[c], temperatures, scale, seeds[c], overlaps[c], energies[c], flips[c], stop)
