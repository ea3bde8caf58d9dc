"""Sign pulses on ordinary networks: every layer a crossbar, whose signals are so few bits that simple circuits can make them.

Up: inputs from `binarise` up drive their row with 1, others with 0; a column's current is amplified, ``z = gain/n sum_i w_i x_i`` with n rows;
hidden units are the network's (clip or step), outputs sigmoids. Down, with tern(e, theta) the sign of e where abs(e) > theta, else 0::

    d_k = tern(t_k - sigmoid(z_k), theta_output)                    output
    d_j = tern(sum_k w_kj d_k, theta_hidden) * [phi'(z_j) != 0]     hidden; the sum is a read of the same crossbar, columns driven
    wanted change of w_ji: d_j [x_i >= active]

Nothing else of the gradient is used: with plasticity.pulses=sign, row and column of an active pair give their device one pulse. A batch of one
is online learning; of a larger one a device gets the sign of the sum over samples, a majority.
Our reading of the abstract of Lim et al. 2019, Neural Comput. & Applic. 31:8101 (arXiv:1707.06381), with numbers of our own.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer, Trace
from bioplaus.network import Network
from bioplaus.neurons.base import Neuron, StaticNeuron
from bioplaus.operations import Operation, Scope
from bioplaus.rules.base import Learned, Learning
from bioplaus.shapes import not_units
from bioplaus.view import View

if TYPE_CHECKING:
    from bioplaus.rules.memristor import MemristorConfig

__all__ = ["Amplified", "Bits", "crossbars", "gate", "learning", "ternary"]


class Amplified(StaticNeuron):
    """A unit behind an amplifier: ``phi(gain z)``."""

    def __init__(self, unit: StaticNeuron, gain: float) -> None:
        super().__init__(unit.config)
        self.unit, self.gain = unit, gain

    def readout(self) -> Neuron:
        return self.unit.readout()

    def value(self, current: Tensor) -> Tensor:
        return self.unit.value(current * self.gain)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return self.unit.slope_times(current * self.gain, out, error) * self.gain


class Bits(Operation):
    """1 for inputs from a threshold up, 0 for others: what drives a row. As a threshold has no slope, errors pass as they are."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        return in_shape

    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, None]:
        return (x >= self.threshold).to(x.dtype), None

    def pull(self, cache: None, error: Tensor) -> Tensor:
        return error


def crossbars(network: Network, config: MemristorConfig) -> Network:
    """Return the network with row drivers before its first layer and amplifiers before its units.

    Raises
    ------
    ConfigError
        If it has normalisation or dendrites, or units with time.
    """
    layers = [copy(layer) for layer in network.layers]
    for layer in layers:
        if layer.norms or layer.dendrites:
            raise ConfigError("rule=memristor has crossbars and units alone; leave out network.norm and network.dendrites")
        if not isinstance(layer.neuron, StaticNeuron):
            raise ConfigError("rule=memristor wants units without time; use neuron=clip or step")
        gain = config.gain_output if layer is layers[-1] else config.gain_hidden
        layer.neuron = Amplified(layer.neuron, gain / layer.connection.fan_in)
    if config.binarise is not None:
        layers[0].before = (Bits(config.binarise), *layers[0].before)
    return Network(network.name, network.in_shape, layers)


def ternary(error: Tensor, theta: float) -> Tensor:
    """Return -1, 0 or 1: the sign of an error outside a dead zone."""
    return error.sign() * (error.abs() > theta)


def learning(view: View, config: MemristorConfig) -> Learning:
    """Want the sums of products of bits and ternary errors, over the batch size."""
    network = view.networks["forward"]
    run = network.forward(view.params, view.batch.x, view.buffers, train=True)
    error = ternary(view.task.target(view.batch.y, run.out.dtype) - run.out.sigmoid(), config.theta_output)
    changes: dict[str, Change] = {}
    for i, (layer, trace) in reversed(list(enumerate(zip(network.layers, run.traces)))):
        if i < len(network.layers) - 1:
            for operation, cache in zip(reversed(layer.after), reversed(trace.after)):
                error = operation.pull(cache, error)
            error = ternary(error, config.theta_hidden) * gate(layer, trace)
        changes |= _products(layer, trace.pre >= config.active, error)
        if i:
            error, _ = layer.give_back(trace, error, view.params[layer.weight])
    yield Wanted("forward", changes)
    return Learned({"loss": view.task.loss(run.out, view.batch.y)})


def gate(layer: Layer, trace: Trace) -> Tensor:
    """Return the one bit that is known of a unit's slope: whether it is not 0."""
    return layer.neuron.pull(trace.neuron, torch.ones_like(trace.current)) != 0


def _products(layer: Layer, active: Tensor, error: Tensor) -> dict[str, Change]:
    each = error / error.shape[1]
    changes: dict[str, Change] = {layer.weight: Outer(layer.connection, ((active.to(each.dtype), each),))}
    if layer.bias:
        changes[layer.bias] = Dense(each.sum(not_units(each, layer.connection.out_shape)))
    return changes
