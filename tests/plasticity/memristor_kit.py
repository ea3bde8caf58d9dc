"""A leaf behind devices, written to directly; and pulses on one device as plain Python does them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense
from bioplaus.plasticity.base import Step
from bioplaus.plasticity.memristor import Memristor, MemristorConfig
from bioplaus.streams import Streams

#: a device of few levels whose curves differ, without noise
CURVED = ["nl_up=2.4", "nl_down=-4.88", "pulses_up=40", "pulses_down=50", "cycle_noise=0"]
LINEAR = ["nl_up=0", "nl_down=0", "cycle_noise=0"]


def a_of(label: float, pulses: float) -> float:
    """Return A of a nonlinearity label by bisection in u on the distance of the curve from the line, found on a fine grid."""
    aim, low, high = abs(label) * 0.07 * math.sqrt(2), 1e-6, 500.0
    for _ in range(60):
        u = (low + high) / 2
        top = max((1 - math.exp(-u * i / 4000)) / (1 - math.exp(-u)) - i / 4000 for i in range(4001))
        low, high = (u, high) if top < aim else (low, u)
    return math.copysign(pulses / low, label)


class Plain:
    """The exponential device from its pulse positions: ``G(p) = B (1 - exp(-p/A))``, walked up or down from where g lies."""

    def __init__(self, nl_up: float, nl_down: float, pulses_up: float, pulses_down: float) -> None:
        self.up, self.down = (a_of(nl_up, pulses_up), pulses_up), (a_of(nl_down, pulses_down), pulses_down)

    def pulse(self, g: float, n: int) -> float:
        """Return g after n pulses, one by one."""
        a, pulses = self.up if n > 0 else self.down
        b = 1 / (1 - math.exp(-pulses / a))
        for _ in range(abs(n)):
            p = -a * math.log(1 - g / b) + (1 if n > 0 else -1)
            g = min(max(b * (1 - math.exp(-p / a)), 0.0), 1.0)
        return g


class Leaf:
    """One weight array under a memristive plasticity."""

    def __init__(self, weight: Tensor, seeds: Sequence[int] = (0,), key: str = "w", **settings: Any) -> None:
        self.plasticity = Memristor(MemristorConfig(**settings))
        self.streams = Streams(tuple(seeds), dtype=weight.dtype)
        self.weight, self.key, self.step = weight.clone(), key, 0
        self.state = self.plasticity.synapse.init(key, self.weight, self.streams)
        self.scale = self.state["scale"]

    def write(self, change: Change | Tensor, rate: Tensor | float = 1.0) -> Tensor:
        """Ask for ``rate * change``; return the weight."""
        self.step += 1
        change = change if not isinstance(change, Tensor) else Dense(change)
        rates = rate if isinstance(rate, Tensor) else torch.full_like(self.scale, rate)
        self.plasticity.synapse.write(self.key, self.state, self.weight, Step(change, rates), self.streams.at(self.step))
        return self.weight

    def g(self, name: str) -> Tensor:
        """Return the conductances of an array, a copy."""
        return self.state[name].clone()


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
