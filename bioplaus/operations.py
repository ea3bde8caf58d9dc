"""What stands before and after a connection inside a layer: flatten, upsample, pool, batch normalisation.

Each operation is ``forward(scope, x) -> (y, cache)`` and ``pull(cache, error) -> error at x``, the exact adjoint of its linearisation.
Arrays are ``[R or 1, B, ...]``; nothing here mixes replicas.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Flatten", "MaxPool", "Operation", "Scope", "Unflatten", "Upsample"]


@dataclass
class Scope:
    """What a forward pass may read: weights, running means, and whether it is training. New running means are put into `running`."""

    params: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor] = field(default_factory=dict)
    train: bool = False
    running: dict[str, Tensor] = field(default_factory=dict)


class Operation(ABC):
    """A parameter-free map between layers (batch normalisation, which has leaves, extends it)."""

    @abstractmethod
    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one sample after the operation."""

    @abstractmethod
    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, Any]:
        """Return the result and whatever `pull` needs."""

    @abstractmethod
    def pull(self, cache: Any, error: Tensor) -> Tensor:
        """Return the error at the input, given the error at the output."""


def _images(x: Tensor) -> Tensor:
    """Fold replica and batch axes: ``[R, ..., C, H, W] -> [N, C, H, W]``."""
    return x.reshape(-1, *x.shape[-3:])


class Flatten(Operation):
    """``[R, B, C, H, W] -> [R, B, C*H*W]``."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        n = 1
        for side in in_shape:
            n *= side
        return (n,)

    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, None]:
        return x.flatten(-len(self.shape)), None

    def pull(self, cache: None, error: Tensor) -> Tensor:
        return error.unflatten(-1, self.shape)


class Unflatten(Operation):
    """``[R, B, n] -> [R, B, *shape]``, the inverse of `Flatten`."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        return self.shape

    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, None]:
        return x.unflatten(-1, self.shape), None

    def pull(self, cache: None, error: Tensor) -> Tensor:
        return error.flatten(-len(self.shape))


class MaxPool(Operation):
    """Maximum over non-overlapping squares; the error goes to the position that won."""

    def __init__(self, size: int = 2) -> None:
        self.size = size

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (in_shape[0], in_shape[1] // self.size, in_shape[2] // self.size)

    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        images = _images(x)
        y, where = F.max_pool2d(images, self.size, return_indices=True)
        return y.reshape(*x.shape[:-3], *y.shape[-3:]), (x, where)

    def pull(self, cache: tuple[Tensor, Tensor], error: Tensor) -> Tensor:
        x, where = cache
        size = [self.size] * 2
        back = torch.ops.aten.max_pool2d_with_indices_backward(
            _images(error), _images(x), size, size, [0, 0], [1, 1], False, where
        )
        return back.reshape(*error.shape[:-3], *x.shape[-3:])


class Upsample(Operation):
    """Nearest-neighbour enlargement by an integer factor; the adjoint sums each square.

    Parameters
    ----------
    factor
        Side of the square that each value fills.
    crop
        (height, width) to keep, from the top left; all by default. Undoes a pooling or stride that rounded.
    """

    def __init__(self, factor: int = 2, crop: tuple[int, ...] | None = None) -> None:
        self.factor, self.crop = factor, crop

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        full = (in_shape[1] * self.factor, in_shape[2] * self.factor)
        kept = full if self.crop is None else self.crop
        return (in_shape[0], min(full[0], kept[0]), min(full[1], kept[1]))

    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        y = x.repeat_interleave(self.factor, -1).repeat_interleave(self.factor, -2)
        full = (y.shape[-2], y.shape[-1])
        return (y if self.crop is None else y[..., : self.crop[0], : self.crop[1]]), full

    def pull(self, cache: tuple[int, int], error: Tensor) -> Tensor:
        f, (height, width) = self.factor, cache
        full = F.pad(error, (0, width - error.shape[-1], 0, height - error.shape[-2]))
        return full.unflatten(-1, (-1, f)).unflatten(-3, (-1, f)).sum((-3, -1))
