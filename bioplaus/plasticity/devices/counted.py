"""Devices that are described by the number of pulses over their range, with noise in parts of the range (NeuroSim's conventions)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.plasticity.devices._arrays import apply, clipped, like
from bioplaus.plasticity.devices.base import Device, Normal
from bioplaus.plasticity.devices.steps import AFFINE, Side, Steps, pulsed

__all__ = ["CountedDevice"]

#: Least part of the nominal range that a single device spans.
_NARROWEST = 0.01


@dataclass(frozen=True, kw_only=True)
class CountedDevice(Device):
    """Identical pulses, so and so many from one end to the other; the noise of n of them is ``cycle_noise sqrt(n)`` of the range."""

    g_min: float | None = ranged(1e-9, 0)
    """Smallest conductance Gmin, S."""
    g_max: float | None = ranged(1e-8, above=0)
    """Largest conductance Gmax, S."""
    pulses_up: float = ranged(100.0, 1)
    """P of potentiation: identical pulses from Gmin to Gmax."""
    pulses_down: float = ranged(100.0, 1)
    """P of depression: identical pulses from Gmax to Gmin."""
    cycle_noise: float = ranged(0.0, 0)
    """Standard deviation from cycle to cycle: n pulses at once add ``cycle_noise (Gmax - Gmin) sqrt(n) xi``."""
    g_min_spread: float = ranged(0.0, 0)
    """Standard deviation of Gmin between devices, relative to Gmin."""
    g_max_spread: float = ranged(0.0, 0)
    """Standard deviation of Gmax between devices, relative to Gmax."""

    @abstractmethod
    def sides(self, values: Mapping[str, Any]) -> tuple[Side, Side]:
        """Return the affine steps up and down of a device that moves in [0, 1]."""

    def make(self, values: Mapping[str, Any]) -> Steps:
        up, down = self.sides(values)
        low, high = values.get("low", 0.0), values.get("high", 1.0)
        if not (getattr(low, "ndim", 0) or getattr(high, "ndim", 0)):
            return Steps(up, down)
        return Steps(_within(up, low, high), _within(down, low, high), low, high)

    def check(self) -> None:
        if self.g_min is None and (self.g_min_spread or self.g_max_spread):
            raise ConfigError("g_min_spread and g_max_spread are relative to g_min and g_max; give those in siemens")

    def varied(self, normal: Normal) -> dict[str, Any]:
        drawn: dict[str, Any] = {}
        if self.g_min is not None and self.g_max is not None:
            span = self.g_max - self.g_min
            if self.g_min_spread and self.g_min:
                drawn["low"] = clipped(self.g_min_spread * self.g_min / span * normal("g_min"), -self.g_min / span, 1 - _NARROWEST)
            if self.g_max_spread:
                drawn["high"] = 1 + self.g_max_spread * self.g_max / span * normal("g_max")
                drawn["high"] = clipped(drawn["high"], drawn.get("low", 0.0) + _NARROWEST, float("inf"))
        return drawn

    @property
    def levels(self) -> tuple[int, int]:  # type: ignore[override]
        return round(self.pulses_up), round(self.pulses_down)

    def pulsed(self, g: Any, n: Any, noise: Normal | None = None, own: Mapping[str, Any] | None = None) -> Any:
        if noise is None or not self.cycle_noise:
            return self.pulse(g, n, own)
        # as the released program has it: what leads beyond a bound may be led back by the noise
        s, n = self.steps.having(own or {}), like(n, g)
        return clipped(pulsed(s.unbounded, g, n) + self.cycle_noise * apply("abs", n) ** 0.5 * noise("cycle"), s.low, s.high)


def _within(side: Side, low: Any, high: Any) -> Side:
    """Return the affine step of a device whose range is ``low..high`` instead of 0..1."""
    return Side(AFFINE, side.a * (high - low) - side.b * low, side.b)
