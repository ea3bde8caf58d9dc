"""What the perceptron on devices is made of, as plain numbers and named arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bioplaus.errors import ConfigError

__all__ = ["Constants", "Pulses", "State", "checked", "copied"]

Array = np.ndarray[Any, Any]


class Constants(NamedTuple):
    """Plain numbers that the loops take."""

    rate_1: float
    """Learning rate of the hidden layer, >= 0."""
    rate_2: float
    """Learning rate of the output layer, >= 0."""
    pulses_up: float
    """P of potentiation: pulses over the whole range."""
    pulses_down: float
    """P of depression."""
    cycle_noise: float
    """sigma_c: noise of a write of n pulses is ``sigma_c sqrt(n)`` of the range, >= 0."""
    read_noise: float
    """sigma_r: the read current of a device is multiplied by ``1 + sigma_r xi``, >= 0."""
    offset: float
    """Gmin / (Gmax - Gmin) = 1/(r_on - 1), >= 0."""
    steps: float
    """Steps of the ADC, 2^bits - 1; 0: none, currents are read as they are."""


class Pulses(NamedTuple):
    """How one pulse moves a device of one layer: ``g <- g + a + b g``, then clipped to low..high.

    Arrays ``[n_in, n_out]`` if devices differ, ``[1, 1]`` if they are alike. A depressing pulse has a + b g <= 0.
    """

    up_a: Array
    up_b: Array
    down_a: Array
    down_b: Array
    low: Array
    high: Array


class State(NamedTuple):
    """All that changes in a network of I inputs, H hidden and K output units.

    A checkpoint is ``state._asdict()``; ``State(**arrays)`` goes on bit for bit.
    """

    g_1: Array
    """Normalised conductances of the hidden layer, float64 ``[I, H]`` in [0, 1], multiples of 2^-52."""
    g_2: Array
    """Those of the output layer, ``[H, K]``."""
    words: Array
    """State of the random generator, uint64 ``[4]``."""
    pulses: Array
    """Pulses written so far, int64 ``[layer, 2]``: up, down."""
    load: Array
    """Sum over these pulses of the mean g during their write, float64 ``[layer, 2]``: write energy is V^2 t (Gmin n + (Gmax - Gmin) load)."""


def copied(state: State) -> State:
    """Return an independent copy."""
    return State(*(array.copy() for array in state))


def checked(state: State, devices: tuple[Pulses, Pulses]) -> None:
    """Check shapes and types before a compiled loop, which knows no bounds.

    Raises
    ------
    ConfigError
        One array does not fit.
    """
    if state.g_1.ndim != 2 or state.g_2.ndim != 2 or state.g_1.shape[1] != state.g_2.shape[0]:
        raise ConfigError(f"conductances of shapes {state.g_1.shape} and {state.g_2.shape}: must be (I, H) and (H, K)")
    wanted = {"words": ((4,), np.uint64), "pulses": ((2, 2), np.int64), "load": ((2, 2), np.float64)}
    wanted |= {"g_1": (state.g_1.shape, np.float64), "g_2": (state.g_2.shape, np.float64)}
    for name, (shape, kind) in wanted.items():
        array = getattr(state, name)
        if array.shape != shape or array.dtype != kind or not array.flags.c_contiguous:
            raise ConfigError(f"{name} of shape {array.shape}, {array.dtype}: must be {shape}, {np.dtype(kind)}, in one piece")
    for g, own in zip((state.g_1, state.g_2), devices):
        for name, array in own._asdict().items():
            if array.shape not in ((1, 1), g.shape) or array.shape != own.up_a.shape or array.dtype != np.float64:
                raise ConfigError(f"{name} of shape {array.shape}, {array.dtype}: must be (1, 1) or {g.shape}, float64")
