"""Inputs, a cascade of units that starts empty, and outputs that hear both: the network of Fahlman & Lebiere 1990."""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.cascade_layer import CascadeLayer
from bioplaus.connections import DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.networks.base import flat_size, flattening
from bioplaus.neurons.base import Neuron, StaticNeuron
from bioplaus.neurons.smooth import SymmetricSigmoid
from bioplaus.tasks import SymmetricTargets, Task

__all__ = ["Cascade", "CascadeConfig"]


@dataclass
class CascadeConfig:
    """Settings of the cascade; it has no hidden layers, its units are added by a rule."""

    name: str = "cascade"
    init_scale: float = ranged(1.0, 0)
    """Output weights start uniform within this / sqrt(inputs), dimensionless, >= 0."""


class Cascade:
    """Inputs, a cascade of units that starts empty, and one output in (-1/2, 1/2) per class that hears both."""

    Config = CascadeConfig
    task = "growing units one by one"

    @staticmethod
    def build(config: CascadeConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network ``flat(in_shape) - units - flat(outputs)``; every output has a bias.

        Raises
        ------
        ConfigError
            If units would have time.
        """
        if not isinstance(neuron, StaticNeuron):
            raise ConfigError(f"network=cascade grows units without time; leave out neuron={neuron.config.name}, or use neuron=tanh")
        n = flat_size(in_shape)
        units = CascadeLayer("forward/0", n, neuron, before=flattening(in_shape))
        start = Init("uniform", config.init_scale)
        top = Layer("forward/1", DenseConnection((n,), (flat_size(outputs),)), SymmetricSigmoid(), bias=True, init=start)
        return Network("forward", in_shape, [units, top])

    @staticmethod
    def make_task(config: CascadeConfig, classes: int) -> Task:
        """Return what the outputs are asked for."""
        return SymmetricTargets(classes)
