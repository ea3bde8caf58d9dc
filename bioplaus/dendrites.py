"""Branches of a neuron: dendrites that see the neuron's own inputs and add to its current.

::

    a_k = x V_k^T + c_k + sum_{j<k} q_kj d_j,   d_k = sigmoid(a_k),   z <- z + sum_k u_k d_k

K dendrites per neuron, each feeding only its own neuron. They enter `forward` and never `pull`: no error passes through a dendrite
to the layer below (perforation; Brenner & Itti 2025). With u = 0 a new dendrite leaves the network's function unchanged, bit for bit.
K is read from the shape of the arrays, so a grown network needs no record of its growth.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bioplaus.connections.base import Connection
from bioplaus.leaves import Init, Leaf
from bioplaus.shapes import not_units, per_unit

__all__ = ["Dendrites"]


class Dendrites:
    """The dendrites of one layer.

    Arrays: V ``[R, K, *weight_shape]``, c ``[R, K, post]``, q ``[R, K, K, post]`` (only j < k is used), u ``[R, K, post]``.
    """

    def __init__(self, prefix: str, connection: Connection) -> None:
        self.connection = connection
        self.v, self.c, self.q, self.u = (f"{prefix}/{leaf}" for leaf in ("V", "c", "q", "u"))

    @property
    def leaves(self) -> dict[str, Leaf]:
        """Arrays of a layer without dendrites yet (K = 0)."""
        w = self.connection.weight_shape
        shapes = {self.v: (0, *w), self.c: (0, w[0]), self.q: (0, 0, w[0]), self.u: (0, w[0])}
        return {key: Leaf(shape, 1, Init("zero")) for key, shape in shapes.items()}

    def count(self, params: Mapping[str, Tensor]) -> int:
        """Return K."""
        return params[self.u].shape[1]

    def outputs(self, params: Mapping[str, Tensor], pre: Tensor) -> list[Tensor]:
        """Return d_1 .. d_K, each of the shape of the current."""
        out: list[Tensor] = []
        for k in range(self.count(params)):
            a = self.connection.send(params[self.v][:, k], pre)
            a = a + per_unit(params[self.c][:, k], a, self.connection.out_shape)
            for j, d in enumerate(out):
                a = a + per_unit(params[self.q][:, k, j], a, self.connection.out_shape) * d
            out.append(torch.sigmoid(a))
        return out

    def add(self, params: Mapping[str, Tensor], current: Tensor, outputs: list[Tensor]) -> Tensor:
        """Return ``current + sum_k u_k d_k``."""
        for k, d in enumerate(outputs):
            current = current + per_unit(params[self.u][:, k], current, self.connection.out_shape) * d
        return current

    def wanted(self, outputs: list[Tensor], error: Tensor) -> dict[str, Tensor]:
        """Return the change of u that goes with an error at the current: ``sum error d_k``. V, c, q are not the error's business."""
        if not outputs:
            return {}
        axes = not_units(error, self.connection.out_shape)
        return {self.u: torch.stack([(error * d).sum(axes) for d in outputs], 1)}
