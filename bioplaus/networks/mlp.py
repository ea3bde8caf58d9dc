"""Multilayer perceptron: input - hidden widths - output, dense connections, identity output."""

from __future__ import annotations

from dataclasses import dataclass, field

from bioplaus.errors import ConfigError
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.base import NetworkConfig, check_widths, flat_size
from bioplaus.networks.stack import dense_layers
from bioplaus.neurons.base import Neuron
from bioplaus.recurrent_layer import RecurrentLayer

__all__ = ["Mlp", "MlpConfig"]


@dataclass
class MlpConfig(NetworkConfig):
    """Settings of the multilayer perceptron."""

    name: str = "mlp"
    hidden: list[int] = field(default_factory=lambda: [256, 256, 256])
    """Widths of the hidden layers; [] for a single layer."""
    recurrent: bool = False
    """Whether the units of a hidden layer have synapses among themselves, none on itself; for spiking units, without norm and dendrites."""


class Mlp:
    """Multilayer perceptron with one width per hidden layer."""

    Config = MlpConfig

    @staticmethod
    def build(config: MlpConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network ``flat(in_shape) - hidden - flat(outputs)``.

        Raises
        ------
        ConfigError
            A width below 1, or recurrence where units have no time, or beside normalisation or dendrites.
        """
        check_widths(config.hidden, "network.hidden")
        if config.recurrent and (not neuron.spiking or config.norm != "none" or config.dendrites):
            raise ConfigError("network.recurrent=true is for spiking units such as neuron=lif, without network.norm and network.dendrites")
        widths = [*config.hidden, flat_size(outputs)]
        kind = RecurrentLayer if config.recurrent else Layer
        return Network("forward", in_shape, dense_layers(config, [], in_shape, widths, neuron, hidden_kind=kind))
