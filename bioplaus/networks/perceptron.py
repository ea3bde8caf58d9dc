"""One layer with one output, whose sign is the class: the perceptron."""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.connections import DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.base import NetworkConfig, flat_size, flattening, start
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.smooth import Identity
from bioplaus.tasks import Decision, Task

__all__ = ["Perceptron", "PerceptronConfig"]


@dataclass
class PerceptronConfig(NetworkConfig):
    """Settings of the perceptron."""

    name: str = "perceptron"


class Perceptron:
    """One unit: class 1 where its current is 0 or more, else class 0; loss -ln Phi(+-current)."""

    Config = PerceptronConfig
    task = "decision"

    @staticmethod
    def build(config: PerceptronConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network ``flat(in_shape) - 1``.

        Raises
        ------
        ConfigError
            A norm or dendrites are asked for.
        """
        if config.norm != "none" or config.dendrites:
            raise ConfigError("network=perceptron is one unit; leave out network.norm and network.dendrites")
        before = flattening(in_shape)
        connection = DenseConnection((flat_size(in_shape),), (1,))
        return Network("forward", in_shape, [Layer("forward/0", connection, Identity(), bias=config.bias, before=before, init=start(config))])

    @staticmethod
    def make_task(config: PerceptronConfig, classes: int) -> Task:
        """Return the decision between two classes.

        Raises
        ------
        ConfigError
            The data have another number of classes.
        """
        if classes != 2:
            raise ConfigError(f"network=perceptron decides between two classes, these data have {classes}; use network=mlp network.hidden=[]")
        return Decision()
