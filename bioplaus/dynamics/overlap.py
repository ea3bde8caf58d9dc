"""Random sequential dynamics in overlap form: ``X_p = v_p . s`` is kept up to date, O(P) per pick.

The bare field on neuron i is ``sum_p v_pi X_p - (sum_p v_pi^2) s_i``: without the self term, which would break detailed balance.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from bioplaus.dynamics.random import bounded, seeded
from bioplaus.dynamics.spin import draw_spin, measure, slope

__all__ = ["dot", "project", "run"]


@numba.njit(cache=True)
def dot(v: Any, x: Any) -> Any:
    """Return v . x in four partial sums, which the compiler may run side by side without reordering anything."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = x.shape[0] - x.shape[0] % 4
    for p in range(0, whole, 4):
        a += v[p] * x[p]
        b += v[p + 1] * x[p + 1]
        c += v[p + 2] * x[p + 2]
        d += v[p + 3] * x[p + 3]
    for p in range(whole, x.shape[0]):
        a += v[p] * x[p]
    return (a + b) + (c + d)


@numba.njit(cache=True)
def project(v: Any, s: Any, x: Any) -> None:
    """Put ``X_p = sum_i v_ip s_i`` into x."""
    x[:] = 0
    for i in range(s.shape[0]):
        row, spin = v[i], np.float64(s[i])
        for p in range(x.shape[0]):
            x[p] += row[p] * spin


@numba.njit(cache=True)
def _sweep(v: Any, own: Any, s: Any, x: Any, gain: float, words: Any) -> Any:
    """Pick N neurons, one after the other, at random; return how many flipped."""
    flipped = 0
    for _ in range(s.shape[0]):
        i = bounded(words, s.shape[0])
        row, old = v[i], s[i]
        new = draw_spin(dot(row, x) - own[i] * old, gain, words)
        if new != old:
            s[i] = new
            flipped += 1
            change = 2.0 * new
            for p in range(x.shape[0]):
                x[p] += change * row[p]
    return flipped


@numba.njit(cache=True)
def _chain(
    v: Any,
    own: Any,
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
    x = np.empty(v.shape[1])
    project(v, s, x)
    for t in range(temperatures.shape[0]):
        if stop[0]:
            return
        if refresh and t and t % refresh == 0:
            project(v, s, x)
        flips[t] = _sweep(v, own, s, x, slope(scale, temperatures[t]), words)
        measure(probes, s, overlaps[t])
        energies[t] = -0.5 * scale * (dot(x, x) / s.shape[0])


@numba.njit(cache=True, parallel=True, nogil=True)
def run(
    v: Any,
    own: Any,
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
    v
        Vectors ``[S, N, P]``, int8 or float64: what one neuron needs lies together.
    own
        ``sum_p v_pi^2``, float64 ``[S, N]``.
    s
        States ``[S, N]``, int8.
    probes
        float64 ``[S, Q, N]``.
    temperatures
        One per sweep.
    scale
        coupling / N.
    seeds
        uint64 ``[S]``.
    refresh
        Recompute X from s every so many sweeps; 0 = never, for integers, whose sums are exact.
    overlaps, energies, flips
        ``[S, sweeps, Q]``, ``[S, sweeps]``, ``[S, sweeps]``.
    stop
        uint8 ``[1]``: chains end before their next sweep once it is not 0.
    """
    for c in numba.prange(v.shape[0]):
        _chain(
            v[c], own[c], s[c], probes[c], temperatures, scale, seeds[c], refresh, overlaps[c], energies[c], flips[c], stop
        )
