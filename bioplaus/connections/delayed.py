"""All-to-all synapses with several delays each: ``send = sum_{i,k} w_jik pre_ik``, one weight for each delay."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.connections.base import Connection

__all__ = ["DelayedConnection"]


class DelayedConnection(Connection):
    """Dense connection with weight ``[R, post, pre, delays]``; what it receives has come through the delays, ``[R or 1, ..., pre, delays]``.

    Parameters
    ----------
    pre, post
        Cells on either side.
    delays
        Delays of each pair of cells.

    Examples
    --------
    >>> import torch
    >>> from bioplaus.connections import DelayedConnection
    >>> c = DelayedConnection(2, 1, 3)
    >>> w, x = torch.ones(1, 1, 2, 3), torch.arange(6.0).view(1, 1, 2, 3)
    >>> c.send(w, x)
    tensor([[[15.]]])
    """

    def __init__(self, pre: int, post: int, delays: int) -> None:
        super().__init__((pre, delays), (post,))

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (*self.out_shape, *self.in_shape)

    def send(self, w: Tensor, pre: Tensor) -> Tensor:
        x = pre.flatten(-2)
        return torch.matmul(x.flatten(1, -2), w.flatten(2).mT).unflatten(1, x.shape[1:-1])

    def give_back(self, w: Tensor, post: Tensor) -> Tensor:
        return torch.matmul(post.flatten(1, -2), w.flatten(2)).unflatten(1, post.shape[1:-1]).unflatten(-1, self.in_shape)

    def correlate(self, pre: Tensor, post: Tensor) -> Tensor:
        return torch.matmul(post.flatten(1, -2).mT, pre.flatten(-2).flatten(1, -2)).unflatten(-1, self.in_shape)
