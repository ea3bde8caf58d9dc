"""Soft bounds: a step that vanishes at the bound ahead."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.errors import ConfigError
from bioplaus.plasticity.devices.incremental import IncrementalDevice
from bioplaus.plasticity.devices.steps import AFFINE, Side

__all__ = ["SoftBounds"]


@dataclass(frozen=True, kw_only=True)
class SoftBounds(IncrementalDevice):
    """Up ``dw (1 - w / w_max)``, down ``dw (1 - w / w_min)``, with each device's own bounds.

    n pulses up from w leave ``w_max - (w_max - w)(1 - dw/w_max)^n``.
    """

    model = "soft_bounds"

    def check(self) -> None:
        super().check()
        if not self.w_min < 0 < self.w_max:
            raise ConfigError(f"w_min={self.w_min:g} and w_max={self.w_max:g}: soft bounds refer to w = 0, which must lie between them")

    def sides(self, values: Mapping[str, Any], up: Any, down: Any, low: Any, high: Any) -> tuple[Side, Side]:
        above, below = up * self.span / values["w_max"], down * self.span / -values["w_min"]
        return Side(AFFINE, above * high, -above), Side(AFFINE, -below * low, below)

    @classmethod
    def from_curve(cls, r_min: float, r_max: float, alpha: float, pulses: float, **more: Any) -> SoftBounds:
        """Return the device whose curve is ``r_min + (r_max - r_min)(1 - exp(-alpha p))/(1 - exp(-alpha P))``, p = 0..P, weights around 0.

        ``B = (r_max - r_min)/(1 - exp(-alpha P))``, ``w_min = r_min``, ``w_max = r_min + B``, ``dw = B alpha``, ``up_down = 1 + 2 r_min/B``;
        dw holds to first order in alpha.

        Raises
        ------
        ConfigError
            If r_min >= 0 or r_max <= r_min: the curve has to start below w = 0.
        """
        if not r_min < min(r_max, 0):
            raise ConfigError(f"r_min={r_min:g} must be below 0 and below r_max={r_max:g}")
        scale = (r_max - r_min) / -math.expm1(-alpha * pulses)
        return cls(w_min=r_min, w_max=r_min + scale, dw_min=scale * alpha, up_down=1 + 2 * r_min / scale, **more)
