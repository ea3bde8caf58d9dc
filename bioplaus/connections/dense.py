"""All-to-all synapses: ``send = pre @ w^T``, ``give_back = post @ w``, ``correlate = post^T @ pre``."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.allocation import room
from bioplaus.connections._gather import correlated, few, sent
from bioplaus.connections.base import Connection

__all__ = ["DenseConnection"]

#: postsynaptic units below which a product over time is quicker the other way round, by up to three times
NARROW = 32


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
        if w.shape[0] == 1 and x.shape[0] == 1:  # one replica: a plain product skips the batched kernel's set-up
            out = self._over_time(w[0], x[0]) if pre.dim() > 3 else torch.mm(x[0], w[0].T)
            out = out.unsqueeze(0)
        else:
            out = torch.matmul(x, w.mT)
        return out if pre.dim() == 3 else out.unflatten(1, pre.shape[1:-1])

    def give_back(self, w: Tensor, post: Tensor) -> Tensor:
        x = _flat(post)
        if w.shape[0] == 1 and x.shape[0] == 1:
            out = (_product(x[0], w[0]) if post.dim() > 3 else torch.mm(x[0], w[0])).unsqueeze(0)
        else:
            out = torch.matmul(x, w)
        return out if post.dim() == 3 else out.unflatten(1, post.shape[1:-1])

    def correlate(self, pre: Tensor, post: Tensor) -> Tensor:
        x, e = _flat(pre), _flat(post)
        if x.shape[0] == 1 and e.shape[0] == 1:
            gathers = pre.dim() > 3 and not _watched(x, e) and few(x[0], e.shape[-1])
            return (correlated(x[0], e[0]) if gathers else torch.mm(e[0].T, x[0])).unsqueeze(0)
        return torch.matmul(e.mT, x)

    def accumulate(self, w: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> None:
        x, e = _flat(pre), _flat(post)
        if pre.dim() > 3 and x.shape[0] == 1 and e.shape[0] == 1:
            super().accumulate(w, pre, post, rate)
        else:
            w.baddbmm_((e * rate.view(-1, 1, 1)).mT, x.expand(w.shape[0], -1, -1))

    @staticmethod
    def _over_time(w: Tensor, x: Tensor) -> Tensor:
        """Return ``x @ w^T`` for activity of many steps, mostly silent where it is spikes."""
        if not _watched(w, x) and few(x, w.shape[0]):
            return sent(w, x)
        return torch.mm(w, x.T).T if w.shape[0] < NARROW else _product(x, w.T)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return ``a @ b`` of large arrays."""
    return torch.mm(a, b) if _watched(a, b) else torch.mm(a, b, out=room(a, (a.shape[0], b.shape[1])))


def _watched(*tensors: Tensor) -> bool:
    """Return whether autograd wants to know."""
    return torch.is_grad_enabled() and any(one.requires_grad for one in tensors)
