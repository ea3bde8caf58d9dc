"""Ising units: two states, and thermal noise.

::

    P(s = +1 | h) = 1 / (1 + exp(-2 h / T)),    E[s | h] = tanh(h / T),    T = 0: s = sign(h), a tie keeps no side

`Ising.value` is the mean response, which a layered network passes on. How a recurrent population of such units is relaxed (one at a time, or all
at once) is a setting here and the rule's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.fields import choice, ranged
from bioplaus.neurons.base import NeuronConfig, StaticNeuron

__all__ = ["Ising", "IsingConfig"]


@dataclass
class IsingConfig(NeuronConfig):
    """Settings of `Ising`."""

    name: str = "ising"
    T: float = ranged(0.0, 0)
    """Temperature, in units of the field, >= 0; 0 is without noise."""
    update: str = choice("glauber", "glauber", "parallel")
    """Who is updated in a recurrent network: glauber (one unit after the other, picked at random) | parallel (all at once)."""
    burn_in: int = ranged(50, 0)
    """Sweeps (updates per unit) before anything is measured, >= 0."""
    sweeps: int = ranged(50, 1)
    """Sweeps that are measured, >= 1."""
    schedule: str = choice("constant", "constant", "linear", "geometric")
    """Temperature over the burn-in: constant | linear | geometric, from T_start down to T."""
    T_start: float = ranged(1.0, above=0)
    """Where an annealing schedule starts, > 0, in units of the field."""


class Ising(StaticNeuron):
    """Ising unit: mean response tanh(h / T), and sign(h) without noise."""

    Config = IsingConfig

    def value(self, current: Tensor) -> Tensor:
        return torch.tanh(current / self.config.T) if self.config.T else torch.sign(current)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        if not self.config.T:
            return torch.zeros_like(error)
        return error * (1 - out * out).div_(self.config.T)
