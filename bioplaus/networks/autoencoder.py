"""Convolutional autoencoder of the counter-current paper (Kao & Hariharan 2024, section 6).

Encoder: 3x3 convolutions of stride 2; decoder: nearest upsampling and 3x3 convolutions back to the image; convolution -> batch
normalisation -> neuron, the last convolution bare. Orthogonal start; the decoder (and what mirrors the encoder) is scaled by 0.001 and the
last convolution of either network starts at 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bioplaus.connections import Conv2dConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import choice
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.networks.base import NetworkConfig, check_widths, with_norm
from bioplaus.neurons.base import Neuron
from bioplaus.operations import Upsample

__all__ = ["Autoencoder", "AutoencoderConfig"]


@dataclass
class AutoencoderConfig(NetworkConfig):
    """Settings of `Autoencoder`."""

    name: str = "autoencoder"
    norm: str = choice("batch_fixed", "none", "batch", "batch_fixed")
    init: str = choice("orthogonal", "uniform", "normal", "orthogonal", "zero")
    channels: list[int] = field(default_factory=lambda: [128, 256, 1024, 2048])
    """Output channels of the encoder; the decoder runs backwards through them to the image's."""


class Autoencoder:
    """Convolutional autoencoder; its task is to reproduce the input (mean squared error)."""

    task = "autoencoding"
    Config = AutoencoderConfig

    @staticmethod
    def build(
        config: AutoencoderConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron
    ) -> Network:
        """Return the network.

        Raises
        ------
        ConfigError
            If the image cannot be halved once per encoder layer.
        """
        check_widths(config.channels, "network.channels")
        depth = len(config.channels)
        if len(in_shape) != 3 or any(side % 2**depth for side in in_shape[1:]):
            raise ConfigError(
                f"an autoencoder with {depth} halvings needs images whose sides divide by {2**depth}, got {in_shape}; "
                "shorten network.channels"
            )
        small, zero = Init(config.init, 0.001 * config.init_scale), Init("zero")
        full = Init(config.init, config.init_scale)
        channels = [*config.channels, *reversed(config.channels[:-1]), in_shape[0]]
        layers: list[Layer] = []
        shape: tuple[int, ...] = in_shape
        for i, width in enumerate(channels):
            encoder, name, last = i < depth, f"forward/{i}", i == len(channels) - 1
            upsample = [] if encoder else [Upsample(2)]
            for operation in upsample:
                shape = operation.out_shape(shape)
            connection = Conv2dConnection(shape, width, kernel=3, stride=2 if encoder else 1, padding=1)
            before, norm = with_norm(config, name, shape, connection.out_shape, hidden=not last)
            forward = full if encoder else zero if last else small
            mirror = full if not encoder else zero if i == 0 else small
            layers.append(
                Layer(
                    name,
                    connection,
                    neuron.readout() if last else neuron,
                    bias=config.bias,
                    before=[*upsample, *before],
                    norm=norm,
                    dendrites=config.dendrites,
                    init=forward,
                    mirror_init=mirror,
                )
            )
            shape = connection.out_shape
        return Network("forward", in_shape, layers)
