"""The perceptron of MLP+NeuroSim V3.0: two crossbars of memristive devices, read through an ADC, written by pulses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from bioplaus.connections import DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.networks.base import flat_size
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.smooth import Identity, Sigmoid
from bioplaus.plasticity import devices
from bioplaus.plasticity.devices.counted import CountedDevice

__all__ = ["NeuroSim", "NeuroSimConfig", "NeuroSimNetwork", "Writing"]


@dataclass(frozen=True)
class Writing:
    """Voltages (V) and widths (s) of the pulses of a device, for the energy that writing takes."""

    volts: tuple[float, float]
    seconds: tuple[float, float]


#: As the manual of V3.0 has them, potentiation and depression.
WRITING = {"ag_asi": Writing((3.2, -2.8), (300e-6, 300e-6))}
#: Pixels from here up are 1.
THRESHOLD = 0.5


@dataclass
class NeuroSimConfig:
    """Settings of NeuroSim's perceptron. Where a number of the device is null, it is the device's own."""

    name: str = "neurosim"
    device: str = "ag_asi"
    """A device of the models exponential or linear, by name or from a .json file; `bioplaus list devices`."""
    units: int = ranged(100, 1, 100_000)
    """Hidden units."""
    crop: int = ranged(20, 1)
    """Images wider or higher than this are cut to their central part, pixels."""
    rate_hidden: float = ranged(0.4, 0)
    """Learning rate of the hidden layer."""
    rate_output: float = ranged(0.2, 0)
    """Learning rate of the output layer."""
    adc_bits: int = ranged(8, 0, 24)
    """Bits of the ADC that reads a column; 0: currents as they are."""
    pulses: int | None = ranged(None, 1, 1_000_000)
    """P: pulses over the whole range, both directions."""
    nl_up: float | None = ranged(None)
    """Nonlinearity label of potentiation."""
    nl_down: float | None = ranged(None)
    """Nonlinearity label of depression; < 0 is fast first."""
    nl_spread: float | None = ranged(None, 0)
    """Standard deviation of both labels between devices."""
    cycle_noise: float | None = ranged(None, 0)
    """Noise of a write of n pulses is cycle_noise sqrt(n) of the range."""
    read_noise: float | None = ranged(None, 0)
    """The current of a device is read times 1 + read_noise xi."""
    on_off: float | None = ranged(None, above=1)
    """Gmax/Gmin."""


class NeuroSimNetwork(Network):
    """Two layers of devices whose reads and writes are compiled: nothing is sent through their connections.

    Its weights are what is read, w = 2 g - 1 in [-1, 1] with g the normalised conductance, which says all about a device's state.

    Parameters
    ----------
    in_shape, classes
        Shape of an image; K.
    config, device
        Settings, and the device that they mean.
    """

    compiled = True

    def __init__(self, in_shape: tuple[int, ...], classes: int, config: NeuroSimConfig, device: CountedDevice) -> None:
        self.window = _window(in_shape, config.crop)
        inputs = math.prod(stop - start for start, stop in self.window)
        start = Init("thirds")
        hidden = Layer("forward/0", DenseConnection((inputs,), (config.units,)), Sigmoid(), init=start)
        output = Layer("forward/1", DenseConnection((config.units,), (classes,)), Identity(), init=start)
        super().__init__("forward", in_shape, [hidden, output])
        self.config, self.device, self.writing = config, device, WRITING.get(config.device)

    def binary(self, x: Tensor) -> np.ndarray[Any, Any]:
        """Return images ``[R or 1, B, ...]`` in [0, 1] as the rows they drive, uint8 ``[R or 1, B, I]`` of 0 and 1."""
        part = x[(slice(None), slice(None), *(slice(*edges) for edges in self.window))]
        return np.ascontiguousarray((part >= THRESHOLD).flatten(2).cpu().numpy().view(np.uint8))


def _window(shape: tuple[int, ...], crop: int) -> tuple[tuple[int, int], ...]:
    """Return where the central part of an image begins and ends, along every axis of it; vectors are taken whole."""
    if len(shape) != 3:
        return tuple((0, side) for side in shape)
    edges = [((side - crop) // 2, (side - crop) // 2 + crop) if side > crop else (0, side) for side in shape[1:]]
    return ((0, shape[0]), *edges)


class NeuroSim:
    """MLP+NeuroSim V3.0: inputs - H sigmoid units - classes on two crossbars of memristive devices, one image at a time; compiled."""

    Config = NeuroSimConfig
    task = "classification on devices"

    @staticmethod
    def build(config: NeuroSimConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network.

        Raises
        ------
        ConfigError
            Another neuron is asked for; an unknown device, one of another model, or numbers that it has not.
        """
        if not isinstance(neuron, Sigmoid):
            raise ConfigError(f"network=neurosim has sigmoid units; leave out neuron={neuron.config.name}")
        return NeuroSimNetwork(in_shape, flat_size(outputs), config, device_of(config))


def device_of(config: NeuroSimConfig) -> CountedDevice:
    """Return the device that the settings mean.

    Raises
    ------
    ConfigError
        If there is none, or none that this network can write.
    """
    found = devices.get(config.device)
    if not isinstance(found, CountedDevice):
        raise ConfigError(
            f"network.device={config.device} has steps, and network=neurosim counts pulses over the range; take an exponential or linear "
            "device, such as epiram"
        )
    names = ("nl_up", "nl_down", "nl_spread", "cycle_noise", "read_noise")
    own = {name: value for name in names if (value := getattr(config, name)) is not None}
    if config.pulses is not None:
        own |= {"pulses_up": config.pulses, "pulses_down": config.pulses}
    if config.on_off is not None:
        own["g_min"] = (found.g_max if found.g_max is not None else 1.0) / config.on_off
    found = devices.having(found, own)
    assert isinstance(found, CountedDevice)
    return found
