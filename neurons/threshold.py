"""Binary units: step and sign.

Their true slope is zero almost everywhere. Rules that need one get the straight-through slope by default, 1 for abs(z) <= 1 and 0
elsewhere (Hubara et al. 2016, eq. 4), or zero when that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.neurons.base import NeuronConfig, StaticNeuron

__all__ = ["Sign", "SignConfig", "Step", "StepConfig"]


@dataclass
class StepConfig(NeuronConfig):
    """Settings of `Step`."""

    name: str = "step"
    slope: str = "straight_through"
    """Slope handed to rules that ask for one: "straight_through" (1 for |z| <= 1) or "zero" (the true one)."""


@dataclass
class SignConfig(StepConfig):
    """Settings of `Sign`."""

    name: str = "sign"


class _Threshold(StaticNeuron):
    """Common slope of the binary units."""

    Config = StepConfig

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        if self.config.slope == "zero":
            return torch.zeros_like(error)
        return error * (current.abs() <= 1)


class Step(_Threshold):
    """phi(z) = 1 for z > 0 and 0 otherwise: exactly 0 does not fire."""

    def value(self, current: Tensor) -> Tensor:
        return (current > 0).to(current.dtype)


class Sign(_Threshold):
    """phi(z) = +1 for z > 0 and -1 otherwise: two values only, so 0 counts as -1."""

    Config = SignConfig

    def value(self, current: Tensor) -> Tensor:
        return (current > 0).to(current.dtype).mul_(2).sub_(1)
