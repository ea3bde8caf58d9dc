"""Convolutional classifiers: cnn5 of the counter-current paper, and LeNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bioplaus.connections import Conv2dConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import choice
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.base import NetworkConfig, check_widths, flat_size
from bioplaus.networks.stack import dense_layers, layer_of
from bioplaus.neurons.base import Neuron
from bioplaus.operations import MaxPool

__all__ = ["Cnn5", "Cnn5Config", "Lenet", "LenetConfig"]


@dataclass
class Cnn5Config(NetworkConfig):
    """Settings of `Cnn5`."""

    name: str = "cnn5"
    channels: list[int] = field(default_factory=lambda: [128, 128, 256, 256, 512])
    """Output channels of the convolution blocks (Kao & Hariharan 2024, published code)."""


@dataclass
class LenetConfig(NetworkConfig):
    """Settings of `Lenet`."""

    name: str = "lenet"
    bias: bool = True
    channels: list[int] = field(default_factory=lambda: [6, 16])
    """Output channels of the two convolutions."""
    hidden: list[int] = field(default_factory=lambda: [120, 84])
    """Widths of the dense hidden layers; [] for an output layer alone."""
    padding: str = choice("auto", "auto", "none")
    """Of the first convolution: auto (2 on images below 32x32, so that they end at 5x5) | none."""


def _blocks(
    config: NetworkConfig,
    in_shape: tuple[int, ...],
    channels: Sequence[int],
    neuron: Neuron,
    kernel: int,
    paddings: Sequence[int],
) -> tuple[list[Layer], tuple[int, ...]]:
    """Return conv -> neuron -> 2x2 max-pool blocks and the shape they end in; one padding per block."""
    layers: list[Layer] = []
    shape = in_shape
    for i, (width, padding) in enumerate(zip(channels, paddings)):
        connection = Conv2dConnection(shape, width, kernel=kernel, padding=padding)
        if min(connection.out_shape[1:]) < 2:
            raise ConfigError(
                f"network.channels has {len(channels)} pooled blocks, too many for images of {in_shape[1]}x{in_shape[2]}: "
                f"only {i} fit; shorten network.channels"
            )
        layers.append(layer_of(config, i, connection, neuron, after=[MaxPool(2)]))
        shape = layers[-1].out_shape
    return layers, shape


class Cnn5:
    """Five blocks of 3x3 convolution (stride 1, pad 1) -> neuron -> 2x2 max-pool, then a dense read-out.

    For 32x32 images the sides are 32-16-8-4-2-1 (Kao & Hariharan 2024, section 6).
    """

    Config = Cnn5Config

    @staticmethod
    def build(config: Cnn5Config, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network."""
        check_widths(config.channels, "network.channels")
        layers, shape = _blocks(config, in_shape, config.channels, neuron, 3, [1] * len(config.channels))
        return Network("forward", in_shape, dense_layers(config, layers, shape, [flat_size(outputs)], neuron))


class Lenet:
    """LeNet-5's plan (LeCun et al. 1998) with max-pooling: conv5 - pool - conv5 - pool - dense - dense - output.

    Unless network.padding=none, the first convolution is padded by 2 on 28x28 images so that both image sizes in use end at 5x5.
    """

    Config = LenetConfig

    @staticmethod
    def build(config: LenetConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network."""
        check_widths([*config.channels, *config.hidden], "network.channels and network.hidden")
        first = 2 if config.padding == "auto" and len(in_shape) == 3 and in_shape[1] < 32 else 0
        paddings = [first] + [0] * (len(config.channels) - 1)
        layers, shape = _blocks(config, in_shape, config.channels, neuron, 5, paddings)
        widths = [*config.hidden, flat_size(outputs)]
        return Network("forward", in_shape, dense_layers(config, layers, shape, widths, neuron))
