"""Compiled loops over the steps of a presentation and over images."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from bioplaus.diehl_cook.step import fire_input, inner, sorted_by_delay, step
from bioplaus.dynamics.random import uniform

__all__ = ["drive", "train"]


@inner
def _normalise(weights: Any, total: float) -> None:
    """Scale each neuron's input weights to this sum; all-zero weights stay."""
    P, N = weights.shape
    factor = np.zeros(N)
    for i in range(P):
        for j in range(N):
            factor[j] += weights[i, j]
    for j in range(N):
        factor[j] = total / factor[j] if factor[j] > 0 else 1.0
    for i in range(P):
        for j in range(N):
            weights[i, j] *= factor[j]


@inner
def _run(
    s: Any, c: Any, wiring: Any, lit: Any, chances: Any, steps: int, learn: bool, fired: Any, answered: Any, counts: Any
) -> int:
    """Advance by so many steps, the lit inputs firing with these chances; add excitatory spikes to counts and return their number."""
    targets, starts = wiring
    total = 0
    for _ in range(steps):
        for k in range(lit.shape[0]):
            if uniform(s.words) < chances[k]:
                fire_input(s, lit[k])
        n, _ = step(s, c, targets, starts, learn, fired, answered)
        for j in fired[:n]:
            counts[j] += 1
        total += n
    return total


@numba.njit(cache=True)
def train(s: Any, c: Any, images: Any, learn: bool, counts: Any, tries: Any) -> None:
    """Present images, uint8 ``[n, P]``, one after the other; fill counts, int32 ``[n, N]``, and tries, int64 ``[n]``."""
    N = s.v_e.shape[0]
    wiring = sorted_by_delay(s.delays, s.recent.shape[0])
    fired, answered = np.empty(N, np.int64), np.empty(N, np.int64)
    unlit, ignored = np.zeros(0, np.int64), np.zeros(N, np.int32)
    for k in range(images.shape[0]):
        lit = np.flatnonzero(images[k])
        for attempt in range(c.most_tries):
            if learn:
                _normalise(s.weights, c.total)
            chances = images[k][lit] * ((c.intensity + attempt * c.intensity_step) * c.chance)
            counts[k] = 0
            total = _run(s, c, wiring, lit, chances, c.image, learn, fired, answered, counts[k])
            _run(s, c, wiring, unlit, chances, c.pause, learn, fired, answered, ignored)
            tries[k] = attempt + 1
            if total >= c.fewest:
                break


@numba.njit(cache=True)
def drive(s: Any, c: Any, spikes: Any, learn: bool, excitatory: Any, inhibitory: Any) -> None:
    """Advance by a given raster of input spikes, bool ``[T, P]``; fill the rasters of both populations, bool ``[T, N]``."""
    N = s.v_e.shape[0]
    targets, starts = sorted_by_delay(s.delays, s.recent.shape[0])
    fired, answered = np.empty(N, np.int64), np.empty(N, np.int64)
    for t in range(spikes.shape[0]):
        for i in range(spikes.shape[1]):
            if spikes[t, i]:
                fire_input(s, i)
        n, m = step(s, c, targets, starts, learn, fired, answered)
        for j in fired[:n]:
            excitatory[t, j] = True
        for j in answered[:m]:
            inhibitory[t, j] = True
