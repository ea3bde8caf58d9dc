"""A step that falls, or grows, exponentially with the weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.fields import ranged
from bioplaus.plasticity.devices._arrays import apply
from bioplaus.plasticity.devices.incremental import IncrementalDevice
from bioplaus.plasticity.devices.steps import EXPONENTIAL, Side

__all__ = ["ExpStep"]


@dataclass(frozen=True, kw_only=True)
class ExpStep(IncrementalDevice):
    """With z = 2 a w/(w_max - w_min) + b: up ``dw max(1 - A_up exp(gamma_up z), 0)``, down ``dw max(1 - A_down exp(-gamma_down z), 0)``.

    A < 0 makes steps larger than dw. z refers to the bounds of the mean device.
    """

    model = "exp_step"

    a: float = ranged(1.0)
    """Scale of z."""
    b: float = ranged(0.0)
    """Shift of z."""
    gamma_up: float = ranged(5.0, 0)
    """Steepness of the step up."""
    gamma_down: float = ranged(5.0, 0)
    """Steepness of the step down."""
    A_up: float = ranged(0.01)
    """Strength of the dependence of the step up."""
    A_down: float = ranged(0.01)
    """Strength of the dependence of the step down."""
    noise_floor: float = ranged(0.0, 0)
    """Added to the size of the step in the standard deviation from cycle to cycle, in units of the weight."""
    noise_slope: float = ranged(0.0, 0)
    """The same per unit of |w|: ``cycle_noise (|step| + noise_floor + noise_slope |w|)``."""

    def sides(self, values: Mapping[str, Any], up: Any, down: Any, low: Any, high: Any) -> tuple[Side, Side]:
        return self._side(up, self.A_up, self.gamma_up), self._side(down, self.A_down, -self.gamma_down)

    def _side(self, dw: Any, strength: float, steepness: float) -> Side:
        at_bottom = steepness * (2 * self.a * self.w_min / self.span + self.b)
        return Side(EXPONENTIAL, dw, dw * strength * math.exp(at_bottom), 2 * self.a * steepness)

    def deviation(self, step: Any, g: Any) -> Any:
        plain = super().deviation(step, g)
        if not (self.noise_floor or self.noise_slope):
            return plain
        return plain + self.cycle_noise * (self.noise_floor + self.noise_slope * apply("abs", self.weight(g))) / self.span
