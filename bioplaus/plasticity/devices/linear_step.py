"""A step that falls linearly with the weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.plasticity.devices._arrays import clipped
from bioplaus.plasticity.devices.base import Normal
from bioplaus.plasticity.devices.incremental import IncrementalDevice
from bioplaus.plasticity.devices.steps import AFFINE, Side

__all__ = ["LinearStep"]


@dataclass(frozen=True, kw_only=True)
class LinearStep(IncrementalDevice):
    """Up ``dw (1 - gamma_up w / w_max)``, down ``dw (1 - gamma_down w / w_min)``, with the bounds of the mean device in the slope."""

    model = "linear_step"

    gamma_up: float = ranged(0.1, 0, 1)
    """Part of the step up that is lost at w_max, in [0, 1]."""
    gamma_down: float = ranged(0.1, 0, 1)
    """Part of the step down that is lost at w_min, in [0, 1]."""
    gamma_up_spread: float = ranged(0.0, 0)
    """Standard deviation of `gamma_up` between devices, relative to it."""
    gamma_down_spread: float = ranged(0.0, 0)
    """Standard deviation of `gamma_down` between devices, relative to it."""

    def check(self) -> None:
        super().check()
        if not self.w_min < 0 < self.w_max:
            raise ConfigError(f"w_min={self.w_min:g} and w_max={self.w_max:g}: linear steps refer to w = 0, which must lie between them")

    def sides(self, values: Mapping[str, Any], up: Any, down: Any, low: Any, high: Any) -> tuple[Side, Side]:
        return _side(up, values["gamma_up"] / self.w_max, self), _side(down, values["gamma_down"] / self.w_min, self)

    def varied(self, normal: Normal) -> dict[str, Any]:
        drawn = super().varied(normal)
        for key in ("gamma_up", "gamma_down"):
            spread, value = getattr(self, f"{key}_spread"), getattr(self, key)
            if spread and value:
                drawn[key] = clipped(value * (1 + spread * normal(key)), 0.0, 1.0)
        return drawn


def _side(dw: Any, slope: Any, device: IncrementalDevice) -> Side:
    """Return ``dw (1 - slope w)`` as a function of g, where w = w_min + span g."""
    return Side(AFFINE, dw * (1 - slope * device.w_min), -dw * slope * device.span)
