"""A layer whose units are gated by their active dendrites, and the context that goes up with the activity (Iyer et al. 2022).

A sample is ``[x, c]``: n values and, behind them, the C values of a context that says what the sample is about. Each of m units has J
dendritic segments u_ij that see the context alone; the one that answers most strongly gates what the unit makes of its input, and of all
units the k strongest stay active::

    z = W x + b,   j*(i) = argmax_j |u_ij . c|,   a_i = z_i sigmoid(u_ij* . c),   y = kWTA(phi(a)),   out = [y, c]

The context is passed on, so that the layer is a function of its input and every rule that goes up layer by layer can use it. Errors go to
winners only, and of the segments only to the chosen one: the others have no part in y.

Source: Iyer et al. 2022, Front. Neurorobot. 16:846219, arXiv:2201.00042; the equation from memory, unverified in detail. Left out: sparse
weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer
from bioplaus.connections.base import Connection
from bioplaus.layer import Layer, Trace
from bioplaus.leaves import Init, Leaf
from bioplaus.neurons.base import Neuron
from bioplaus.operations import Operation, Scope

__all__ = ["ContextLayer", "ContextTrace", "Leading"]


class Leading(Operation):
    """Keep the first n values of a sample: ``[R, B, n + C] -> [R, B, n]``. No error goes to what is left out."""

    def __init__(self, values: int, others: int) -> None:
        self.values, self.others = values, others

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (self.values,)

    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, None]:
        return x[..., : self.values], None

    def pull(self, cache: None, error: Tensor) -> Tensor:
        return torch.nn.functional.pad(error, (0, self.others))


@dataclass(frozen=True, kw_only=True)
class ContextTrace(Trace):
    """A trace that also knows what gated each unit: ``current`` is a; z, the gate, the chosen segment and the winners ``[R, B, m]``."""

    drive: Tensor
    gate: Tensor
    chosen: Tensor
    winners: Tensor
    context: Tensor


class ContextLayer(Layer):
    """A layer of units with active dendrites.

    Arrays beside those of a layer: segments u ``[R, m, J, C]``.

    Parameters
    ----------
    context
        Values C of the context, >= 1, which are the last ones of the layer's input and of its output.
    segments
        Dendritic segments J of each unit, >= 1.
    winners
        Units k that stay active, 1 <= k <= m.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        neuron: Neuron,
        *,
        context: int,
        segments: int,
        winners: int,
        bias: bool = False,
        init: Init | None = None,
    ) -> None:
        before = [Leading(connection.in_shape[0], context)]
        super().__init__(name, connection, neuron, bias=bias, before=before, init=init)
        self.context, self.segments, self.winners = context, segments, winners
        self.segment_weight = f"{name}/segments"
        self.units = connection.out_shape[0]
        self.out_shape = (self.units + context,)

    @property
    def leaves(self) -> dict[str, Leaf]:
        shape = (self.units, self.segments, self.context)
        return super().leaves | {self.segment_weight: Leaf(shape, self.context, Init())}

    def forward(self, scope: Scope, x: Tensor) -> ContextTrace:
        context = x[..., self.connection.in_shape[0] :]
        pre = self.before[0].forward(scope, x)[0]
        drive = self.drive(scope.params, pre)
        u = scope.params[self.segment_weight]
        answers = torch.matmul(context, u.flatten(1, 2).mT).unflatten(-1, (self.units, self.segments))
        chosen = answers.abs().argmax(-1, keepdim=True)
        gate = answers.gather(-1, chosen).squeeze(-1).sigmoid()
        current = drive * gate
        active, cache = self.neuron.forward(current)
        winners = torch.zeros_like(active, dtype=torch.bool).scatter_(-1, active.topk(self.winners, -1).indices, True)
        out = torch.cat([active * winners, context.expand(active.shape[0], -1, -1)], -1)
        return ContextTrace(
            pre,
            current,
            out,
            (None,),
            neuron=cache,
            drive=drive,
            gate=gate,
            chosen=chosen.squeeze(-1),
            winners=winners,
            context=context,
        )

    def pull(self, trace: Trace, error: Tensor) -> Tensor:
        return self._at_current(trace, error) * _gated(trace).gate

    def wanted(self, trace: Trace, error: Tensor) -> tuple[Tensor, dict[str, Change]]:
        seen, at_current = _gated(trace), self._at_current(trace, error)
        at_drive = at_current * seen.gate
        at_answer = (at_current * seen.drive * seen.gate * (1 - seen.gate)).unsqueeze(-1)
        per_segment = at_answer.new_zeros(*at_answer.shape[:-1], self.segments).scatter_(-1, seen.chosen.unsqueeze(-1), at_answer)
        segments = torch.matmul(per_segment.flatten(2).mT, seen.context).unflatten(1, (self.units, self.segments))
        changes: dict[str, Change] = {self.segment_weight: Dense(segments)}
        changes[self.weight] = Outer(self.connection, ((trace.pre, at_drive),))
        if self.bias:
            changes[self.bias] = Dense(at_drive.sum(1))
        return at_drive, changes

    def _at_current(self, trace: Trace, error: Tensor) -> Tensor:
        """Return the error at a: that of winners, none of it at the context that was passed on."""
        error = error[..., : self.units] * _gated(trace).winners
        found: Any = self.neuron.pull(trace.neuron, error)
        return found


def _gated(trace: Trace) -> ContextTrace:
    assert isinstance(trace, ContextTrace)
    return trace
