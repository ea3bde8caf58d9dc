"""Dense autoencoder: input - hidden widths - code - hidden widths backwards - input, for samples of any shape."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from bioplaus.connections import DenseConnection
from bioplaus.fields import ranged
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.base import NetworkConfig, check_widths, flat_size, flattening, start, with_norm
from bioplaus.neurons.base import Neuron
from bioplaus.operations import Unflatten

__all__ = ["DenseAutoencoder", "DenseAutoencoderConfig"]


@dataclass
class DenseAutoencoderConfig(NetworkConfig):
    """Settings of the dense autoencoder."""

    name: str = "dense_autoencoder"
    hidden: list[int] = field(default_factory=lambda: [128])
    """Widths between input and code; the way from the code to the output runs backwards through them."""
    code: int = ranged(16, 1)
    """Width of the code, >= 1."""


class DenseAutoencoder:
    """Dense autoencoder; its task is to reproduce the input (mean squared error)."""

    task = "autoencoding"
    Config = DenseAutoencoderConfig

    @staticmethod
    def build(config: DenseAutoencoderConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network; the neuron is that of the code too, and the output is linear.

        Raises
        ------
        ConfigError
            A width below 1.
        """
        check_widths(config.hidden, "network.hidden")
        size = flat_size(in_shape)
        widths = [size, *config.hidden, config.code, *reversed(config.hidden), size]
        images = len(in_shape) > 1
        layers = []
        for i, (pre, post) in enumerate(itertools.pairwise(widths)):
            name, last = f"forward/{i}", i == len(widths) - 2
            first = flattening(in_shape) if i == 0 else []
            before, norm = with_norm(config, name, (pre,), (post,), hidden=not last)
            layers.append(
                Layer(
                    name,
                    DenseConnection((pre,), (post,)),
                    neuron.readout() if last else neuron,
                    bias=config.bias,
                    before=[*first, *before],
                    norm=norm,
                    after=[Unflatten(in_shape)] if last and images else [],
                    dendrites=config.dendrites,
                    init=start(config),
                )
            )
        return Network("forward", in_shape, layers)
