"""The loss of generated pixels: cross-entropy between a sigmoid of logits and pixels in [0, 1], mean over batch and pixels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["of_classes", "of_samples"]


def of_samples(q: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss ``mean(softplus(q) - x q)``, ``[R]``, and ``-d loss / d q = (x - sigmoid(q)) / (B n)`` of logits ``[R, B, *shape]``."""
    values = q[0].numel()
    loss = (F.softplus(q) - x * q).flatten(1).mean(1)
    return loss, (x - q.sigmoid()).div_(values)


def of_classes(q: Tensor, x: Tensor, match: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same where all samples of a class have one row of logits.

    Parameters
    ----------
    q
        Logits of each class, ``[R, K, *shape]``.
    x
        Samples ``[R or 1, B, *shape]``.
    match
        One-hot class of each sample, ``[R or 1, B, K]``.

    Returns
    -------
    loss : [R]
    error : [R, K, *shape]
        Summed over the samples of a class, ``(sum_b match_bk x_b - B_k sigmoid(q_k)) / (B n)``.
    """
    flat = q.flatten(2)
    values = x.shape[1] * flat.shape[2]
    sums = match.mT.matmul(x.flatten(2)).div_(values)
    share = match.sum(1).unsqueeze(-1).div_(values)
    loss = (F.softplus(flat) * share - sums * flat).flatten(1).sum(1)
    return loss, (sums - share * flat.sigmoid()).view(q.shape)
