"""Steps scaled by running moments of the wanted change: adam, adamw, rmsprop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bioplaus.fields import ranged
from bioplaus.plasticity.base import Optimiser, Plasticity, PlasticityConfig
from bioplaus.shapes import per_weight

__all__ = ["Adam", "AdamConfig", "AdamW", "AdamWConfig", "RmsProp", "RmsPropConfig"]


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

    def __init__(self, config: AdamConfig, *, decoupled: bool) -> None:
        self.config, self.decoupled = config, decoupled

    def direction(self, wanted: Tensor, weight: Tensor, moments: Mapping[str, Tensor], count: Tensor) -> Tensor:
        c = self.config
        if c.weight_decay and not self.decoupled:
            wanted = wanted.sub_(weight, alpha=c.weight_decay)
        first = moments["first"].mul_(c.beta1).add_(wanted, alpha=1 - c.beta1)
        second = moments["second"].mul_(c.beta2).addcmul_(wanted, wanted, value=1 - c.beta2)
        # in float32 the difference from 1 would lose two digits
        seen_1, seen_2 = ((1 - beta ** count.double()).to(wanted.dtype) for beta in (c.beta1, c.beta2))
        root = (second / per_weight(seen_2, second)).sqrt_().add_(c.eps)
        direction = (first / per_weight(seen_1, first)).div_(root)
        return direction.sub_(weight, alpha=c.weight_decay) if c.weight_decay and self.decoupled else direction


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
