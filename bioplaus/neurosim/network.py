"""The door to the perceptron of MLP+NeuroSim V3.0: two crossbars of memristive devices that learn one image at a time, by counted pulses.

Forward, over the rows x that are 1, with g a device's normalised conductance, o = Gmin/(Gmax - Gmin), N rows and an ADC of 8 bits:

    digits_j = floor(255/N sum_i x_i (g_ij + o)) - floor(255/N sum_i x_i (1/2 + o))        z_j = digits_j N/255

hidden units send 1 where a_j = sigmoid(z_j) >= 1/2, and the outputs y_k = sigmoid(z_k) are wanted to be t_k. With w = 2 g - 1:

    s_k = -2 y_k (1 - y_k)(t_k - y_k)        s_j = a_j (1 - a_j) sum_k w_jk s_k
    dw_ij = -rate_1 s_j x_i                   dw_jk = -rate_2 s_k a_j

|dw|/2 of a device's P pulses are written, rounded half up; no pulse, no write and no noise.

Source: Chen, Peng & Yu 2018, IEEE Trans. CAD 37:3067; user manual of MLP+NeuroSim V3.0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from bioplaus.dynamics.random import seeded
from bioplaus.errors import ConfigError
from bioplaus.neurosim import kernels
from bioplaus.neurosim.state import Constants, Pulses, State, checked, copied

__all__ = ["Constants", "Pulses", "State", "alike", "copied", "new_state", "respond", "side_by_side", "snapped", "train"]

Array = np.ndarray[Any, Any]


def alike(up: tuple[float, float], down: tuple[float, float]) -> Pulses:
    """Return devices of one layer that are all the same: a pulse is ``g <- g + a + b g`` with (a, b) = up, or down, which takes g down."""
    return Pulses(*(np.full((1, 1), float(value)) for value in (*up, *down, 0, 1)))


def snapped(g: Array) -> Array:
    """Return conductances in [0, 1] as the loops keep them: float64 ``[n_in, n_out]`` in one piece, multiples of 2^-52."""
    return np.ascontiguousarray((1.0 + g) - 1.0, np.float64)


def new_state(g_1: Array, g_2: Array, seed: int) -> State:
    """Return a network with these conductances ``[I, H]`` and ``[H, K]`` that has written nothing; 0 <= seed < 2^64."""
    return State(snapped(g_1), snapped(g_2), seeded(np.uint64(seed)), np.zeros((2, 2), np.int64), np.zeros((2, 2)))


def train(state: State, images: Array, labels: Array, c: Constants, devices: tuple[Pulses, Pulses]) -> Array:
    """Learn images one after the other, changing the state in place; two calls do what one with all the images does, bit for bit.

    Parameters
    ----------
    state
        From `new_state`; changed in place.
    images
        0 or 1, ``[n, I]``.
    labels
        Whole numbers in 0..K-1, ``[n]``.
    c
        Rates, pulses, noise, ADC.
    devices
        Those of the hidden and of the output layer.

    Returns
    -------
    float64 [n, K]
        Net inputs of the outputs, before the image was learned.

    Raises
    ------
    ConfigError
        An array of another shape or type than needed; labels out of range.
    """
    checked(state, devices)
    pixels, K = _pixels(images, state), state.g_2.shape[1]
    found = np.ascontiguousarray(labels, np.int64)
    if found.shape != (len(pixels),) or (found.size and not (found.min() >= 0 and found.max() < K)):
        raise ConfigError(f"labels of shape {found.shape}: must be {len(pixels)} numbers in 0..{K - 1}")
    out = np.empty((len(pixels), K))
    kernels.train(state, c, *devices, pixels, found, out)
    return out


def respond(state: State, images: Array, c: Constants, *, seed: int = 0) -> Array:
    """Read images ``[n, I]`` with nothing learned; return net inputs of the outputs, float64 ``[n, K]``. The state stays as it is.

    Read noise follows from the seed, 0 <= seed < 2^64, and the image alone.
    """
    out = np.empty((len(images), state.g_2.shape[1]))
    kernels.respond(state.g_1, state.g_2, c, np.uint64(seed), _pixels(images, state), out)
    return out


def side_by_side(work: Callable[[int], Any], which: Sequence[int], threads: int) -> list[Any]:
    """Return ``work(r)`` for every r, by so many threads (the loops let others run); what comes out does not depend on their number."""
    if threads <= 1 or len(which) <= 1:
        return [work(r) for r in which]
    with ThreadPoolExecutor(min(threads, len(which))) as pool:
        return list(pool.map(work, which))


def _pixels(images: Array, state: State) -> Array:
    found = np.asarray(images)
    if found.ndim != 2 or found.shape[1] != state.g_1.shape[0]:
        raise ConfigError(f"images of shape {found.shape}: must be (images, {state.g_1.shape[0]} inputs)")
    if found.dtype not in (np.uint8, np.bool_) or (found.size and found.max() > 1):
        raise ConfigError(f"images of type {found.dtype}: must be 0 and 1, uint8")
    return np.ascontiguousarray(found, np.uint8)
