"""A phase-change device: gradual potentiation, and a reset in place of depression."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.plasticity.devices._arrays import chosen, clipped, like
from bioplaus.plasticity.devices.base import Normal
from bioplaus.plasticity.devices.exp_step import ExpStep
from bioplaus.plasticity.devices.steps import AFFINE, Side

__all__ = ["OneSided"]


@dataclass(frozen=True, kw_only=True)
class OneSided(ExpStep):
    """Steps up as those of `ExpStep`; any depressing pulse melts the cell, which returns to its lower bound.

    Used in pairs of which only one is potentiated, with a refresh (Nandakumar et al. 2020, Front. Neurosci. 14:406). The fields gamma_down and
    A_down have no effect.
    """

    model = "one_sided"
    one_sided = True

    def sides(self, values: Mapping[str, Any], up: Any, down: Any, low: Any, high: Any) -> tuple[Side, Side]:
        return super().sides(values, up, down, low, high)[0], Side(AFFINE, -low, 1.0)

    def pulsed(self, g: Any, n: Any, noise: Normal | None = None, own: Mapping[str, Any] | None = None) -> Any:
        n = like(n, g)
        raised = super().pulsed(g, clipped(n, 0.0, math.inf), noise, own)
        return chosen(n < 0, self.pulse(g, n, own), raised)  # a reset has no noise
