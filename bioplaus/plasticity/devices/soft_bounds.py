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
        """Return the device whose potentiation is ``r_min + (r_max - r_min)(1 - exp(-alpha p))/(1 - exp(-alpha P))``, p = 0..P, exactly.

        With ``B = (r_max - r_min)/(1 - exp(-alpha P))`` it moves between r_min and ``r_min + B``, down at the same rate alpha per pulse.

        Parameters
        ----------
        r_min, r_max
            Weights at both ends of the curve, r_min < 0 < r_max.
        alpha, pulses
            Rate per pulse, and P.
        more
            Further fields, such as the noise.

        Raises
        ------
        ConfigError
            If 0 is not between r_min and r_max, or alpha and P are not above 0.
        """
        if not (r_min < 0 < r_max and alpha > 0 and pulses > 0):
            raise ConfigError(f"r_min={r_min:g}, r_max={r_max:g}, alpha={alpha:g}, pulses={pulses:g}: r_min < 0 < r_max, the others > 0")
        top = r_min + (r_max - r_min) / -math.expm1(-alpha * pulses)
        up, down = (-math.expm1(-alpha) * bound for bound in (top, -r_min))
        largest = max(up, down)
        return cls(w_min=r_min, w_max=top, dw_min=largest, up_down=(up - down) / largest, **more)
