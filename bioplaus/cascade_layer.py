"""A layer that hands on its input and, beside it, units that were added one after the other, each hearing the input and all earlier units.

::

    a_k = x V_k^T + c_k + sum_{j<k} q_kj h_j,   h_k = g(a_k),   out = (x, h_1, .., h_K)

K is read from the shape of the arrays, so a grown layer needs no record of its growth. Source: Fahlman & Lebiere 1990, NIPS 2:524.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bioplaus.changes import Change
from bioplaus.connections import DenseConnection
from bioplaus.layer import Layer, Trace
from bioplaus.leaves import Init, Leaf
from bioplaus.neurons.base import StaticNeuron
from bioplaus.operations import Operation, Scope

__all__ = ["CascadeLayer", "Units"]


class Units(NamedTuple):
    """What a pass keeps of the units, as `Trace.neuron`: their outputs ``[R, B, K]`` and q."""

    out: Tensor
    chain: Tensor


class CascadeLayer(Layer):
    """Inputs and a chain of units beside them; it starts without units.

    Arrays: V ``weight [R, K, n]``, c ``bias [R, K]``, q ``chain [R, K, K]`` (only j < k is used); those of candidates, which feed nothing,
    ``candidates/in [R, pool, n]``, ``candidates/bias [R, pool]``, ``candidates/chain [R, pool, K]``.

    Parameters
    ----------
    name
        Key prefix of its arrays.
    inputs
        n.
    neuron
        g.
    before
        Operations on the way in.
    pool, scale
        Candidates, and the bound of the uniform distribution that they start from.
    """

    def __init__(
        self, name: str, inputs: int, neuron: StaticNeuron, *, before: Sequence[Operation] = (), pool: int = 0, scale: float = 1.0
    ) -> None:
        super().__init__(name, DenseConnection((inputs,), (0,)), neuron, bias=True, before=before)
        self.unit, self.pool, self.scale = neuron, pool, scale
        self.chain = f"{name}/chain"
        self.candidates = tuple(f"{name}/candidates/{leaf}" for leaf in ("in", "bias", "chain"))
        self.out_shape = (inputs,)

    @property
    def leaves(self) -> dict[str, Leaf]:
        n = self.connection.in_shape[0]
        found = super().leaves | {self.chain: Leaf((0, 0), 1, Init("zero"))}
        shapes = ((self.pool, n), (self.pool,), (self.pool, 0)) if self.pool else ()
        return found | {key: Leaf(shape, 1, Init("uniform", self.scale)) for key, shape in zip(self.candidates, shapes)}

    def forward(self, scope: Scope, x: Tensor) -> Trace:
        before = []
        for operation in self.before:
            x, cache = operation.forward(scope, x)
            before.append(cache)
        chain = scope.params[self.chain]
        current = self.drive(scope.params, x)
        x = x.expand(current.shape[0], -1, -1)
        sums: list[Tensor] = []
        units: list[Tensor] = []
        for k in range(chain.shape[1]):
            a = current[..., k]
            if k:
                a = a + (torch.stack(units, -1) * chain[:, k, :k].unsqueeze(1)).sum(-1)
            sums.append(a)
            units.append(self.unit.value(a))
        h = torch.stack(units, -1) if units else current
        a = torch.stack(sums, -1) if sums else current
        return Trace(x, a, torch.cat([x, h], -1), tuple(before), neuron=Units(h, chain))

    def drive(self, params: Mapping[str, Tensor], x: Tensor) -> Tensor:
        assert self.bias is not None
        return self.connection.send(params[self.weight], x) + params[self.bias].unsqueeze(1)

    def pull(self, trace: Trace, error: Tensor) -> Tensor:
        """Return the errors at the input as it is handed on and at the units' sums, ``[R, B, n + K]``, those by later units included."""
        found: Units = trace.neuron
        n = self.connection.in_shape[0]
        at_unit = list(error[..., n:].unbind(-1))
        at_sum: list[Tensor] = [torch.empty(0)] * len(at_unit)
        for k in reversed(range(len(at_unit))):
            at_sum[k] = self.unit.slope_times(trace.current[..., k], found.out[..., k], at_unit[k])
            for j in range(k):
                at_unit[j] = at_unit[j] + found.chain[:, k, j].unsqueeze(1) * at_sum[k]
        return torch.cat([error[..., :n], *(one.unsqueeze(-1) for one in at_sum)], -1)

    def wanted(self, trace: Trace, error: Tensor) -> tuple[Tensor, dict[str, Change]]:
        """Return what `pull` does, and no change: an error changes no unit."""
        return self.pull(trace, error), {}

    def give_back(self, trace: Trace, error: Tensor, w: Tensor) -> tuple[Tensor, dict[str, Change]]:
        """Return the error at the input, the direct way and the way through all units, given what `pull` returned."""
        n = self.connection.in_shape[0]
        error = error[..., :n] + self.connection.give_back(w, error[..., n:])
        for operation, cache in zip(reversed(self.before), reversed(trace.before)):
            error = operation.pull(cache, error)
        return error, {}
