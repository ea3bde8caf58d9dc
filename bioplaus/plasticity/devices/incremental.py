"""Devices that are described by the step of one pulse on a weight between two bounds (the conventions of aihwkit).

Rasch et al. 2021, AICAS, arXiv:2104.02184. A weight is a conductance less a reference; g = (w - w_min)/(w_max - w_min).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.plasticity.devices._arrays import apply, chosen, clipped, like, peak
from bioplaus.plasticity.devices.base import Device, Normal
from bioplaus.plasticity.devices.steps import AFFINE, Side, Steps, pulsed, size, spread

__all__ = ["IncrementalDevice"]

#: Largest step, in parts of the range, of devices whose noise is drawn for all pulses of a write together.
_FINE = 0.01
#: Least step of a single device, and least distance of its bounds, relative to the nominal ones.
_LEAST = 0.01


@dataclass(frozen=True, kw_only=True)
class IncrementalDevice(Device):
    """One pulse adds a step that may depend on the weight; after every pulse the weight is clipped to the device's own bounds."""

    dw_min: float = ranged(0.001, above=0)
    """Step of one pulse, in units of the weight, at the weight where the model has no correction."""
    up_down: float = ranged(0.0, above=-1, below=1)
    """Imbalance: > 0 makes steps down smaller by this part, < 0 steps up; the other side keeps `dw_min`."""
    w_min: float = ranged(-1.0)
    """Smallest weight."""
    w_max: float = ranged(1.0)
    """Largest weight."""
    cycle_noise: float = ranged(0.0, 0)
    """Standard deviation of each single step from cycle to cycle, relative to the step."""
    noise: str = choice("multiplicative", "multiplicative", "additive")
    """What `cycle_noise` is relative to: multiplicative (the step at the present weight) | additive (`dw_min`)."""
    write_noise: float = ranged(0.0, 0)
    """Standard deviation of the visible weight about the hidden one, drawn at every write, in units of `dw_min`."""
    dw_spread: float = ranged(0.0, 0)
    """Standard deviation of `dw_min` between devices, relative to it."""
    dw_law: str = choice("normal", "normal", "lognormal")
    """Law of that spread: normal (absolute value) | lognormal (`dw_min` is the median, `dw_spread` the deviation of the logarithm)."""
    up_down_spread: float = ranged(0.0, 0)
    """Standard deviation of the imbalance between devices, in parts of `dw_min`."""
    w_min_spread: float = ranged(0.0, 0)
    """Standard deviation of `w_min` between devices, relative to it."""
    w_max_spread: float = ranged(0.0, 0)
    """Standard deviation of `w_max` between devices, relative to it."""
    lifetime: float | None = ranged(None, 1)
    """Updates over which the weight leaks away by a factor e; none for no leak."""

    @abstractmethod
    def sides(self, values: Mapping[str, Any], up: Any, down: Any, low: Any, high: Any) -> tuple[Side, Side]:
        """Return the steps in units of the nominal range; up and down are the sizes of `dw_min`, low and high the bounds, in these units."""

    @property
    def span(self) -> float:
        """Width of the nominal range, in units of the weight."""
        return self.w_max - self.w_min

    @property
    def zero(self) -> float:
        """The g of w = 0."""
        return -self.w_min / self.span

    def check(self) -> None:
        if self.w_min >= self.w_max:
            raise ConfigError(f"w_min={self.w_min:g} must be below w_max={self.w_max:g}")
        if self.dw_min > self.span:
            raise ConfigError(f"dw_min={self.dw_min:g} must be at most the range w_max - w_min = {self.span:g}")

    def make(self, values: Mapping[str, Any]) -> Steps:
        dw, bias = values["dw_min"] / self.span, values.get("imbalance", 0.0)
        up = dw * (1 + min(self.up_down, 0.0) + bias)
        down = dw * (1 - max(self.up_down, 0.0) - bias)
        low, high = ((values[key] - self.w_min) / self.span for key in ("w_min", "w_max"))
        return Steps(*self.sides(values, up, down, low, high), low, high)

    def varied(self, normal: Normal) -> dict[str, Any]:
        drawn: dict[str, Any] = {}
        if self.dw_spread:
            xi = self.dw_spread * normal("dw_min")
            drawn["dw_min"] = self.dw_min * (apply("exp", xi) if self.dw_law == "lognormal" else clipped(apply("abs", 1 + xi), _LEAST, math.inf))
        if self.up_down_spread:
            drawn["imbalance"] = clipped(self.up_down_spread * normal("up_down"), abs(self.up_down) - 1 + _LEAST, 1 - abs(self.up_down) - _LEAST)
        for key in ("w_min", "w_max"):
            spread, value = getattr(self, f"{key}_spread"), getattr(self, key)
            if spread and value:
                drawn[key] = value * apply("abs", 1 + spread * normal(key))
        if "w_max" in drawn or "w_min" in drawn:
            drawn["w_max"] = clipped(drawn.get("w_max", self.w_max), drawn.get("w_min", self.w_min) + _LEAST * self.span, math.inf)
        return drawn

    def pulsed(self, g: Any, n: Any, noise: Normal | None = None, own: Mapping[str, Any] | None = None) -> Any:
        if noise is None or not self.cycle_noise:
            return self.pulse(g, n, own)
        s = self.steps.having(own or {})
        n = like(n, g)
        if self.at_once:
            return self._pulsed_at_once(s, g, n, noise("cycle"))
        count, rises = apply("abs", n), n > 0
        sign = 2 * like(rises, n) - 1
        for k in range(math.ceil(peak(count))):
            step = chosen(rises, size(s.up, g) + 0 * n, size(s.down, g) + 0 * n)
            step = step + self.deviation(step, g) * noise(f"cycle/{k}")
            g = clipped(g + sign * clipped(count - k, 0.0, 1.0) * step, s.low, s.high)
        return g

    @property
    def at_once(self) -> bool:
        """Whether the noise of all pulses of a write is drawn as one number: where steps are affine and fine, so that bounds are rarely met
        on the way and the sum is as good as Gaussian."""
        return self.steps.up.kind == self.steps.down.kind == AFFINE and not self.one_sided and self.dw_min <= _FINE * self.span

    def _pulsed_at_once(self, s: Steps, g: Any, n: Any, xi: Any) -> Any:
        of = (0.0, self.cycle_noise * self.dw_min / self.span) if self.noise == "additive" else (self.cycle_noise, 0.0)
        up, down = clipped(n, 0.0, math.inf), clipped(-n, 0.0, math.inf)
        deviation = chosen(n > 0, spread(s.up, 1, g, up, *of), spread(s.down, -1, g, down, *of))
        return clipped(pulsed(s.unbounded, g, n) + deviation * xi, s.low, s.high)

    def deviation(self, step: Any, g: Any) -> Any:
        """Return the standard deviation of a single step at g, both in units of the range."""
        return self.cycle_noise * (self.dw_min / self.span if self.noise == "additive" else step)

    def seen(self, g: Any, noise: Normal | None = None) -> Any:
        """Return the visible g of a hidden one: write noise, to be drawn anew at every write and kept until the next."""
        if noise is None or not self.write_noise:
            return g
        return g + self.write_noise * self.dw_min / self.span * noise("write")

    def leaked(self, g: Any, updates: float = 1.0) -> Any:
        """Return g after so many updates of leaking towards w = 0."""
        return g if self.lifetime is None else self.zero + (g - self.zero) * math.exp(-updates / self.lifetime)

    def weight(self, g: Any) -> Any:
        return self.w_min + g * self.span
