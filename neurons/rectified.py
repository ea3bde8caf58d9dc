"""Piecewise linear units: relu, leaky_relu, hard_sigmoid, clip. At a kink the slope is that of the left side, as in torch (clip: 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.neurons.base import NeuronConfig, StaticNeuron

__all__ = ["Clip", "HardSigmoid", "LeakyRelu", "LeakyReluConfig", "Relu"]

aten = torch.ops.aten


class Relu(StaticNeuron):
    """phi(z) = max(z, 0), slope 1 for z > 0 and 0 elsewhere."""

    def value(self, current: Tensor) -> Tensor:
        return torch.relu(current)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return aten.threshold_backward(error, out, 0)


@dataclass
class LeakyReluConfig(NeuronConfig):
    """Settings of `LeakyRelu`."""

    name: str = "leaky_relu"
    leak: float = 0.01
    """Slope below 0, dimensionless, usually in [0, 1)."""


class LeakyRelu(StaticNeuron):
    """phi(z) = z for z > 0, leak z otherwise (Maas et al. 2013)."""

    Config = LeakyReluConfig

    def value(self, current: Tensor) -> Tensor:
        return aten.leaky_relu(current, self.config.leak)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return aten.leaky_relu_backward(error, current, self.config.leak, False)


class HardSigmoid(StaticNeuron):
    """phi(z) = min(max(z/6 + 1/2, 0), 1), slope 1/6 for abs(z) < 3 and 0 elsewhere."""

    def value(self, current: Tensor) -> Tensor:
        return aten.hardsigmoid(current)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return aten.hardsigmoid_backward(error, current)


class Clip(StaticNeuron):
    """phi(z) = min(max(z, 0), 1), slope 1 in [0, 1], the ends included, and 0 elsewhere: the unit of equilibrium propagation."""

    def value(self, current: Tensor) -> Tensor:
        return current.clamp(0, 1)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return error * (current == out)
