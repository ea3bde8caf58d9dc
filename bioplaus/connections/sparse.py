"""Some synapses of all that two populations could have: each postsynaptic unit hears inputs of its own choice.

The weight holds the synapses that exist and nothing else, ``[R, post, k]``, so that no optimiser, device or decay can make another one: a mask
``M`` that every update respects by its shape. ``send = pre @ (M * W)^T`` and its two adjoints are products with the whole matrix.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bioplaus.connections.base import Connection
from bioplaus.connections.dense import DenseConnection

__all__ = ["SparseConnection"]


class SparseConnection(Connection):
    """Sparse connection with weight ``[R, post, k]``: synapse s of unit i comes from input ``index[i][s]``.

    Parameters
    ----------
    inputs
        Units of the presynaptic population.
    index
        Inputs of each postsynaptic unit, ``[post, k]``, distinct within a row.

    Raises
    ------
    ValueError
        If rows differ in length, or name an input twice or one that is not there.

    Examples
    --------
    >>> import torch
    >>> from bioplaus.connections import SparseConnection
    >>> c = SparseConnection(4, [[0, 3], [1, 2]])
    >>> w, x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), torch.tensor([[[1.0, 10.0, 100.0, 1000.0]]])
    >>> c.send(w, x)
    tensor([[[2001.,  430.]]])
    """

    def __init__(self, inputs: int, index: Sequence[Sequence[int]]) -> None:
        rows = [list(map(int, row)) for row in index]
        wrong = [row for row in rows if len(row) != len(rows[0]) or len(set(row)) != len(row) or not all(0 <= i < inputs for i in row)]
        if wrong or not rows[0]:
            raise ValueError(f"a unit's inputs must be {len(rows[0])} different ones of 0..{inputs - 1}, as for all units, not {wrong[:1]}")
        super().__init__((inputs,), (len(rows),))
        self.index = torch.tensor(rows)
        self.whole = DenseConnection((inputs,), (len(rows),))

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return tuple(self.index.shape)

    @property
    def mask(self) -> Tensor:
        """M, bool ``[post, pre]``: which synapses exist."""
        return torch.zeros(self.whole.weight_shape, dtype=torch.bool).scatter_(1, self.index, True)

    def matrix(self, w: Tensor) -> Tensor:
        whole = w.new_zeros(w.shape[0], *self.whole.weight_shape)
        return whole.scatter(2, self._index(w), w)

    def send(self, w: Tensor, pre: Tensor) -> Tensor:
        return self.whole.send(self.matrix(w), pre)

    def give_back(self, w: Tensor, post: Tensor) -> Tensor:
        return self.whole.give_back(self.matrix(w), post)

    def correlate(self, pre: Tensor, post: Tensor) -> Tensor:
        whole = self.whole.correlate(pre, post)
        return whole.gather(2, self._index(whole))

    def _index(self, like: Tensor) -> Tensor:
        if self.index.device != like.device:
            self.index = self.index.to(like.device)
        return self.index.unsqueeze(0).expand(like.shape[0], -1, -1)
