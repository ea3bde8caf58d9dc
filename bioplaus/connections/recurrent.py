"""All-to-all synapses within one population: dense, and unless asked for none of a cell on itself."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.connections.dense import DenseConnection
from bioplaus.shapes import per_weight

__all__ = ["RecurrentConnection"]


class RecurrentConnection(DenseConnection):
    """Connection of N cells among themselves, weight J ``[R, N, N]`` (row: postsynaptic).

    Parameters
    ----------
    cells
        N.
    autapses
        Whether a cell has a synapse on itself. If not, the diagonal sends nothing and receives no change, whatever it holds.
    """

    def __init__(self, cells: int, autapses: bool = False) -> None:
        super().__init__((cells,), (cells,))
        self.autapses = autapses

    def send(self, w: Tensor, pre: Tensor) -> Tensor:
        return super().send(w, pre) if self.autapses else super().send(w, pre).sub_(_own(w, pre))

    def give_back(self, w: Tensor, post: Tensor) -> Tensor:
        return super().give_back(w, post) if self.autapses else super().give_back(w, post).sub_(_own(w, post))

    def correlate(self, pre: Tensor, post: Tensor) -> Tensor:
        change = super().correlate(pre, post)
        if not self.autapses:
            change.diagonal(dim1=-2, dim2=-1).zero_()
        return change

    def accumulate(self, w: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> None:
        if self.autapses:
            super().accumulate(w, pre, post, rate)
        else:
            w.addcmul_(self.correlate(pre, post), per_weight(rate, w))


def _own(w: Tensor, side: Tensor) -> Tensor:
    """Return what every cell would send itself."""
    own = torch.diagonal(w, dim1=-2, dim2=-1)
    return side * own.view(own.shape[0], *[1] * (side.dim() - 2), -1)
