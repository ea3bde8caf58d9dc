"""Random sequential dynamics in field form: the bare field ``h_i = sum_{j != i} J_ij s_j`` is kept up to date, O(N) per flip, O(1) per pick."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from bioplaus.dynamics.overlap import dot
from bioplaus.dynamics.random import bounded, seeded
from bioplaus.dynamics.spin import draw_spin, measure, slope

__all__ = ["project", "run"]


@numba.njit(cache=True)
def project(J: Any, s: Any, h: Any) -> None:
    """Put ``sum_j J_ij s_j``, the diagonal included, into h."""
    spins = s.astype(np.float64)
    for i in range(s.shape[0]):
        h[i] = dot(J[i], spins)


@numba.njit(cache=True)
def _without_self(J: Any, s: Any, h: Any) -> None:
    project(J, s, h)
    for i in range(s.shape[0]):
        h[i] -= J[i, i] * s[i]


@numba.njit(cache=True)
def _sweep(J: Any, s: Any, h: Any, gain: float, words: Any) -> Any:
    """Pick N neurons, one after the other, at random; return how many flipped."""
    flipped = 0
    for _ in range(s.shape[0]):
        i = bounded(words, s.shape[0])
        new = draw_spin(h[i], gain, words)
        if new != s[i]:
            s[i] = new
            flipped += 1
            change, row, kept = 2.0 * new, J[i], h[i]
            for j in range(h.shape[0]):
                h[j] += change * row[j]
            h[i] = kept
    return flipped


@numba.njit(cache=True)
def _chain(
    J: Any,
    s: Any,
    probes: Any,
    temperatures: Any,
    scale: float,
    seed: Any,
    refresh: int,
    overlaps: Any,
    energies: Any,
    flips: Any,
    stop: Any,
) -> None:
    words = seeded(seed)
    h = np.empty(s.shape[0])
    _without_self(J, s, h)
    trace = 0.0
    for i in range(s.shape[0]):
        trace += J[i, i]
    for t in range(temperatures.shape[0]):
        if stop[0]:
            return
        if refresh and t and t % refresh == 0:
            _without_self(J, s, h)
        flips[t] = _sweep(J, s, h, slope(scale, temperatures[t]), words)
        measure(probes, s, overlaps[t])
        energies[t] = -0.5 * scale * ((dot(h, s) + trace) / s.shape[0])


@numba.njit(cache=True, parallel=True, nogil=True)
def run(
    J: Any,
    s: Any,
    probes: Any,
    temperatures: Any,
    scale: float,
    seeds: Any,
    refresh: int,
    overlaps: Any,
    energies: Any,
    flips: Any,
    stop: Any,
) -> None:
    """Run each chain through all sweeps, changing s and the three traces in place.

    Parameters
    ----------
    J
        Symmetric couplings ``[S, N, N]``, float32 or float64, still to be multiplied by scale. The diagonal acts on no neuron, but counts
        in the energy.
    s, probes, temperatures, scale, seeds, refresh, overlaps, energies, flips, stop
        As in `bioplaus.dynamics.overlap.run`.
    """
    for c in numba.prange(J.shape[0]):
        _chain(J[c], s[c], probes[c], temperatures, scale, seeds[c], refresh, overlaps[c], energies[c], flips[c], stop)
