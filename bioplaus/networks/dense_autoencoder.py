"""Dense autoencoder: input - hidden widths - code - hidden widths backwards - input, for samples of any shape."""

from __future__ import annotations

from dataclasses import dataclass, field

from bioplaus.fields import ranged
from bioplaus.network import Network
from bioplaus.networks.base import NetworkConfig, check_widths, flat_size
from bioplaus.networks.stack import dense_layers
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
        widths = [*config.hidden, config.code, *reversed(config.hidden), flat_size(in_shape)]
        shaped = [Unflatten(in_shape)] if len(in_shape) > 1 else []
        return Network("forward", in_shape, dense_layers(config, [], in_shape, widths, neuron, after=shaped))
