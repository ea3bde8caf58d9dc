"""Batch normalisation: ``y = gain (x - mean) / sqrt(var + eps) + shift``, statistics over batch and positions of each replica.

In training the statistics are those of the batch and their running means are handed back to be committed; otherwise the running ones
are used. Running means are buffers, never weights: no rule changes them (Ioffe & Szegedy 2015, algorithm 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.leaves import Init, Leaf
from bioplaus.operations import Operation, Scope
from bioplaus.shapes import not_units, per_unit

__all__ = ["BatchNorm"]


@dataclass(frozen=True)
class _Cache:
    normal: Tensor
    scale: Tensor  # gain / sd
    sd: Tensor
    train: bool
    axes: tuple[int, ...]


class BatchNorm(Operation):
    """Batch normalisation of a population of shape ``(n,)`` or ``(C, H, W)`` (per channel).

    Parameters
    ----------
    prefix
        Key prefix of its arrays.
    shape
        Shape of one sample.
    affine
        Whether gain and shift exist (and may be learned by a group that names them).
    momentum
        Weight of the new batch in the running means, in (0, 1].
    eps
        Added to the variance, > 0, squared units of the current.
    """

    def __init__(
        self, prefix: str, shape: tuple[int, ...], *, affine: bool = True, momentum: float = 0.1, eps: float = 1e-5
    ) -> None:
        self.gain, self.shift = f"{prefix}/gain", f"{prefix}/shift"
        self.mean, self.variance = f"{prefix}/mean", f"{prefix}/variance"
        self.shape, self.affine, self.momentum, self.eps = shape, affine, momentum, eps

    @property
    def leaves(self) -> dict[str, Leaf]:
        """Learnable arrays."""
        if not self.affine:
            return {}
        n = self.shape[:1]
        return {self.gain: Leaf(n, 1, Init("one")), self.shift: Leaf(n, 1, Init("zero"))}

    @property
    def buffers(self) -> dict[str, Leaf]:
        """Running means, which start at mean 0 and variance 1."""
        n = self.shape[:1]
        return {self.mean: Leaf(n, 1, Init("zero")), self.variance: Leaf(n, 1, Init("one"))}

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        return in_shape

    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, _Cache]:
        axes = not_units(x, self.shape)
        if scope.train:
            variance, mean = torch.var_mean(x, axes, correction=0)
            n = x.numel() // (x.shape[0] * self.shape[0])
            for key, new in ((self.mean, mean), (self.variance, variance * (n / max(n - 1, 1)))):
                scope.running[key] = scope.buffers[key] + self.momentum * (new - scope.buffers[key])
        else:
            mean, variance = scope.buffers[self.mean], scope.buffers[self.variance]
        sd = per_unit((variance + self.eps).sqrt(), x, self.shape)
        normal = (x - per_unit(mean, x, self.shape)) / sd
        if not self.affine:
            return normal, _Cache(normal, 1 / sd, sd, scope.train, axes)
        gain = per_unit(scope.params[self.gain], x, self.shape)
        return normal * gain + per_unit(scope.params[self.shift], x, self.shape), _Cache(
            normal, gain / sd, sd, scope.train, axes
        )

    def pull(self, cache: _Cache, error: Tensor) -> Tensor:
        if not cache.train:
            return error * cache.scale
        centred = error - error.mean(cache.axes, keepdim=True)
        return cache.scale * (centred - cache.normal * (error * cache.normal).mean(cache.axes, keepdim=True))

    def wanted(self, cache: _Cache, error: Tensor) -> dict[str, Tensor]:
        """Return the changes of gain and shift that go with an error at the output."""
        if not self.affine:
            return {}
        return {self.gain: (error * cache.normal).sum(cache.axes), self.shift: error.sum(cache.axes)}
