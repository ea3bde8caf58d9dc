"""Layered networks whose hidden layers learn by spike timing alone: excitatory synapses, lateral inhibition, thresholds that follow the rate.

::

    I[t] = W x[t] + b - inhibition (number of other cells of the layer that fired at t - 1)       0 <= w <= w_max, u = w at the start
    b <- b + lr_threshold (rate - mean spikes per step)                                           homeostasis of each cell's threshold
    output layer    dW = sum_t e[t]^T trace(S)[t]                                                 delta rule on spikes

A layer learns when it has taken a sample's steps, before the layer above has; no label, error or weight of another synapse enters. b is
a current that stands for a threshold. The output layer reads spikes out, with signed weights: by the delta rule (Widrow & Hoff 1960)
with e the task's error at the membrane of each step, or by ReSuMe, ``e[t] = (desired - actual spike)[t]``: spike timing with the desired train
less that with the actual one (Ponulak & Kasinski 2010, Neural Comput. 22:467), the right class being asked to fire at every step, others never.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.layer import Layer, Trace
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.neurons.online import Kept
from bioplaus.operations import Scope
from bioplaus.recurrent_layer import RecurrentLayer
from bioplaus.rules.base import Group, Learned, Learning
from bioplaus.rules.spike_timing import SpikeTimingConfig, change, timing
from bioplaus.rules.walk import check_walkable
from bioplaus.view import View

__all__ = ["DIGITS", "MNIST", "RUN", "competing", "excitatory", "groups_of", "homeostasis", "learning", "readout", "synapses"]

#: what such networks run with, on any data
RUN: dict[str, Any] = {
    "neuron": "lif",
    "neuron.beta": 0.95,
    "neuron.steps": 25,
    "neuron.loss": "membrane",
    "plasticity": "sgd",
    "plasticity.clip": "none",
    "batch_size": 64,
    "network.hidden": [128],
    "probes": ["spikes"],
}
#: pixels as spikes, and weights and rates that suit so many inputs
DIGITS: dict[str, Any] = {
    "data.standardise": "none",
    "data.encode": "rate",
    "rule.w_max": 0.2,
    "rule.a_minus": 0.006,
    "rule.lr_hidden": 0.005,
    "rule.lr_threshold": 1.0,
    "rule.rate": 0.006,
    "epochs": 12,
}
MNIST: dict[str, Any] = {**DIGITS, "rule.w_max": 0.04, "rule.lr_hidden": 0.0003, "epochs": 1}


def excitatory(network: Network, config: SpikeTimingConfig) -> Network:
    """Return the network with hidden layers of excitatory synapses, a bias per cell and lateral inhibition.

    Raises
    ------
    ConfigError
        If it is not a stack of dense layers whose units go step by step, or settings do not fit together.
    """
    check_walkable(network, config.name)
    timing(config)
    start = Init("positive", 2 * config.start * config.w_max / 1.02)
    layers = [_excitatory(layer, start, config.inhibition) for layer in network.layers[:-1]]
    return Network(network.name, network.in_shape, [*layers, network.layers[-1]])


def _excitatory(layer: Layer, start: Init, inhibition: float) -> Layer:
    return _inhibited(layer, start, inhibition) if inhibition else Layer(
        layer.name, layer.connection, layer.neuron, bias=True, before=layer.before, init=start
    )  # fmt: skip


def _inhibited(layer: Layer, start: Init, inhibition: float) -> RecurrentLayer:
    """Return the layer with a bias of each cell and lateral inhibition."""
    lateral = Init("one", -inhibition)
    return RecurrentLayer(layer.name, layer.connection, layer.neuron, bias=True, before=layer.before, init=start, recurrent_init=lateral)


def competing(network: Network, inhibition: float) -> Network:
    """Return the network with a bias of each output cell, and lateral inhibition among them."""
    *hidden, last = network.layers
    return Network(network.name, network.in_shape, [*hidden, _inhibited(last, last.init, inhibition)])


def groups_of(network: Network, config: SpikeTimingConfig) -> dict[str, Group]:
    """Return a group per layer and kind of change: each is written by itself, as soon as it is known."""
    *hidden, last = network.layers
    found = {}
    for layer in hidden:
        found[layer.name] = Group((layer.weight,), config.lr_hidden, (0.0, config.w_max))
        found[_threshold(layer)] = Group((_bias(layer),), config.lr_threshold)
    if isinstance(last, RecurrentLayer):
        return found | {last.name: Group((last.weight,), config.lr), _threshold(last): Group((_bias(last),), config.lr_threshold)}
    return found | {last.name: Group(tuple(last.leaves), config.lr)}


def learning(view: View, config: Any) -> Learning:
    """Let layer after layer take the batch and learn from it at once; the output layer last."""
    *hidden, last = view.networks["forward"].layers
    scope, x = Scope(view.params, view.buffers, True), view.batch.x
    for layer in hidden:
        run = layer.forward(scope, x)
        yield synapses(layer, view.params, run, config, 1 / view.batch.size)
        yield homeostasis(layer, run.out, config.rate)
        x = run.out
    run = last.forward(scope, x)
    yield readout(last, view, run, config.readout)
    return Learned({"loss": view.task.loss(run.out, view.batch.y)}, running=scope.running)


def synapses(
    layer: Layer, params: Mapping[str, Tensor], run: Trace, config: SpikeTimingConfig, factor: Any, spikes: Tensor | None = None
) -> Wanted:
    """Return what spike timing wants of a layer's weight; `factor` as in `change`, spikes those of the layer if not what it sent on."""
    dt: float = getattr(layer.neuron.config, "dt", 1.0)
    post = run.out if spikes is None else spikes
    return Wanted(layer.name, {layer.weight: change(layer.connection, params[layer.weight], run.pre, post, config, dt, factor)})


def homeostasis(layer: Layer, spikes: Tensor, rate: float) -> Wanted:
    """Return what the rates of a layer's cells want of their thresholds."""
    return Wanted(_threshold(layer), {_bias(layer): Dense(rate - spikes.mean((1, 2)))})


def readout(layer: Layer, view: View, run: Trace, kind: str) -> Wanted:
    """Return what the output layer wants: the error of each step times the trace of what has arrived by then."""
    steps = run.out.shape[2]
    if kind == "delta":
        error = view.task.error(run.out, view.batch.y)
    else:
        desired = view.task.target(view.batch.y, run.out.dtype).unsqueeze(2)
        error = (desired - view.task.spikes(run.out)) / view.batch.size  # type: ignore[attr-defined]
    unit = layer.neuron.online()  # type: ignore[attr-defined]
    arrived, ones = run.pre.new_empty(*run.pre.shape[:2], steps, *run.pre.shape[3:]), run.out.new_empty(steps, 1)
    kept: Kept = ()
    own: Kept = ()
    for t in range(steps):
        kept, own = unit.trace(kept, run.pre[:, :, min(t, run.pre.shape[2] - 1)]), unit.trace(own, run.out.new_ones(()))
        arrived[:, :, t], ones[t] = kept[-1], own[-1]
    changes: dict[str, Change] = {layer.weight: Outer(layer.connection, ((arrived, error),))}
    if layer.bias:
        changes[layer.bias] = Dense((error * ones).sum((1, 2)))
    return Wanted(layer.name, changes)


def _threshold(layer: Layer) -> str:
    return f"{layer.name}/threshold"


def _bias(layer: Layer) -> str:
    assert layer.bias is not None
    return layer.bias
