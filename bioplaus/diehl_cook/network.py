"""The door to the network of Diehl & Cook 2015: excitatory neurons that learn digits by STDP, lateral inhibition and adaptive thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from bioplaus.diehl_cook import kernels
from bioplaus.diehl_cook.constants import Constants
from bioplaus.diehl_cook.labels import assign_labels, predict
from bioplaus.diehl_cook.parameters import DiehlCook
from bioplaus.diehl_cook.state import State, checked, copied, new_state
from bioplaus.errors import ConfigError

__all__ = [
    "DiehlCook",
    "State",
    "assign_labels",
    "copied",
    "drive",
    "new_state",
    "predict",
    "present",
    "respond",
    "train",
]

Array = np.ndarray[Any, Any]


def train(state: State, images: Array, p: DiehlCook, *, learn: bool = True) -> tuple[Array, Array]:
    """Present images one after the other, changing the state in place.

    Each is shown for image_time, input i firing with probability ``pixel_i / divisor * intensity * dt`` per step; then no input fires for
    rest_time. After fewer than `fewest` excitatory spikes it is shown again, at a higher intensity. Voltages and conductances go on from
    image to image. A long training is a row of calls: two calls do what one call with all the images does, bit for bit.

    Parameters
    ----------
    state
        From `new_state`; changed in place.
    images
        Whole numbers 0..255, ``[n, ...]`` with P pixels each.
    p
        The parameters that the state was made with.
    learn
        False: weights and theta are left alone, and weights are not normalised.

    Returns
    -------
    counts : int32 [n, N]
        Excitatory spikes while the image was shown, in its last try; those of the rest do not count.
    tries : int64 [n]
        How often each image was shown.

    Raises
    ------
    ConfigError
        Images or a state of another shape or type than needed.
    """
    checked(state, p)
    pixels = _pixels(images, p)
    counts, tries = np.zeros((len(pixels), p.neurons), np.int32), np.zeros(len(pixels), np.int64)
    kernels.train(state, Constants.of(p), pixels, bool(learn), counts, tries)
    return counts, tries


def present(state: State, image: Array, p: DiehlCook, *, learn: bool = True) -> Array:
    """Present one image, as `train` does; return excitatory spikes, int32 ``[N]``."""
    return train(state, np.asarray(image)[None], p, learn=learn)[0][0]


def respond(state: State, images: Array, p: DiehlCook, *, seed: int = 0) -> tuple[Array, Array, Array]:
    """Show images to a network that does not learn, each from rest; the state stays as it is.

    As in `train`, an image that evokes fewer than `fewest` spikes is shown again, at a higher intensity. Input spikes follow from the seed and
    the image alone, so that what an image evokes depends neither on its place among the others nor on their number.

    Parameters
    ----------
    state
        Weights, delays and theta count, the rest does not.
    images, p
        As in `train`.
    seed
        0 <= seed < 2^64.

    Returns
    -------
    counts : int32 [n, N]
        Excitatory spikes in the last try.
    tries : int64 [n]
        How often each image was shown.
    sent : int64 [n, 3]
        Spikes of inputs, excitatory and inhibitory neurons, in all tries.

    Raises
    ------
    ConfigError
        Images or a state of another shape or type than needed.
    """
    checked(state, p)
    pixels = _pixels(images, p)
    n = len(pixels)
    counts, tries, sent = np.zeros((n, p.neurons), np.int32), np.zeros(n, np.int64), np.zeros((n, 3), np.int64)
    kernels.respond(copied(state), Constants.of(p), pixels, np.uint64(seed), counts, tries, sent)
    return counts, tries, sent


def drive(state: State, spikes: Array, p: DiehlCook, *, learn: bool = True) -> tuple[Array, Array]:
    """Advance by given input spikes, one row per step, changing the state in place; nothing is normalised.

    Parameters
    ----------
    state, p, learn
        As in `train`.
    spikes
        Which inputs fire, ``[T, P]``, 0 or 1.

    Returns
    -------
    excitatory, inhibitory : bool [T, N]
        Which neurons fire.

    Raises
    ------
    ConfigError
        Spikes or a state of another shape than needed.
    """
    checked(state, p)
    raster = np.ascontiguousarray(spikes, dtype=np.bool_)
    if raster.ndim != 2 or raster.shape[1] != p.inputs:
        raise ConfigError(f"spikes of shape {raster.shape}: must be (steps, {p.inputs} inputs)")
    excitatory, inhibitory = (np.zeros((len(raster), p.neurons), np.bool_) for _ in range(2))
    kernels.drive(state, Constants.of(p), raster, bool(learn), excitatory, inhibitory)
    return excitatory, inhibitory


def _pixels(images: Array, p: DiehlCook) -> Array:
    found = np.asarray(images)
    if found.ndim < 2 or found[:1].size != min(len(found), 1) * p.inputs:
        raise ConfigError(f"images of shape {found.shape}: must be (images, ...) with {p.inputs} pixels each")
    if found.dtype != np.uint8:
        if found.size and not (
            np.isfinite(found).all()
            and found.min() >= 0
            and found.max() <= 255
            and np.array_equal(found, np.rint(found))
        ):
            raise ConfigError(f"images of type {found.dtype}: pixels must be whole numbers in 0..255")
        found = found.astype(np.uint8)
    return np.ascontiguousarray(found.reshape(len(found), p.inputs))
