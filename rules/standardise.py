"""Standardisation of activity over the batch, as fixed-weight target propagation uses it.

``y = (x - mean) / (std + 1e-12)`` per unit (channel), without gain or shift. The standard deviation is the unbiased one, which with the
place of the small number makes it another map than `BatchNorm` (Shibuya et al. 2023, arXiv:2212.10352, published code).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.layer import Layer
from bioplaus.leaves import Leaf
from bioplaus.norm import BatchNorm
from bioplaus.operations import Scope
from bioplaus.shapes import not_units, per_unit

__all__ = ["EPS", "Standardise", "with_standard"]

#: added to the standard deviation, in units of the activity
EPS = 1e-12


@dataclass(frozen=True)
class _Cache:
    normal: Tensor
    sd: Tensor
    n: int
    train: bool
    axes: tuple[int, ...]


class Standardise(BatchNorm):
    """Standardisation of a population's activity, with the statistics of the batch in training.

    Parameters
    ----------
    prefix
        Key prefix of its running means.
    shape
        Shape of one sample.
    running
        Whether running means are kept, for a prediction that does not depend on the other samples it is made with.

    Notes
    -----
    A single value has no spread: its standard deviation counts as 0, and so does what comes out. Through a unit that does not vary no error
    goes; the quotient would send 1e12 times of it.
    """

    def __init__(self, prefix: str, shape: tuple[int, ...], *, running: bool = True) -> None:
        super().__init__(prefix, shape, affine=False)
        self.running = running

    @property
    def buffers(self) -> dict[str, Leaf]:
        return super().buffers if self.running else {}

    def forward(self, scope: Scope, x: Tensor) -> tuple[Tensor, Any]:
        axes, n = not_units(x, self.shape), x.numel() // (x.shape[0] * self.shape[0])
        train = scope.train or not self.running
        if train:
            variance, mean = torch.var_mean(x, axes, correction=min(1, n - 1))
            if self.running and n > 1:
                for key, new in ((self.mean, mean), (self.variance, variance)):
                    scope.running[key] = scope.buffers[key] + self.momentum * (new - scope.buffers[key])
        else:
            mean, variance = scope.buffers[self.mean], scope.buffers[self.variance]
        sd = per_unit(variance.sqrt(), x, self.shape)
        normal = (x - per_unit(mean, x, self.shape)) / (sd + EPS)
        return normal, _Cache(normal, sd, n, train, axes)

    def pull(self, cache: Any, error: Tensor) -> Tensor:
        """Return the error at x.

        With ``y = (x - m) / (s + eps)`` and n values per unit: ``(e - mean(e)) / (s + eps) - y sum(e y) / (s (n - 1))``.
        """
        scale = torch.where(cache.sd > 0, 1 / (cache.sd + EPS), 0)
        if not cache.train:
            return error * scale
        through_sd = (error * cache.normal).sum(cache.axes, keepdim=True) / (cache.sd.clamp(min=EPS) * max(cache.n - 1, 1))
        return scale * (error - error.mean(cache.axes, keepdim=True)) - torch.where(cache.sd > 0, cache.normal * through_sd, 0)


def with_standard(layer: Layer, *, running: bool) -> Layer:
    """Return the layer with its output standardised (after any pooling, so that targets and activity are of one kind)."""
    copied = copy.copy(layer)
    copied.after = (*layer.after, Standardise(f"{layer.name}/standard", layer.out_shape, running=running))
    return copied
