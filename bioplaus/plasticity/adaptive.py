"""Steps scaled by running moments of the wanted change: adam, adamw, rmsprop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.fields import ranged
from bioplaus.plasticity.base import Optimiser, Plasticity, PlasticityConfig
from bioplaus.shapes import per_weight

__all__ = ["Adam", "AdamConfig", "AdamW", "AdamWConfig", "RmsProp", "RmsPropConfig"]

#: numbers that are worked on at once
PART = 1 << 17


@dataclass
class AdamConfig(PlasticityConfig):
    """Settings of `Adam`."""

    name: str = "adam"
    beta1: float = ranged(0.9, 0, below=1)
    """Memory of the first moment, in [0, 1)."""
    beta2: float = ranged(0.999, 0, below=1)
    """Memory of the second moment, in [0, 1)."""
    eps: float = ranged(1e-8, above=0)
    """Added to the root of the second moment, > 0."""
    weight_decay: float = ranged(0.0, 0)
    """L2 pull added to the wanted change before the moments (adamw: a shrinkage beside them); >= 0."""


class _AdamOptimiser(Optimiser):
    moments = ("first", "second")

    def __init__(self, config: AdamConfig, *, decoupled: bool, seen: tuple[Tensor, ...] = ()) -> None:
        self.config, self.decoupled, self.seen = config, decoupled, seen

    def at(self, count: Tensor) -> Optimiser:
        # in float32 the difference from 1 would lose two digits
        number = count.double()
        seen = tuple(1 - beta**number for beta in (self.config.beta1, self.config.beta2))
        return _AdamOptimiser(self.config, decoupled=self.decoupled, seen=seen)

    def direction(self, wanted: Tensor, weight: Tensor, moments: Mapping[str, Tensor], count: Tensor) -> Tensor:
        if not self.seen:
            return self.at(count).direction(wanted, weight, moments, count)
        seen = [per_weight(one.to(wanted.dtype), wanted) for one in self.seen]
        direction = torch.empty_like(wanted)
        # part by part: what one line leaves is still in the cache when the next one reads it
        arrays = (wanted, weight, moments["first"], moments["second"], direction)
        if wanted.numel() <= PART:
            self._fill(*arrays, *seen)
            return direction
        rows = max(1, wanted.shape[1] * PART // wanted.numel())
        for part in zip(*(one.split(rows, 1) for one in arrays)):
            self._fill(*part, *seen)
        return direction

    def _fill(
        self, wanted: Tensor, weight: Tensor, first: Tensor, second: Tensor, direction: Tensor, seen_1: Tensor, seen_2: Tensor
    ) -> None:
        c = self.config
        if c.weight_decay and not self.decoupled:
            wanted = wanted.sub_(weight, alpha=c.weight_decay)
        first.mul_(c.beta1).add_(wanted, alpha=1 - c.beta1)
        second.mul_(c.beta2).addcmul_(wanted, wanted, value=1 - c.beta2)
        root = (second / seen_2).sqrt_().add_(c.eps)
        torch.div(first, seen_1, out=direction).div_(root)
        if c.weight_decay and self.decoupled:
            direction.sub_(weight, alpha=c.weight_decay)


class Adam(Plasticity):
    """Adam (Kingma & Ba 2015, algorithm 1), the bias corrections counted per replica and group."""

    Config = AdamConfig

    def make_optimiser(self) -> Optimiser:
        return _AdamOptimiser(self.config, decoupled=False)


@dataclass
class AdamWConfig(AdamConfig):
    """Settings of `AdamW`."""

    name: str = "adamw"
    weight_decay: float = ranged(0.01, 0)


class AdamW(Plasticity):
    """Adam with decoupled decay: ``w <- w + rate (direction - decay w)`` (Loshchilov & Hutter 2019, algorithm 2)."""

    Config = AdamWConfig

    def make_optimiser(self) -> Optimiser:
        return _AdamOptimiser(self.config, decoupled=True)


@dataclass
class RmsPropConfig(PlasticityConfig):
    """Settings of `RmsProp`."""

    name: str = "rmsprop"
    memory: float = ranged(0.99, 0, below=1)
    """Memory of the mean square, in [0, 1)."""
    eps: float = ranged(1e-8, above=0)
    """Added to the root of the mean square, > 0."""
    weight_decay: float = ranged(0.0, 0)
    """L2 pull added to the wanted change, >= 0."""


class _RmsOptimiser(Optimiser):
    moments = ("square",)

    def __init__(self, config: RmsPropConfig) -> None:
        self.config = config

    def direction(self, wanted: Tensor, weight: Tensor, moments: Mapping[str, Tensor], count: Tensor) -> Tensor:
        c = self.config
        if c.weight_decay:
            wanted = wanted.sub_(weight, alpha=c.weight_decay)
        square = moments["square"].mul_(c.memory).addcmul_(wanted, wanted, value=1 - c.memory)
        return wanted / square.sqrt().add_(c.eps)


class RmsProp(Plasticity):
    """``s <- m s + (1 - m) g^2``, ``w <- w + rate g / (sqrt(s) + eps)`` (Tieleman & Hinton 2012)."""

    Config = RmsPropConfig

    def make_optimiser(self) -> Optimiser:
        return _RmsOptimiser(self.config)
