"""A trained rate network becomes a spiking one: weights rescaled to rates below one spike per step, ReLU units become integrate-and-fire.

``W_l <- W_l lam_{l-1} / lam_l``, ``b_l <- b_l / lam_l``, lam_l the largest activation of layer l on training samples (``max``), or its 99.9th
percentile, which outliers do not move (``robust``). The input is a constant current, biases are currents, reset is by subtraction: after T steps
the rate of a first-layer unit is floor(a T) / T. Sources: Diehl et al. 2015, IJCNN; Rueckauer et al. 2017, Front. Neurosci. 11:682.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.rectified import Relu
from bioplaus.norm import BatchNorm
from bioplaus.operations import MaxPool, Scope
from bioplaus.shapes import leading, per_weight

__all__ = ["BALANCES", "Converted", "accuracy_over_time", "check_convertible", "convert", "pools", "scales"]

BALANCES = ("robust", "max")
PERCENTILE = 0.999
#: Activations of a chunk, in numbers, that are held at once.
WORK = 4e7
#: Samples that are looked at together for the scales.
CHUNK = 500


@dataclass(frozen=True)
class Converted:
    """A spiking network and its arrays.

    Parameters
    ----------
    network
        As it was, with integrate-and-fire units; the output layer integrates without firing.
    params
        Rescaled weights and biases, ``[R, ...]``.
    scales
        lam of every layer, ``[R]`` each.
    """

    network: Network
    params: dict[str, Tensor]
    scales: list[Tensor]


@torch.no_grad()
def scales(network: Network, params: Mapping[str, Tensor], buffers: Mapping[str, Tensor], feed: Feed, balance: str) -> list[Tensor]:
    """Return lam of every layer ``[R]``: the largest activation over samples and units, or their 99.9th percentile; 1 for silent layers."""
    if not len(feed):
        raise ConfigError("there are no training samples to scale the weights by")
    share = 0.0 if balance == "max" else 1 - PERCENTILE
    depths = [share * (len(feed) * math.prod(layer.connection.out_shape) - 1) for layer in network.layers]
    tops: list[Tensor] = []
    for batch in feed.chunks(CHUNK):
        rows = [trace.current.clamp(min=0).flatten(1) for trace in network.forward(params, batch.x, buffers).traces]
        rows = [torch.cat(pair, 1) for pair in zip(tops, rows)] if tops else rows
        tops = [row.topk(min(int(depth) + 2, row.shape[1]), 1).values for row, depth in zip(rows, depths)]
    lams = [_at(top, depth) for top, depth in zip(tops, depths)]
    return [torch.where(lam > 0, lam, 1) for lam in lams]


def _at(falling: Tensor, depth: float) -> Tensor:
    """Return the number so far below the largest, by linear interpolation, of rows ``[R, k]``."""
    low, last = int(depth), falling.shape[1] - 1
    return torch.lerp(falling[:, min(low, last)], falling[:, min(low + 1, last)], depth - low)


def convert(
    network: Network,
    params: Mapping[str, Tensor],
    buffers: Mapping[str, Tensor],
    feed: Feed,
    spiking: Neuron,
    output: Neuron,
    balance: str = "robust",
) -> Converted:
    """Return the spiking form of a network of ReLU units.

    Parameters
    ----------
    feed
        Training samples, for the activations.
    spiking, output
        Units of the hidden layers and of the output layer.
    balance
        robust (99.9th percentile of a layer's activations, zeros included) | max.

    Raises
    ------
    ConfigError
        Another balance, hidden units other than ReLU, dendrites, or a normalisation before a connection.
    """
    if balance not in BALANCES:
        raise ConfigError(f"balance={balance} is not known; choose {' or '.join(BALANCES)}")
    check_convertible(network)
    lam = scales(network, params, buffers, feed, balance)
    layers, arrays, before = [], {}, torch.ones_like(lam[0])
    for i, layer in enumerate(network.layers):
        weight, bias = _folded(layer, params, buffers)
        name = f"spiking/{i}"
        arrays[f"{name}/weight"] = weight * per_weight(before / lam[i], weight)
        arrays[f"{name}/bias"] = bias / lam[i].unsqueeze(1)
        unit = output if i == len(network.layers) - 1 else spiking
        layers.append(Layer(name, layer.connection, unit, bias=True, before=layer.before, after=layer.after))
        before = lam[i]
    return Converted(Network("spiking", network.in_shape, layers), arrays, lam)


def check_convertible(network: Network) -> None:
    """Raise ConfigError unless hidden units are ReLU, the output is static, and norms, if any, act on currents."""
    for layer in network.layers:
        if not isinstance(layer.neuron, Relu) and (layer is not network.layers[-1] or layer.neuron.spiking):
            raise ConfigError(f"only networks of relu units can be converted, this one has {layer.neuron.config.name}; train with neuron=relu")
        if layer.dendrites or any(isinstance(op, BatchNorm) for op in (*layer.before, *layer.after)):
            raise ConfigError("a network with dendrites or with norms before a connection cannot be converted; use network.norm_place=current")


def _folded(layer: Layer, params: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return weight and bias with the norm of the current, at its running means, folded into them."""
    weight = params[layer.weight]
    channels = layer.connection.out_shape[0]
    bias = params[layer.bias] if layer.bias else weight.new_zeros(weight.shape[0], channels)
    norm = layer.norm
    if norm is None:
        return weight, bias
    scale = (buffers[norm.variance] + norm.eps).rsqrt()
    shift = torch.zeros_like(scale)
    if norm.affine:
        scale, shift = scale * params[norm.gain], params[norm.shift]
    return weight * leading(scale, weight), (bias - buffers[norm.mean]) * scale + shift


@torch.no_grad()
def accuracy_over_time(converted: Converted, feed: Feed, steps: int) -> tuple[Tensor, Tensor]:
    """Return the accuracy after each step ``[R, T]``, and the mean spikes per unit and step of each hidden layer ``[R, layers - 1]``.

    The prediction after t steps is the output unit that has received most current so far.
    """
    network, params = converted.network, converted.params
    right: Tensor | float = 0.0
    rates: Tensor | float = 0.0
    replicas = params[network.layers[0].weight].shape[0]
    for x, y in _chunks(network, feed, steps * replicas):
        scope, activity, fired = Scope(params), x.unsqueeze(2), []
        for layer in network.layers:
            trace = layer.forward(scope, activity)
            activity = trace.out
            fired.append(activity.flatten(1).mean(1))
        total = trace.current.expand(-1, -1, steps, -1).cumsum(2)  # one step for all where there is no hidden layer
        right = right + (total.argmax(-1) == y.unsqueeze(2)).double().sum(1)
        rates = rates + torch.stack(fired[:-1], 1).double() * x.shape[1] if len(fired) > 1 else rates
    assert isinstance(right, Tensor)
    found = right / len(feed)
    silent = torch.zeros(found.shape[0], 0, dtype=torch.float64)
    return found, rates / len(feed) if isinstance(rates, Tensor) else silent


def _chunks(network: Network, feed: Feed, copies: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield as many samples at once as memory allows, of whose activity there are so many copies (steps times replicas)."""
    for batch in feed.chunks(max(1, int(WORK / (copies * network.widest)))):
        yield batch.x, batch.y


def pools(network: Network) -> bool:
    """Return whether the network has maximum pooling, which over spikes is no longer the maximum over rates."""
    return any(isinstance(op, MaxPool) for layer in network.layers for op in (*layer.before, *layer.after))
