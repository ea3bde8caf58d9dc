"""Which traces the synapses of a layer keep under e-prop, and what becomes of them."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer
from bioplaus.layer import Layer
from bioplaus.neurons.online import Kept, State, Unit
from bioplaus.recurrent_layer import RecurrentLayer
from bioplaus.rules.eligibility import Cells, Pairs, Products
from bioplaus.rules.walk import Walk

__all__ = ["Book", "TopBook"]


class Book:
    """The traces of all synapses on one hidden layer."""

    def __init__(self, layer: Layer, walk: Walk, i: int, kappa: float, form: str) -> None:
        self.layer, self.walk, self.i = layer, walk, i
        unit = walk.units[i]
        self.fixed = i == 0 and walk.constant
        self.cells = Cells(kappa, unit.slow) if layer.bias or self.fixed else None
        factored = form == "factored" and not unit.slow
        ways = {} if self.fixed else {layer.weight: layer.connection}
        if isinstance(layer, RecurrentLayer):
            ways[layer.recurrent_weight] = layer.recurrent
        self.ways = {key: Products(c, kappa) if factored else Pairs(c, kappa, unit.slow) for key, c in ways.items()}
        self.traces: dict[str, Kept] = {}
        self.spikes: Tensor = torch.zeros(())

    def add(self, state: State, signal: Tensor, extra: Tensor | None) -> None:
        """Take in one step: the layer's state, its learning signal ``[R, B, N]``, and the pull of its rate ``[R, N]``."""
        unit = self.walk.units[self.i]
        psi = unit.slope(state)
        if self.cells is not None:
            self.cells.add(psi, self._trace("", psi.new_ones(())), signal, extra)
        for key, way in self.ways.items():
            pre = self.walk.pre[self.i] if key == self.layer.weight else self.walk.echo[self.i]
            way.add(psi, self._trace(key, pre), signal, extra)
        if extra is not None:
            self.spikes = self.spikes + state.spikes

    def take(self) -> dict[str, Change]:
        """Return the changes since they were last taken."""
        changes: dict[str, Change] = {key: way.take() for key, way in self.ways.items()}
        if self.cells is not None:
            post = self.cells.take()
            if self.fixed:
                changes[self.layer.weight] = Outer(self.layer.connection, ((self.walk.pre[self.i], post),))
            if self.layer.bias:
                changes[self.layer.bias] = Dense(post.sum(1))
        return changes

    def _trace(self, key: str, pre: Tensor) -> Tensor:
        self.traces[key] = self.walk.units[self.i].trace(self.traces.get(key, ()), pre)
        return self.traces[key][-1]


class TopBook:
    """The traces of all synapses on the read-out."""

    def __init__(self, layer: Layer, unit: Unit, form: str) -> None:
        self.layer, self.unit, self.form = layer, unit, form
        self.kept: Kept = ()
        self.ones: Kept = ()
        self.sides: list[tuple[Tensor, Tensor]] = []
        self.total: Tensor | float = 0.0
        self.bias: Tensor | float = 0.0

    def add(self, pre: Tensor, error: Tensor) -> None:
        """Take in one step: what the read-out received ``[R or 1, B, N]`` and its error ``[R, B, K]``."""
        self.kept, self.ones = self.unit.trace(self.kept, pre), self.unit.trace(self.ones, error.new_ones(()))
        if self.form == "online":
            self.total = self.total + self.layer.connection.correlate(self.kept[-1], error)
        else:
            self.sides.append((self.kept[-1], error))
        self.bias = self.bias + self.ones[-1] * error.sum(1)

    def take(self) -> dict[str, Change]:
        """Return the changes since they were last taken."""
        changes: dict[str, Change] = {}
        if self.form == "online":
            assert isinstance(self.total, Tensor)
            changes[self.layer.weight] = Dense(self.total)
        else:
            pre, error = (torch.stack(side, 2) for side in zip(*self.sides))
            changes[self.layer.weight] = Outer(self.layer.connection, ((pre, error),))
        if self.layer.bias:
            assert isinstance(self.bias, Tensor)
            changes[self.layer.bias] = Dense(self.bias)
        self.sides, self.total, self.bias = [], 0.0, 0.0
        return changes
