"""Views that let small arrays meet large ones: per-replica numbers against weights, per-unit numbers against activity."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["adjoint", "leading", "not_units", "padded", "per_unit", "per_weight"]


def per_weight(values: Tensor, like: Tensor) -> Tensor:
    """View per-replica values ``[R]`` so that they broadcast against an array ``[R, ...]``."""
    return values.view(-1, *([1] * (like.dim() - 1)))


def leading(values: Tensor, like: Tensor) -> Tensor:
    """View values so that their axes stand against the first ones of an array: ``[R, B]`` against ``[R, B, ...]``."""
    return values.view(*values.shape, *([1] * (like.dim() - values.dim())))


def per_unit(values: Tensor, like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """View per-unit values ``[R, C]`` so that they broadcast against activity ``[R, ..., *shape]``, where ``shape = (C, *positions)``."""
    positions = len(shape) - 1
    return values.view(values.shape[0], *([1] * (like.dim() - 2 - positions)), -1, *([1] * positions))


def not_units(x: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of activity ``[R, ..., *shape]`` that are neither replica nor unit: batch, time and positions."""
    unit = x.dim() - len(shape)
    return tuple(axis for axis in range(1, x.dim()) if axis != unit)


def padded(old: Tensor, like: Tensor) -> Tensor:
    """Return an array of the size of `like` that holds `old` at its beginning and zeros where it grew."""
    found = torch.zeros_like(like)
    common = tuple(slice(0, min(was, now)) for was, now in zip(old.shape, like.shape))
    found[common] = old[common].to(like.dtype)
    return found


def adjoint(weight: Tensor) -> Tensor:
    """Return the weight that runs the other way, ``[R, pre, post(, kh, kw)]``, with kernels flipped in space.

    For a stride-1 convolution, zero-padded so that sizes match: ``<conv(w, x), y> = <x, conv(adjoint(w), y)>``.
    """
    return weight.transpose(1, 2).flip(tuple(range(3, weight.dim())))
