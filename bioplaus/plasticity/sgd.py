"""Gradient steps with and without momentum; sign steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bioplaus.fields import ranged
from bioplaus.plasticity.base import Optimiser, Plasticity, PlasticityConfig

__all__ = ["Sgd", "SgdConfig", "SignStep"]


@dataclass
class SgdConfig(PlasticityConfig):
    """Settings of `Sgd`."""

    name: str = "sgd"
    momentum: float = ranged(0.0, 0, below=1)
    """mu in ``v <- mu v + g``, in [0, 1)."""
    nesterov: bool = False
    """Whether the direction looks ahead, ``g + mu v``, instead of v."""
    weight_decay: float = ranged(0.0, 0)
    """L2 pull: g <- g - weight_decay * w, after clipping; >= 0, dimensionless."""


class _SgdOptimiser(Optimiser):
    def __init__(self, config: SgdConfig) -> None:
        self.config = config
        self.identity = config.momentum == 0 and config.weight_decay == 0
        self.moments = ("velocity",) if config.momentum else ()

    def direction(self, wanted: Tensor, weight: Tensor, moments: Mapping[str, Tensor], count: Tensor) -> Tensor:
        if self.config.weight_decay:
            wanted = wanted.sub_(weight, alpha=self.config.weight_decay)
        if not self.config.momentum:
            return wanted
        velocity = moments["velocity"].mul_(self.config.momentum).add_(wanted)
        return wanted.add_(velocity, alpha=self.config.momentum) if self.config.nesterov else velocity


class Sgd(Plasticity):
    """``v <- mu v + g - decay w``, ``w <- w + rate v`` (Polyak 1964; Nesterov's form as in Sutskever et al. 2013)."""

    Config = SgdConfig

    def make_optimiser(self) -> Optimiser:
        return _SgdOptimiser(self.config)


class _SignOptimiser(Optimiser):
    def direction(self, wanted: Tensor, weight: Tensor, moments: Mapping[str, Tensor], count: Tensor) -> Tensor:
        return wanted.sign_()


@dataclass
class SignConfig(PlasticityConfig):
    """Settings of `SignStep`."""

    name: str = "sign"


class SignStep(Plasticity):
    """``w <- w + rate sign(g)``: one equal step per synapse, none where nothing is wanted (Manhattan rule)."""

    Config = SignConfig

    def make_optimiser(self) -> Optimiser:
        return _SignOptimiser()
