"""Graded units: identity, elu, tanh, sigmoid, symmetric sigmoid, softplus.

Slopes come from torch's fused backward kernels: one pass over memory, no branch per unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.neurons.base import NeuronConfig, StaticNeuron

__all__ = ["Elu", "EluConfig", "Identity", "Sigmoid", "Softplus", "SoftplusConfig", "SymmetricSigmoid", "Tanh"]

aten = torch.ops.aten


class Identity(StaticNeuron):
    """Linear unit: phi(z) = z."""

    def value(self, current: Tensor) -> Tensor:
        return current

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return error


@dataclass
class EluConfig(NeuronConfig):
    """Settings of `Elu`."""

    name: str = "elu"
    alpha: float = 1.0
    """Size of the negative plateau, > 0, dimensionless."""


class Elu(StaticNeuron):
    """Exponential linear unit: z for z > 0, alpha (exp(z) - 1) otherwise (Clevert et al. 2016).

    The slope is continuous at 0 only for alpha = 1. There exp(z) - 1 >= z, so the larger of the two is the unit for either sign; exp costs
    a sixth of the expm1 that torch's kernel uses, at an absolute error of one rounding of 1. Where a gradient is followed (a rule that calls
    autograd, an audit of it) the same values come without writing in place.
    """

    Config = EluConfig

    def value(self, current: Tensor) -> Tensor:
        if self.config.alpha != 1:
            return aten.elu(current, self.config.alpha)
        if torch.is_grad_enabled() and current.requires_grad:
            return torch.maximum(current.clamp(max=0).exp() - 1, current)
        out = current.clamp(max=0).exp_().sub_(1)
        return torch.maximum(out, current, out=out)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return aten.elu_backward(error, self.config.alpha, 1.0, 1.0, True, out)


class Tanh(StaticNeuron):
    """phi(z) = tanh(z), slope 1 - phi^2."""

    def value(self, current: Tensor) -> Tensor:
        return torch.tanh(current)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return aten.tanh_backward(error, out)


class Sigmoid(StaticNeuron):
    """phi(z) = 1 / (1 + exp(-z)), slope phi (1 - phi)."""

    def value(self, current: Tensor) -> Tensor:
        return torch.sigmoid(current)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return aten.sigmoid_backward(error, out)


class SymmetricSigmoid(StaticNeuron):
    """phi(z) = 1 / (1 + exp(-z)) - 1/2, in (-1/2, 1/2), slope 1/4 - phi^2 (Fahlman & Lebiere 1990)."""

    def value(self, current: Tensor) -> Tensor:
        return torch.sigmoid(current) - 0.5

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return error * (0.25 - out.square())


@dataclass
class SoftplusConfig(NeuronConfig):
    """Settings of `Softplus`."""

    name: str = "softplus"
    beta: float = 1.0
    """Sharpness, > 0, 1/current: phi tends to relu as beta grows."""


class Softplus(StaticNeuron):
    """phi(z) = ln(1 + exp(beta z)) / beta, slope 1 / (1 + exp(-beta z)); linear above beta z = 20, where the two agree in float32."""

    Config = SoftplusConfig

    def value(self, current: Tensor) -> Tensor:
        return aten.softplus(current, self.config.beta, 20.0)

    def slope_times(self, current: Tensor, out: Tensor, error: Tensor) -> Tensor:
        return aten.softplus_backward(error, current, self.config.beta, 20.0)
