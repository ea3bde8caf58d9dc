"""What the Hebbian classics share: hidden layers that learn without an error, below an output layer that learns by the delta rule.

::

    hidden layers    w <- w + lr_hidden * (mean over samples and positions of post-factor x pre - decay),   no label, no error
    output layer     dW_L = (-dL/dz_L)^T h_{L-1}                                                            (Widrow & Hoff 1960)

All layers learn from the same forward pass, so every layer follows what the layer below has become so far. On a convolution each position is
one more sample of the same cell. Biases and gains of hidden layers keep their start: the classics have none.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bioplaus.changes import Change, Dense, Wanted
from bioplaus.fields import replica
from bioplaus.layer import Layer, Trace
from bioplaus.network import Network
from bioplaus.rules.base import Group, Learned, Learning, Rule, RuleConfig, plastic_leaves
from bioplaus.view import View

__all__ = ["HebbianConfig", "HebbianRule", "cells", "decay", "drive", "unit_axis"]


@dataclass
class HebbianConfig(RuleConfig):
    """Settings of the Hebbian classics."""

    name: str = "oja"
    lr: float = replica(0.1)
    """Base rate of the output layer's delta rule, >= 0."""
    lr_hidden: float | None = replica(None)
    """Base rate of the Hebbian layers, >= 0; lr if not given; 0 leaves them at their start, which is the control `top`."""


class HebbianRule(Rule):
    """Hebbian hidden layers with a trained output layer. Final classes give `hebb`."""

    Config = HebbianConfig

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        network = networks["forward"]
        *hidden, last = network.layers
        top = tuple(key for key in plastic_leaves(network) if key in last.leaves)
        rate = self.config.lr if self.config.lr_hidden is None else self.config.lr_hidden
        below = {"hidden": Group(tuple(layer.weight for layer in hidden), rate)} if hidden else {}
        return {**below, "forward": Group(top, self.config.lr)}

    def learn(self, view: View) -> Learning:
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        changes: dict[str, Change] = {}
        state: dict[str, Tensor] = {}
        for layer, trace in zip(network.layers[:-1], run.traces):
            change, kept = self.hebb(view, layer, trace)
            changes[layer.weight] = Dense(change)
            state |= kept
        _, top = network.layers[-1].wanted(run.traces[-1], view.task.error(run.out, view.batch.y))
        if changes:
            yield Wanted("hidden", changes)
        yield Wanted("forward", top)
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, state, run.running)

    @abstractmethod
    def hebb(self, view: View, layer: Layer, trace: Trace) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the wanted change of a hidden layer's weight, of its shape, and new entries of the rule's state."""


def drive(layer: Layer, params: Mapping[str, Tensor], trace: Trace) -> Tensor:
    """Return what the weight alone makes of its input, ``w * pre``, before bias and normalisation.

    The decay terms of Oja and SoftHebb hold the length of w because their y is w's own projection of the input.
    """
    plain = layer.bias is None and layer.norm is None and layer.dendrites is None
    return trace.current if plain else layer.connection.send(params[layer.weight], trace.pre)


def unit_axis(y: Tensor, layer: Layer) -> int:
    """Return the axis of activity ``[R, B, C, ...]`` along which the layer's cells (channels) differ."""
    return y.dim() - len(layer.connection.out_shape)


def cells(y: Tensor, layer: Layer) -> Tensor:
    """Return activity as ``[R, N, C]``: N samples (times positions) of C cells."""
    return y.movedim(unit_axis(y, layer), -1).flatten(1, -2)


def decay(per_cell: Tensor, w: Tensor) -> Tensor:
    """Return each cell's weights times a number of its own: ``[R, C]``, ``[R, C, ...]`` -> ``[R, C, ...]``."""
    return w * per_cell.view(*per_cell.shape, *[1] * (w.dim() - 2))
