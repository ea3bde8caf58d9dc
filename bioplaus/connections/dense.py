"""All-to-all synapses: ``send = pre @ w^T``, ``give_back = post @ w``, ``correlate = post^T @ pre``."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.connections.base import Connection

__all__ = ["DenseConnection"]


def _flat(x: Tensor) -> Tensor:
    """Fold every axis between replica and unit into one: batch and time are summed or mapped alike."""
    return x if x.dim() == 3 else x.flatten(1, -2)


class DenseConnection(Connection):
    """Dense connection with weight ``[R, post, pre]``.

    Examples
    --------
    >>> import torch
    >>> from bioplaus.connections import DenseConnection
    >>> c = DenseConnection((3,), (2,))
    >>> w, x = torch.ones(1, 2, 3), torch.tensor([[[1.0, 2.0, 3.0]]])
    >>> c.send(w, x)
    tensor([[[6., 6.]]])
    """

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.out_shape[0], self.in_shape[0])

    def send(self, w: Tensor, pre: Tensor) -> Tensor:
        x = _flat(pre)
        # one replica: a plain product skips the batched kernel's set-up
        out = torch.mm(x[0], w[0].T).unsqueeze(0) if w.shape[0] == 1 and x.shape[0] == 1 else torch.matmul(x, w.mT)
        return out if pre.dim() == 3 else out.unflatten(1, pre.shape[1:-1])

    def give_back(self, w: Tensor, post: Tensor) -> Tensor:
        x = _flat(post)
        out = torch.mm(x[0], w[0]).unsqueeze(0) if w.shape[0] == 1 and x.shape[0] == 1 else torch.matmul(x, w)
        return out if post.dim() == 3 else out.unflatten(1, post.shape[1:-1])

    def correlate(self, pre: Tensor, post: Tensor) -> Tensor:
        x, e = _flat(pre), _flat(post)
        if x.shape[0] == 1 and e.shape[0] == 1:
            return torch.mm(e[0].T, x[0]).unsqueeze(0)
        return torch.matmul(e.mT, x)

    def accumulate(self, w: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> None:
        x, e = _flat(pre), _flat(post)
        w.baddbmm_((e * rate.view(-1, 1, 1)).mT, x.expand(w.shape[0], -1, -1))
