"""Convolutional classifiers that shrink the image by strides alone, without pooling: every map has an exact way back."""

from __future__ import annotations

from dataclasses import dataclass, field

from bioplaus import registry
from bioplaus.connections import Conv2dConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import choice
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.base import NetworkConfig, check_widths, flat_size
from bioplaus.networks.stack import dense_layers, layer_of
from bioplaus.neurons.base import Neuron

__all__ = ["Strided", "StridedConfig"]


@dataclass
class StridedConfig(NetworkConfig):
    """Settings of `Strided`."""

    name: str = "strided"
    norm: str = choice("none", "none", "batch", "batch_fixed")
    """Batch normalisation of every convolution but the first: none | batch (learned gain and shift) | batch_fixed (neither)."""
    channels: list[int] = field(default_factory=lambda: [4, 8, 12])
    """Output channels of the convolutions."""
    kernels: list[int] = field(default_factory=lambda: [5, 5, 4])
    """Sides of their kernels, one per convolution."""
    strides: list[int] = field(default_factory=lambda: [1, 2, 2])
    """Their strides, one per convolution; an image of side n leaves with side ceil(n / stride)."""
    hidden: list[int] = field(default_factory=lambda: [200])
    """Widths of the dense hidden layers; [] for an output layer alone."""
    dense_neuron: str = choice("same", "same", "relu", "leaky_relu", "sigmoid", "tanh", "elu")
    """Units of the dense hidden layers: same (as in the convolutions) | the name of another unit."""


class Strided:
    """Convolutions with strides, zero-padded to ceil(side / stride), then dense layers."""

    Config = StridedConfig

    @staticmethod
    def build(config: StridedConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network.

        Raises
        ------
        ConfigError
            If the lists differ in length, or hold anything below 1.
        """
        check_widths([*config.channels, *config.hidden], "network.channels and network.hidden")
        check_widths([*config.kernels, *config.strides], "network.kernels and network.strides")
        if not len(config.channels) == len(config.kernels) == len(config.strides):
            raise ConfigError(
                f"network.channels={config.channels}, network.kernels={config.kernels} and network.strides={config.strides} differ in length; "
                "give one number per convolution"
            )
        layers: list[Layer] = []
        shape = in_shape
        for i, (width, kernel, stride) in enumerate(zip(config.channels, config.kernels, config.strides)):
            connection = Conv2dConnection(shape, width, kernel=kernel, stride=stride)
            layers.append(layer_of(config, i, connection, neuron, normed=i > 0))
            shape = connection.out_shape
        dense = neuron if config.dense_neuron == "same" else registry.NEURONS.get(config.dense_neuron)()
        return Network("forward", in_shape, dense_layers(config, layers, shape, [*config.hidden, flat_size(outputs)], dense, normed=False))
