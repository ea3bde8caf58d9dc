"""Compiled loops over the steps of a presentation and over images."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from bioplaus.diehl_cook.state import NEVER
from bioplaus.diehl_cook.step import fire_input, inner, sorted_by_delay, step
from bioplaus.dynamics.random import seeded_by, uniform

__all__ = ["drive", "rasters", "respond", "train"]


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
) -> Any:
    """Advance by so many steps, the lit inputs firing with these chances; add excitatory spikes to counts.

    Returns how many spikes there were: excitatory, of inputs, inhibitory.
    """
    targets, starts = wiring
    total, sent, inhibitory = 0, 0, 0
    for _ in range(steps):
        for k in range(lit.shape[0]):
            if uniform(s.words) < chances[k]:
                fire_input(s, lit[k])
                sent += 1
        n, m = step(s, c, targets, starts, learn, fired, answered)
        for j in fired[:n]:
            counts[j] += 1
        total += n
        inhibitory += m
    return total, sent, inhibitory


@inner
def _chances(image: Any, lit: Any, attempt: int, c: Any) -> Any:
    """Return the probability per step with which each lit input fires in this try."""
    return image[lit] * ((c.intensity + attempt * c.intensity_step) * c.chance)


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
            chances = _chances(images[k], lit, attempt, c)
            counts[k] = 0
            total, _, _ = _run(s, c, wiring, lit, chances, c.image, learn, fired, answered, counts[k])
            _run(s, c, wiring, unlit, chances, c.pause, learn, fired, answered, ignored)
            tries[k] = attempt + 1
            if total >= c.fewest:
                break


@inner
def _rest(s: Any, c: Any) -> None:
    """Put cells to their rest, and forget the spikes that are under way."""
    s.v_e[:], s.v_i[:] = c.rest_e, c.rest_i
    for a in (s.g_e, s.g_i, s.g_ei, s.post_1, s.post_2):
        a[:] = 0
    for a in (s.since_e, s.since_i):
        a[:] = NEVER
    s.recent_counts[:] = 0


@numba.njit(cache=True)
def respond(s: Any, c: Any, images: Any, seed: Any, counts: Any, tries: Any, sent: Any) -> None:
    """Show images, uint8 ``[n, P]``, each by itself, nothing learned; fill what `bioplaus.diehl_cook.network.respond` returns."""
    N = s.v_e.shape[0]
    wiring = sorted_by_delay(s.delays, s.recent.shape[0])
    fired, answered = np.empty(N, np.int64), np.empty(N, np.int64)
    for k in range(images.shape[0]):
        lit = np.flatnonzero(images[k])
        s.words[:] = seeded_by(seed, images[k])
        for attempt in range(c.most_tries):
            _rest(s, c)
            chances = _chances(images[k], lit, attempt, c)
            counts[k] = 0
            total, inputs, inhibitory = _run(s, c, wiring, lit, chances, c.image, False, fired, answered, counts[k])
            tries[k] = attempt + 1
            sent[k, 0] += inputs
            sent[k, 1] += total
            sent[k, 2] += inhibitory
            if total >= c.fewest:
                break


@numba.njit(cache=True)
def rasters(s: Any, c: Any, image: Any, attempt: int, spikes: Any) -> None:
    """Draw the input spikes of one try at one image, bool ``[T, P]``, and move inputs, clock and generator on as `train` does."""
    lit = np.flatnonzero(image)
    chances = _chances(image, lit, attempt, c)
    rows = s.recent.shape[0]
    for t in range(spikes.shape[0]):
        if t < c.image:
            for k in range(lit.shape[0]):
                if uniform(s.words) < chances[k]:
                    fire_input(s, lit[k])
                    spikes[t, lit[k]] = True
        s.clock[0] += 1
        s.recent_counts[s.clock[0] % rows] = 0


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
