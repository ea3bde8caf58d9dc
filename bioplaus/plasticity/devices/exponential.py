"""The exponential device of NeuroSim: conductance against identical pulses is an exponential that saturates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.fields import ranged
from bioplaus.plasticity.devices._arrays import apply, clipped, is_tensor, like
from bioplaus.plasticity.devices.base import Normal
from bioplaus.plasticity.devices.counted import CountedDevice
from bioplaus.plasticity.devices.nonlinearity import (
    LARGEST_LABEL,
    a_to_nonlinearity,
    beta_to_nonlinearity,
    exponent,
    nonlinearity_to_a,
)
from bioplaus.plasticity.devices.steps import AFFINE, Side

__all__ = ["Exponential", "a_to_nonlinearity", "beta_to_nonlinearity", "nonlinearity_to_a"]

#: Labels drawn for single devices stay within it.
_STEEPEST = 10.0


@dataclass(frozen=True, kw_only=True)
class Exponential(CountedDevice):
    """``G(p) = Gmin + (Gmax - Gmin) (1 - exp(-p/A)) / (1 - exp(-P/A))``; each branch has an A and a P of its own.

    With u = P/A and E = 1 - exp(-u) a pulse is affine: up ``g <- g + (1 - exp(-u/P)) (1/E - g)``, down ``g <- g - (exp(u/P) - 1) (1/E - g)``:
    soft bounds that lie outside [0, 1], clipped. Chen, Peng & Yu 2018, IEEE Trans. CAD 37:3067 (NeuroSim).
    """

    model = "exponential"

    nl_up: float = ranged(1.0, above=-LARGEST_LABEL, below=LARGEST_LABEL)
    """Nonlinearity label of potentiation; > 0 is fast first, 0 a straight line."""
    nl_down: float = ranged(-1.0, above=-LARGEST_LABEL, below=LARGEST_LABEL)
    """Nonlinearity label of depression; < 0 is fast first (the usual device), > 0 slow first."""
    nl_spread: float = ranged(0.0, 0)
    """Standard deviation of both labels between devices."""

    @property
    def nonlinearity(self) -> tuple[float | None, float | None]:  # type: ignore[override]
        return self.nl_up, self.nl_down

    def sides(self, values: Mapping[str, Any]) -> tuple[Side, Side]:
        up, down = ((_exponent(values[f"nl_{name}"]), values[f"pulses_{name}"]) for name in ("up", "down"))
        return _side(*up, -1), _side(*down, +1)

    def varied(self, normal: Normal) -> dict[str, Any]:
        drawn = super().varied(normal)
        if self.nl_spread:
            for key in ("nl_up", "nl_down"):
                drawn[key] = clipped(getattr(self, key) + self.nl_spread * normal(key), -_STEEPEST, _STEEPEST)
        return drawn


def _exponent(label: Any) -> Any:
    return like(exponent(label.double().cpu().numpy()), label) if is_tensor(label) else exponent(label)


def _side(u: Any, pulses: Any, sign: int) -> Side:
    """Return the affine step of a branch: ``sign (exp(sign u/P) - 1) (1/E - g)``, sign -1 for up and +1 for down."""
    if not getattr(u, "ndim", 0):
        if u == 0:
            return Side(AFFINE, 1 / pulses)
        rate = float(sign * apply("expm1", sign * u / pulses))
        return Side(AFFINE, float(rate / -apply("expm1", -u)), -rate)
    u = u + (u == 0) * 1e-9  # a straight line to 1e-9
    rate = sign * apply("expm1", sign * u / pulses)
    return Side(AFFINE, rate / -apply("expm1", -u), -rate)
