"""A straight line: every pulse is the same step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.plasticity.devices.counted import CountedDevice
from bioplaus.plasticity.devices.steps import AFFINE, Side

__all__ = ["Linear"]


@dataclass(frozen=True, kw_only=True)
class Linear(CountedDevice):
    """``g <- g +- 1/P``: the exponential device without its curve."""

    model = "linear"

    def sides(self, values: Mapping[str, Any]) -> tuple[Side, Side]:
        return Side(AFFINE, 1 / values["pulses_up"]), Side(AFFINE, 1 / values["pulses_down"])
