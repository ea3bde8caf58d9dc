"""A layer: before (upsample, flatten) -> connection -> + bias -> norm -> + dendrites -> neuron -> after (pool).

`Layer.forward` keeps a `Trace`; `Layer.pull` takes an error at the layer's output to its current; `Layer.give_back` takes the error
at the current to the layer's input through a matrix of the caller's choice. Errors point *down* the loss: they are wanted changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bioplaus.changes import Change, Dense, Outer
from bioplaus.connections.base import Connection
from bioplaus.dendrites import Branches, Dendrites
from bioplaus.leaves import Init, Leaf
from bioplaus.neurons.base import Neuron
from bioplaus.norm import BatchNorm
from bioplaus.operations import Operation, Scope
from bioplaus.shapes import not_units, per_unit

__all__ = ["Layer", "Trace"]


@dataclass(frozen=True)
class Trace:
    """What one layer remembers of one forward pass.

    ``pre`` is what the connection received, ``current`` what the neuron received, ``out`` what the layer sent on. In a training pass of a
    spiking layer ``current`` is empty: nobody needs it, and it is as large as the membrane over time.
    """

    pre: Tensor
    current: Tensor
    out: Tensor
    before: tuple[Any, ...] = ()
    dendrites: Branches | None = None
    norm: Any = None
    neuron: Any = None
    after: tuple[Any, ...] = ()


class Layer:
    """One layer of a network. Holds structure only: all arrays live in ``params`` and ``buffers``.

    Parameters
    ----------
    name
        Key prefix of its arrays, e.g. ``"forward/2"``.
    connection, neuron
        How current arises and what the cell does with it.
    bias
        Whether each postsynaptic unit (channel) has a bias, which starts at 0.
    before, after
        Operations on the way in and out.
    norm
        Batch normalisation of the current.
    dendrites
        Whether the layer may grow dendrites.
    init, mirror_init
        How the weight starts, here and in the layer that mirrors this one.
    weight
        Key of the weight, where it is that of another layer.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        neuron: Neuron,
        *,
        bias: bool = False,
        before: Sequence[Operation] = (),
        norm: BatchNorm | None = None,
        after: Sequence[Operation] = (),
        dendrites: bool = False,
        init: Init | None = None,
        mirror_init: Init | None = None,
        weight: str | None = None,
    ) -> None:
        self.name = name
        self.connection = connection
        self.neuron = neuron
        self.before, self.norm, self.after = tuple(before), norm, tuple(after)
        self.weight = weight or f"{name}/weight"
        self.bias = f"{name}/bias" if bias else None
        self.dendrites = Dendrites(f"{name}/dendrites", connection, norm=norm) if dendrites else None
        self.own = {key: f"{name}/{key}" for key in neuron.parameters}
        self.init = init or Init()
        self.mirror_init = mirror_init or self.init
        shape = connection.out_shape
        for operation in self.after:
            shape = operation.out_shape(shape)
        self.out_shape = shape

    @property
    def norms(self) -> tuple[BatchNorm, ...]:
        """All normalisations, wherever they stand; one after the neuron has running means but no leaves that learn."""
        around = [op for op in (*self.before, *self.after) if isinstance(op, BatchNorm)]
        return (*around, *((self.norm,) if self.norm else ()))

    @property
    def one_way(self) -> bool:
        """Whether no error finds a way back through the layer."""
        return bool(self.neuron.one_way)

    @property
    def learns_at_input(self) -> bool:
        """Whether a norm with leaves stands before the connection, so that errors are wanted down to the layer's input."""
        return any(isinstance(operation, BatchNorm) and operation.affine for operation in self.before)

    @property
    def leaves(self) -> dict[str, Leaf]:
        """All arrays that a rule may change."""
        c = self.connection
        found = {self.weight: Leaf(c.weight_shape, c.fan_in, self.init)}
        if self.bias:
            found[self.bias] = Leaf(c.out_shape[:1], 1, Init("zero"))
        for norm in self.norms:
            found |= norm.leaves
        found |= {self.own[key]: Leaf((1,), 1, Init("one", start)) for key, start in self.neuron.parameters.items()}
        return found | (self.dendrites.leaves if self.dendrites else {})

    @property
    def buffers(self) -> dict[str, Leaf]:
        """Running means."""
        found = {key: leaf for norm in self.norms for key, leaf in norm.buffers.items()}
        return found | (self.dendrites.buffers if self.dendrites else {})

    def forward(self, scope: Scope, x: Tensor) -> Trace:
        """Return the trace of one pass; x ``[R or 1, B, *in_shape]``."""
        params, before, after, branches, norm_cache = scope.params, [], [], None, None
        for operation in self.before:
            x, cache = operation.forward(scope, x)
            before.append(cache)
        current = self.drive(params, x)
        if self.norm:
            current, norm_cache = self.norm.forward(scope, current)
        if self.dendrites:
            branches = self.dendrites.forward(scope, x)
            current = self.dendrites.add(params, current, branches.outputs)
        own = {key: params[leaf] for key, leaf in self.own.items()}
        out, neuron_cache = self.neuron.forward(current, own) if own else self.neuron.forward(current)
        if scope.train and self.neuron.spiking:
            current = current.new_empty(0)
        for operation in self.after:
            out, cache = operation.forward(scope, out)
            after.append(cache)
        return Trace(x, current, out, tuple(before), branches, norm_cache, neuron_cache, tuple(after))

    def drive(self, params: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Return what the weight and the bias make of what the connection receives: the current of a layer that has nothing else."""
        current = self.connection.send(params[self.weight], x)
        if self.bias:
            current += per_unit(params[self.bias], current, self.connection.out_shape)
        return current

    def pull(self, trace: Trace, error: Tensor) -> Tensor:
        """Return the error at the current (before the norm), given the error at the layer's output."""
        error = self._at_neuron(trace, error)
        return self.norm.pull(trace.norm, error) if self.norm else error

    def wanted(self, trace: Trace, error: Tensor) -> tuple[Tensor, dict[str, Change]]:
        """Return the error at the current and the changes of all leaves that go with an error at the output.

        The weight's change is the product of what the synapse sees on its two sides; dendrites change u alone, unless they are learned.
        """
        error = self._behind_neuron(trace, error)
        changes: dict[str, Change] = {self.own[key]: Dense(value) for key, value in self.neuron.changes(trace.neuron, error).items()}
        error = self.neuron.pull(trace.neuron, error)
        if self.dendrites and trace.dendrites:
            changes |= self.dendrites.wanted(trace.dendrites, error)
        if self.norm:
            changes |= {key: Dense(value) for key, value in self.norm.wanted(trace.norm, error).items()}
            error = self.norm.pull(trace.norm, error)
        changes[self.weight] = Outer(self.connection, ((trace.pre, error),))
        if self.bias:
            changes[self.bias] = Dense(error.sum(not_units(error, self.connection.out_shape)))
        return error, changes

    def give_back(self, trace: Trace, error: Tensor, w: Tensor) -> tuple[Tensor, dict[str, Change]]:
        """Return the error at the layer's input, sent down from the current through w, and the changes of norms on that way.

        What dendrites that are not perforated send down is added; `wanted` tells them the error first.
        """
        changes: dict[str, Change] = {}
        error = self.connection.give_back(w, error)
        through = self.dendrites.give_back(trace.dendrites) if self.dendrites and trace.dendrites else None
        error = error if through is None else error + through
        for operation, cache in zip(reversed(self.before), reversed(trace.before)):
            if isinstance(operation, BatchNorm):
                changes |= {key: Dense(value) for key, value in operation.wanted(cache, error).items()}
            error = operation.pull(cache, error)
        return error, changes

    def _at_neuron(self, trace: Trace, error: Tensor) -> Tensor:
        return self.neuron.pull(trace.neuron, self._behind_neuron(trace, error))

    def _behind_neuron(self, trace: Trace, error: Tensor) -> Tensor:
        for operation, cache in zip(reversed(self.after), reversed(trace.after)):
            error = operation.pull(cache, error)
        return error
