"""What the Hebbian classics share: hidden layers that learn without an error, below an output layer that learns by the delta rule.

::

    hidden layers    w <- w + lr_hidden * (mean over samples and positions of post-factor x pre - decay),   no label, no error
    output layer     dW_L = (-dL/dz_L)^T h_{L-1}                                                            (Widrow & Hoff 1960)

All layers learn from the same forward pass, so every layer follows what the layer below has become so far. On a convolution each position is
one more sample of the same cell. The running mean of every input cell is taken out of what synapses learn from (not out of what is sent):
activity of rectified cells has a mean that would otherwise be all that upper layers find. Biases and gains of hidden layers keep their start:
the classics have none.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Wanted
from bioplaus.fields import ranged, replica
from bioplaus.layer import Layer, Trace
from bioplaus.network import Network
from bioplaus.rules.base import Group, Learned, Learning, Rate, Rule, RuleConfig, plastic_leaves
from bioplaus.shapes import leading
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = ["HebbianConfig", "HebbianRule", "Seen", "cells", "decay", "unit_axis"]


@dataclass
class HebbianConfig(RuleConfig):
    """Settings of the Hebbian classics."""

    name: str = "oja"
    lr: float = replica(0.1)
    """Base rate of the output layer's delta rule, >= 0."""
    lr_hidden: float | None = replica(None)
    """Base rate of the Hebbian layers, >= 0; lr if not given; 0 leaves them at their start, which is the control `top`."""
    centre: bool = True
    """Whether a running mean of each input cell is taken out of what synapses learn from: presynaptic adaptation; without it means dominate."""
    memory: float = ranged(0.95, 0, below=1)
    """Share of a running mean (of inputs; in bcm also of thresholds) that is kept per batch, in [0, 1)."""


@dataclass(frozen=True)
class Seen:
    """What the synapses of a layer learn from.

    Parameters
    ----------
    pre
        Input of the connection, ``[R or 1, B, *in_shape]``, less its running mean if the rule takes that out.
    u
        What the weight alone makes of it, ``[R, B, *out_shape]``: before bias, normalisation and neuron.
    """

    pre: Tensor
    u: Tensor


class HebbianRule(Rule):
    """Hebbian hidden layers with a trained output layer. Final classes give `hebb`."""

    Config = HebbianConfig
    #: rate of the Hebbian layers as a share of lr where lr_hidden is not given
    share: ClassVar[float] = 1.0

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        network = networks["forward"]
        *hidden, last = network.layers
        top = tuple(key for key in plastic_leaves(network) if key in last.leaves)
        rate = _times(self.config.lr, self.share) if self.config.lr_hidden is None else self.config.lr_hidden
        below = {"hidden": Group(tuple(layer.weight for layer in hidden), rate)} if hidden else {}
        return {**below, "forward": Group(top, self.config.lr)}

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        if not self.config.centre:
            return {}
        found = {}
        for layer in networks["forward"].layers[:-1]:
            shape = (len(streams.seeds), *layer.connection.in_shape)
            found[_key(layer)] = torch.zeros(shape, dtype=streams.dtype, device=streams.device)
        return found

    def learn(self, view: View) -> Learning:
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        changes: dict[str, Change] = {}
        state: dict[str, Tensor] = {}
        for layer, trace in zip(network.layers[:-1], run.traces):
            seen, mean = self._seen(view, layer, trace)
            change, kept = self.hebb(layer, view.params[layer.weight], seen, view.state)
            changes[layer.weight] = Dense(change)
            state |= mean | kept
        _, top = network.layers[-1].wanted(run.traces[-1], view.task.error(run.out, view.batch.y))
        if changes:
            yield Wanted("hidden", changes)
        yield Wanted("forward", top)
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, state, run.running)

    @abstractmethod
    def hebb(self, layer: Layer, w: Tensor, seen: Seen, state: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the wanted change of a hidden layer's weight, of its shape, and new entries of the rule's state."""

    def _seen(self, view: View, layer: Layer, trace: Trace) -> tuple[Seen, dict[str, Tensor]]:
        """Return what the layer learns from, and the moved mean of its input."""
        w, pre = view.params[layer.weight], trace.pre
        plain = layer.bias is None and layer.norm is None and layer.dendrites is None
        u = trace.current if plain else layer.connection.send(w, pre)
        if not self.config.centre:
            return Seen(pre, u), {}
        mean = view.state[_key(layer)]
        centre = mean.unsqueeze(1)
        moved = mean.lerp(pre.mean(1).expand_as(mean), 1 - self.config.memory)
        return Seen(pre - centre, u - layer.connection.send(w, centre)), {_key(layer): moved}


def _times(rate: Rate, share: float) -> Rate:
    return tuple(one * share for one in rate) if isinstance(rate, tuple) else rate * share


def _key(layer: Layer) -> str:
    return f"mean/{layer.name}"


def unit_axis(y: Tensor, layer: Layer) -> int:
    """Return the axis of activity ``[R, B, C, ...]`` along which the layer's cells (channels) differ."""
    return y.dim() - len(layer.connection.out_shape)


def cells(y: Tensor, layer: Layer) -> Tensor:
    """Return activity as ``[R, N, C]``: N samples (times positions) of C cells."""
    return y.movedim(unit_axis(y, layer), -1).flatten(1, -2)


def decay(per_cell: Tensor, w: Tensor) -> Tensor:
    """Return each cell's weights times a number of its own: ``[R, C]``, ``[R, C, ...]`` -> ``[R, C, ...]``."""
    return w * leading(per_cell, w)
