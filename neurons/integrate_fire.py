"""Integrate-and-fire unit without a leak, in discrete time: the unit that a converted ReLU becomes.

::

    subtract   U[t] = U[t-1] + I[t] + bias - S[t-1] threshold       zero   U[t] = (1 - S[t-1]) U[t-1] + I[t] + bias       none   no reset
    S[t] = 1 for U[t] >= threshold, else 0; U[0] = 0

In continuous time ``C dU/dt = I``. Reset by subtraction loses nothing: a constant current a in [0, 1] (threshold 1) gives floor(a T) spikes in T
steps; reset to zero gives floor(T / ceil(1/a)), a systematic loss (Rueckauer et al. 2017, Front. Neurosci. 11:682). Unlike `Lif` a membrane
that equals the threshold fires, without which every count above would be one short where a T is whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from bioplaus.fields import ranged
from bioplaus.neurons.lif import Lif
from bioplaus.neurons.online import LifUnit
from bioplaus.neurons.spiking import ThresholdConfig

__all__ = ["IntegrateFire", "IntegrateFireConfig"]


@dataclass
class IntegrateFireConfig(ThresholdConfig):
    """Settings of `IntegrateFire`."""

    name: str = "if"
    bias: float = ranged(0.0)
    """Current into every unit at every step, in units of the membrane."""

    inclusive: ClassVar[bool] = True
    learn_tau: ClassVar[bool] = False


class IntegrateFire(Lif):
    """Integrate-and-fire unit without a leak, with a bias current; reset by subtraction, to zero, or none."""

    Config = IntegrateFireConfig

    @property
    def beta(self) -> float:
        """No decay."""
        return 1.0

    def forward(self, current: Tensor, own: Mapping[str, Tensor] | None = None) -> tuple[Tensor, Any]:
        return super().forward(self._driven(current), own)

    def run(self, current: Tensor, time_axis: int = 0) -> tuple[Tensor, Tensor]:
        return super().run(self._driven(current), time_axis)

    def online(self) -> LifUnit:
        return LifUnit(self.config, 1.0, self.config.bias)

    def _driven(self, current: Tensor) -> Tensor:
        return current + self.config.bias if self.config.bias else current
