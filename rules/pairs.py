"""Losses of a pair of layers that run in opposite directions, with their closed-form errors (Kao & Hariharan 2024, arXiv:2409.19841).

A pair loss compares rows a ``[R, B, d]`` of the forward network with rows b ``[R, N, d]`` of the feedback network; ``match[b, n]`` is 1
where they belong together. Each function returns ``(loss [R], -dloss/da, -dloss/db)``: errors to be added, any mean already inside.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["maps_pair", "normalised_pair", "raw_pair", "units"]

EPS = 1e-8
Pair = tuple[Tensor, Tensor | None, Tensor]


def units(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``(n, 1/|r|)`` for rows r: ``n = r / (|r|_2 + 1e-8)``; an all-zero row gives n = 0 and inverse 0, so it gets no error."""
    norm = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    inverse = (norm > 0).to(rows.dtype) / (norm + EPS)
    return rows * inverse, inverse


def _through_units(error: Tensor, n: Tensor, inverse: Tensor) -> Tensor:
    """Pull an error at n back to r: ``(g - n (n.g)) / |r|``."""
    return (error - n * (n * error).sum(-1, keepdim=True)).mul_(inverse)


def raw_pair(a: Tensor, b: Tensor, match: Tensor, weight: float, *, need_a: bool = True) -> Pair:
    """Compare raw dot products with the class match.

    ``loss = weight * mean (a b^T - T)^2``; with ``E = a b^T - T`` and ``k = 2 weight / (B N)``: ``-dloss/da = -k E b``,
    ``-dloss/db = -k E^T a``.

    Parameters
    ----------
    a, b, match
        ``[R or 1, B, d]``, ``[R, N, d]``, ``[R or 1, B, N]``.
    weight
        ``c_l = lambda 256 / d_l`` in the published MLP code.
    need_a
        Whether the error at a is wanted; at the input it is not.
    """
    e = _product(a, b.mT).sub_(match)
    entries = e.shape[1] * e.shape[2]
    loss = torch.linalg.vector_norm(e, dim=(1, 2)).square_().mul_(weight / entries)
    e.mul_(-2 * weight / entries)
    return loss, _product(e, b) if need_a else None, _product(e.mT, a)


def _product(x: Tensor, y: Tensor) -> Tensor:
    """Multiply per replica; equal replica axes need none of the broadcasting that `matmul` prepares."""
    return torch.bmm(x, y) if x.shape[0] == y.shape[0] else torch.matmul(x, y)


def _self_term(n: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """``weight * mean (n n^T - I)^2`` and minus its gradient: keeps rows from collapsing onto each other (paper, appendix 6.1)."""
    s = torch.matmul(n, n.mT)
    s.diagonal(dim1=-2, dim2=-1).sub_(1)
    rows = n.shape[1]
    return s.square().flatten(1).mean(1).mul_(weight), torch.matmul(s, n).mul_(-4 * weight / (rows * rows))


def normalised_pair(
    a: Tensor, b: Tensor, match: Tensor, weight: float, self_weight: float, *, need_a: bool = True
) -> Pair:
    """Compare directions (paper, eq. 2, with the class match of the published code in place of the identity).

    ``weight mean (n_a n_b^T - T)^2 + self_weight mean (n_a n_a^T - I)^2 + self_weight mean (n_b n_b^T - I)^2``, n the rows at unit length.
    Parameters as in `raw_pair`.
    """
    n_a, inverse_a = units(a)
    n_b, inverse_b = units(b)
    loss, g_a, g_b = raw_pair(n_a, n_b, match, weight, need_a=need_a)
    if self_weight:
        value, g = _self_term(n_b, self_weight)
        loss, g_b = loss + value, g_b + g
        if need_a:
            assert g_a is not None
            value, g = _self_term(n_a, self_weight)
            loss, g_a = loss + value, g_a + g
    return (
        loss,
        None if g_a is None else _through_units(g_a, n_a, inverse_a),
        _through_units(g_b, n_b, inverse_b),
    )


def _mse(a: Tensor, b: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """``weight mean (a - b)^2`` and minus its gradient in a (that in b is its negative)."""
    d = b - a
    return d.square().flatten(1).mean(1).mul_(weight), d * (2 * weight / d[0].numel())


def maps_pair(a: Tensor, b: Tensor, weight: float, *, inner: bool, need_a: bool = True) -> Pair:
    """Compare feature maps sample by sample (published autoencoder code).

    ``weight mse(a, b)``, and for inner pairs also ``weight mse(N(a), N(b))`` with N a map ``(sample, channel)`` minus its mean, at unit
    length. a, b ``[R, B, C, H, W]`` (or ``[R, B, n]``: one map of n values); weight is the layer's height.
    """
    loss, g = _mse(a, b, weight)
    g_a: Tensor = g
    g_b = -g
    if inner:
        maps = [x.flatten(3) if x.dim() == 5 else x.unsqueeze(2) for x in (a, b)]
        (n_a, inverse_a), (n_b, inverse_b) = (units(m - m.mean(-1, keepdim=True)) for m in maps)
        value, g = _mse(n_a, n_b, weight)
        loss = loss + value
        g_a = g_a + _centred(_through_units(g, n_a, inverse_a)).reshape(a.shape)
        g_b = g_b + _centred(_through_units(-g, n_b, inverse_b)).reshape(b.shape)
    return loss, g_a if need_a else None, g_b


def _centred(error: Tensor) -> Tensor:
    return error - error.mean(-1, keepdim=True)
