"""Steps that follow the signs of the wanted changes: iRprop-."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.plasticity.base import Optimiser, Plasticity, PlasticityConfig

__all__ = ["Rprop", "RpropConfig"]


@dataclass
class RpropConfig(PlasticityConfig):
    """Settings of `Rprop`."""

    name: str = "rprop"
    step_start: float = ranged(0.1, above=0)
    """First step of every synapse, > 0, in units of the weight."""
    step_low: float = ranged(1e-6, above=0)
    """Smallest step, > 0."""
    step_high: float = ranged(50.0, above=0)
    """Largest step, > 0."""
    faster: float = ranged(1.2, 1)
    """Factor on the step where the wanted change keeps its sign, >= 1."""
    slower: float = ranged(0.5, above=0, high=1)
    """Factor on the step where it turns, in (0, 1]; that synapse then waits for one update."""


class _RpropOptimiser(Optimiser):
    moments = ("step", "sign")

    def __init__(self, config: RpropConfig) -> None:
        self.config = config

    def direction(self, wanted: Tensor, weight: Tensor, moments: Mapping[str, Tensor], count: Tensor) -> Tensor:
        c, step, before = self.config, moments["step"], moments["sign"]
        now = wanted.sign_()
        agreement = now * before
        grown = torch.where(agreement > 0, step * c.faster, torch.where(agreement < 0, step * c.slower, step)).clamp_(c.step_low, c.step_high)
        # a step of 0 is one that was never made: at the start, and where a weight has just grown
        step.copy_(torch.where(step == 0, c.step_start, grown))
        now.masked_fill_(agreement < 0, 0)
        before.copy_(now)
        return now * step


class Rprop(Plasticity):
    """iRprop-: a step per synapse, grown while the wanted change keeps its sign, halved where it turns; for whole training sets in one batch.

    ::

        s = sign(g),   step <- step * (faster | slower | 1)   for   s s_before (> 0 | < 0 | = 0),   s <- 0 where s s_before < 0
        w <- w + rate step s

    The size of the wanted change is not used. Source: Igel & Huesken 2003, Neurocomputing 50:105, algorithm iRprop- (from memory: unverified).
    """

    Config = RpropConfig

    def make_optimiser(self) -> Optimiser:
        c = self.config
        if not c.step_low <= c.step_start <= c.step_high:
            raise ConfigError(
                f"plasticity.step_low={c.step_low:g}, step_start={c.step_start:g} and step_high={c.step_high:g} must rise in this order"
            )
        return _RpropOptimiser(self.config)
