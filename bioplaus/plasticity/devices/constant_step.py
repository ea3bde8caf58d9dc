"""A constant step: the resistive processing unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.plasticity.devices.incremental import IncrementalDevice
from bioplaus.plasticity.devices.steps import AFFINE, Side

__all__ = ["ConstantStep"]


@dataclass(frozen=True, kw_only=True)
class ConstantStep(IncrementalDevice):
    """``w <- w +- dw (1 + sigma xi)`` (Gokmen & Vlasov 2016, Front. Neurosci. 10:333)."""

    model = "constant_step"

    def sides(self, values: Mapping[str, Any], up: Any, down: Any, low: Any, high: Any) -> tuple[Side, Side]:
        return Side(AFFINE, up), Side(AFFINE, down)
