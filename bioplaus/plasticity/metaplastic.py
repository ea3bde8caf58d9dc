"""Binary weights over hidden real ones, with steps that meet more resistance the deeper a weight is: metaplastic binarised networks.

The network reads ``sign(h)`` (times 1/sqrt(fan_in)) of the hidden weight h; a wanted change goes to h as if the sign were the identity (straight
through). A step of Adam that would bring h nearer to 0 is multiplied by ``1 - tanh^2(m_meta |h|)`` (Laborieux et al. 2021, arXiv:2003.03533).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.fields import choice, ranged
from bioplaus.plasticity.adaptive import Adam, AdamConfig
from bioplaus.plasticity.base import IdealSynapse, Step, Synapse
from bioplaus.shapes import per_weight
from bioplaus.streams import Streams

__all__ = ["Metaplastic", "MetaplasticConfig", "SignSynapse"]

#: numbers that are worked on at once
PART = 1 << 16


@dataclass
class MetaplasticConfig(AdamConfig):
    """Settings of `Metaplastic`."""

    name: str = "metaplastic"
    m_meta: float = ranged(1.35, 0)
    """Metaplasticity, per unit of hidden weight, >= 0; 0 for plain binary weights."""
    width: float = ranged(0.1, above=0)
    """Hidden weights start uniform in [-width/2, width/2]."""
    scale: str = choice("fan_in", "fan_in", "one")
    """What is read back: fan_in (+-1/sqrt(fan_in)) | one (+-1, for networks that are normalised)."""


class SignSynapse(Synapse):
    """Stores h and reads back its sign, for weights; biases, gains and shifts are stored as they are."""

    def __init__(self, config: MetaplasticConfig) -> None:
        self.config = config

    def init(self, key: str, weight: Tensor, streams: Streams) -> dict[str, Tensor]:
        if not key.endswith("/weight"):
            return {}
        half = self.config.width / 2
        hidden = streams.uniform(f"hidden/{key}", weight.shape[1:], -half, half)
        weight.copy_(self._read(hidden))
        return {"hidden": hidden}

    def program(self, key: str, weight: Tensor, streams: Streams, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return hidden weights at the edge of the start, with the signs that were assigned."""
        if not before:
            return {}
        hidden = torch.where(weight < 0, -1.0, 1.0).to(weight.dtype) * (self.config.width / 2)
        weight.copy_(self._read(hidden))
        return {"hidden": hidden}

    def write(self, key: str, state: Mapping[str, Tensor], weight: Tensor, step: Step, streams: Streams) -> None:
        if not state:
            IdealSynapse().write(key, state, weight, step, streams)
            return
        rate = per_weight(step.rate, weight)
        rows = max(1, weight.shape[1] * PART // weight.numel())
        # part by part, in the cache
        for hidden, change, read in zip(*(one.split(rows, 1) for one in (state["hidden"], step.change.dense(), weight))):
            self._add(hidden, change * rate, read, step.bounds)

    def _add(self, hidden: Tensor, delta: Tensor, weight: Tensor, bounds: tuple[float, float] | None) -> None:
        """Add delta, which is used up, to hidden weights, and write what is read back into the weights."""
        before = hidden < 0
        if self.config.m_meta:
            resistance = torch.tanh(hidden * self.config.m_meta).square_().neg_().add_(1)
            delta.mul_(resistance.masked_fill_(hidden * delta >= 0, 1.0))
        hidden.add_(delta)
        if bounds:
            hidden.clamp_(*bounds)
        weight.copy_(torch.where((hidden < 0) != before, self._read(hidden), weight))  # what has not flipped reads as it did

    def _read(self, hidden: Tensor) -> Tensor:
        size = 1.0 if self.config.scale == "one" else 1 / math.sqrt(max(math.prod(hidden.shape[2:]), 1))
        return torch.where(hidden < 0, -size, size).to(hidden.dtype)  # 0 counts as +1


class Metaplastic(Adam):
    """Binary weights whose hidden ones resist changes of sign the more, the deeper they are; m_meta=0 is plain straight-through."""

    Config = MetaplasticConfig

    def make_synapse(self) -> Synapse:
        return SignSynapse(self.config)
