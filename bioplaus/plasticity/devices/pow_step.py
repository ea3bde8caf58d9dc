"""A step that is a power of the distance to the bound ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.fields import ranged
from bioplaus.plasticity.devices.incremental import IncrementalDevice
from bioplaus.plasticity.devices.steps import POWER, Side

__all__ = ["PowStep"]


@dataclass(frozen=True, kw_only=True)
class PowStep(IncrementalDevice):
    """With om = (w_max - w)/(w_max - w_min): up ``dw om^gamma_up``, down ``dw (1 - om)^gamma_down``, with each device's own bounds."""

    model = "pow_step"

    gamma_up: float = ranged(1.0, above=0)
    """Exponent of the step up, > 0."""
    gamma_down: float = ranged(1.0, above=0)
    """Exponent of the step down, > 0."""

    def sides(self, values: Mapping[str, Any], up: Any, down: Any, low: Any, high: Any) -> tuple[Side, Side]:
        width, rise, fall = high - low, values["gamma_up"], values["gamma_down"]
        return Side(POWER, up / width**rise, high, rise), Side(POWER, down / width**fall, low, fall)
