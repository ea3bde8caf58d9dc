"""Branches of a neuron: dendrites that see the neuron's own inputs and add to its current.

::

    a_k = x V_k^T + c_k + sum_{j<k} q_kj d_j,   d_k = g(a_k),   z <- z + sum_k u_k d_k

K dendrites per neuron, each feeding only its own neuron. Perforated ones enter `forward` and never `pull`: no error passes through them
to the layer below (Brenner & Itti 2025). With u = 0 a new dendrite leaves the network's function unchanged, bit for bit.
K is read from the shape of the arrays, so a grown network needs no record of its growth. Where the layer normalises its current, a dendrite
is a copy of the whole block and normalises ``x V_k^T + c_k`` by itself; the sum is behind the norm, before the neuron.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense
from bioplaus.connections.base import Connection
from bioplaus.leaves import Init, Leaf
from bioplaus.neurons.base import StaticNeuron
from bioplaus.neurons.smooth import Sigmoid
from bioplaus.norm import BatchNorm
from bioplaus.operations import Scope
from bioplaus.shapes import not_units, per_unit, per_weight

__all__ = ["BranchChange", "Branches", "Dendrites", "Grown"]


@dataclass(frozen=True)
class Grown:
    """One dendrite of each neuron in one pass: its sum a, its output d, and what its norm remembers."""

    current: Tensor
    out: Tensor
    norm: Any = None


@dataclass
class Branches:
    """What the dendrites of a layer remember of a pass: their input, themselves in order, and the error at the sum once it is known."""

    pre: Tensor
    grown: list[Grown] = field(default_factory=list)
    arrays: Mapping[str, Tensor] = field(default_factory=dict)
    error: Tensor | None = None

    @property
    def outputs(self) -> list[Tensor]:
        """d_1 .. d_K, each of the shape of the current."""
        return [one.out for one in self.grown]


@dataclass(frozen=True)
class BranchChange:
    """Change of u, ``sum error d_k`` over patterns, with the sides it is made of.

    A dendrite that is to grow needs these and nothing else: the layer's input, the dendrites that its neuron has, and the neuron's error at the
    sum, ``[R, B, *out_shape]``, which is minus the derivative of the loss, divided by the batch.
    """

    branches: Branches
    error: Tensor
    shape: tuple[int, ...]

    def dense(self) -> Tensor:
        axes = not_units(self.error, self.shape)
        found = [(self.error * d).sum(axes) for d in self.branches.outputs]
        return torch.stack(found, 1) if found else self.error.new_zeros(self.error.shape[0], 0, self.shape[0])

    def add_to(self, weight: Tensor, rate: Tensor) -> None:
        weight.addcmul_(self.dense(), per_weight(rate, weight))


class Dendrites:
    """The dendrites of one layer.

    Arrays: V ``[R, K, *weight_shape]``, c ``[R, K, post]``, q ``[R, K, K, post]`` (only j < k is used), u ``[R, K, post]``; with a norm gain and
    shift ``[R, K, post]``. Candidates, of which the network knows nothing yet, have the same under ``candidate/`` with the pool in place of K.

    Parameters
    ----------
    prefix, connection
        Key prefix of the arrays, and the connection whose copy a dendrite is.
    neuron
        g; it must not be linear to be of use.
    norm
        That of the layer, of which each dendrite has a copy.
    perforated
        Whether errors stop at dendrites.
    learned
        Whether an error at the neuron changes V, c and q too, as backpropagation has it.
    pool
        Candidates per neuron.
    """

    def __init__(
        self,
        prefix: str,
        connection: Connection,
        *,
        neuron: StaticNeuron | None = None,
        norm: BatchNorm | None = None,
        perforated: bool = True,
        learned: bool = False,
        pool: int = 0,
    ) -> None:
        self.prefix, self.connection, self.neuron = prefix, connection, neuron or Sigmoid()
        self.perforated, self.learned, self.pool = perforated, learned, pool
        self.v, self.c, self.q, self.u = (f"{prefix}/{leaf}" for leaf in ("V", "c", "q", "u"))
        self.norm = norm and BatchNorm(f"{prefix}/norm", norm.shape, affine=norm.affine, momentum=norm.momentum, eps=norm.eps)

    @property
    def inner(self) -> tuple[str, ...]:
        """Keys of what a dendrite is made of, that is of all but u."""
        return (self.v, self.c, self.q, *(self.norm.leaves if self.norm else ()))

    @property
    def means(self) -> tuple[str, ...]:
        """Keys of the running means of the dendrites' norms."""
        return tuple(self.norm.buffers) if self.norm else ()

    def candidate(self, key: str) -> str:
        """Return the key of a candidate's array, given that of the dendrites'."""
        return f"{self.prefix}/candidate{key.removeprefix(self.prefix)}"

    @property
    def leaves(self) -> dict[str, Leaf]:
        """Arrays of a layer without dendrites yet (K = 0), and of its candidates."""
        w = self.connection.weight_shape
        shapes = {self.v: w, self.c: w[:1], self.q: (0, *w[:1])} | dict.fromkeys(self.norm.leaves if self.norm else (), w[:1])
        found = {key: Leaf((0, *shape), 1, Init("zero")) for key, shape in shapes.items()} | {self.u: Leaf((0, w[0]), 1, Init("zero"))}
        if self.pool:
            found |= {self.candidate(key): Leaf((self.pool, *shape), 1, Init("zero")) for key, shape in shapes.items()}
        return found

    @property
    def buffers(self) -> dict[str, Leaf]:
        """Running means of the dendrites' norms."""
        return {key: Leaf((0, self.connection.weight_shape[0]), 1, Init("zero")) for key in self.means}

    def count(self, params: Mapping[str, Tensor]) -> int:
        """Return K."""
        return params[self.u].shape[1]

    def size(self, dendrites: int) -> int:
        """Return the numbers that K dendrites add to a layer of m neurons with n inputs: ``m [K (n + 1) + K + K (K - 1)/2]``, norms apart."""
        m, n = self.connection.weight_shape[0], self.connection.fan_in
        own = n + 2 + (len(self.norm.leaves) if self.norm else 0)
        return m * (dendrites * own + dendrites * (dendrites - 1) // 2)

    def forward(self, scope: Scope, pre: Tensor) -> Branches:
        """Return the dendrites' pass; running means of their norms go into the scope."""
        found = Branches(pre, arrays={key: scope.params[key] for key in (*self.inner, self.u)})
        running: list[dict[str, Tensor]] = []
        for k in range(self.count(scope.params)):
            arrays = {key: scope.params[key][:, k] for key in self.inner}
            buffers = {key: scope.buffers[key][:, k] for key in self.means if key in scope.buffers}
            inside = Scope(arrays, buffers, scope.train)
            found.grown.append(self.grow(inside, pre, found.outputs))
            running.append(inside.running)
        for key in running[0] if running else ():
            scope.running[key] = torch.stack([one[key] for one in running], 1)
        return found

    def grow(self, inside: Scope, pre: Tensor, older: Sequence[Tensor]) -> Grown:
        """Return one dendrite of each neuron, given its own arrays and what the older dendrites of the neuron say."""
        a, cache = self.connection.send(inside.params[self.v], pre), None
        a = a + per_unit(inside.params[self.c], a, self.connection.out_shape)
        if self.norm:
            a, cache = self.norm.forward(inside, a)
        for j, d in enumerate(older):
            a = a + per_unit(inside.params[self.q][:, j], a, self.connection.out_shape) * d
        return Grown(a, self.neuron.value(a), cache)

    def changes(self, one: Grown, arrays: Mapping[str, Tensor], pre: Tensor, older: Sequence[Tensor], at_sum: Tensor) -> dict[str, Tensor]:
        """Return what goes with an error at a dendrite's sum a: the change of each of its own arrays, and under "" the error at its current."""
        axes = not_units(at_sum, self.connection.out_shape)
        own = self.norm.wanted(one.norm, at_sum) if self.norm else {}
        q = torch.zeros_like(arrays[self.q]).expand(at_sum.shape[0], -1, -1).clone()
        for j, d in enumerate(older):
            q[:, j] = (at_sum * d).sum(axes)
        current = self.norm.pull(one.norm, at_sum) if self.norm else at_sum
        return {self.v: self.connection.correlate(pre, current), self.c: current.sum(axes), self.q: q, **own, "": current}

    def add(self, params: Mapping[str, Tensor], current: Tensor, outputs: Sequence[Tensor]) -> Tensor:
        """Return ``current + sum_k u_k d_k``."""
        for k, d in enumerate(outputs):
            current = current + per_unit(params[self.u][:, k], current, self.connection.out_shape) * d
        return current

    def wanted(self, branches: Branches, error: Tensor) -> dict[str, Change]:
        """Return the changes that go with an error at the sum: that of u, and if they are learned those of V, c and q."""
        branches.error = error
        changes: dict[str, Change] = {self.u: BranchChange(branches, error, self.connection.out_shape)}
        if self.learned and branches.grown:
            found = self._back(branches)
            changes |= {key: Dense(torch.stack([one[key] for one in found], 1)) for key in self.inner}
        return changes

    def give_back(self, branches: Branches) -> Tensor | None:
        """Return the error that reaches the layer's input through the dendrites; None where they are perforated."""
        if self.perforated or not branches.grown:
            return None
        v = branches.arrays[self.v]
        parts = [self.connection.give_back(v[:, k], one[""]) for k, one in enumerate(self._back(branches))]
        return torch.stack(parts).sum(0)

    def _back(self, branches: Branches) -> list[dict[str, Tensor]]:
        """Return the changes of every dendrite, from the last, which hears all others, down to the first."""
        assert branches.error is not None, "the error at the sum comes first: call `wanted`"
        shape, arrays, outs = self.connection.out_shape, branches.arrays, branches.outputs
        at_out = [per_unit(arrays[self.u][:, k], branches.error, shape) * branches.error for k in range(len(outs))]
        found: list[dict[str, Tensor]] = []
        for k in reversed(range(len(outs))):
            one, own = branches.grown[k], {key: arrays[key][:, k] for key in self.inner}
            at_sum = self.neuron.slope_times(one.current, one.out, at_out[k])
            for j in range(k):
                at_out[j] = at_out[j] + per_unit(own[self.q][:, j], at_sum, shape) * at_sum
            found.append(self.changes(one, own, branches.pre, outs[:k], at_sum))
        return found[::-1]
