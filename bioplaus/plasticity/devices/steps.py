"""What one pulse does to a conductance, and what many do: three shapes of step, one direction at a time.

With g the normalised conductance and s = +1 (potentiation) or -1 (depression), a pulse is ``g <- g + s step(g)``, then clipped to the device's
bounds. The shapes, each with three constants:

=========== ======================== ===============================
AFFINE      a + b g                  exponential, linear, soft bounds
POWER       a |b - g|^c              power law of the distance to b
EXPONENTIAL max(a - b exp(c g), 0)   exponential step
=========== ======================== ===============================

Affine steps have n pulses in closed form, ``(a + b g) ((1 + s b)^n - 1) / (s b)``; that holds with clipping, since a step that has led out of
the bounds does not lead back. The others are repeated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from bioplaus.plasticity.devices._arrays import apply, chosen, clipped, like, peak

__all__ = ["AFFINE", "EXPONENTIAL", "POWER", "Side", "Steps", "moved", "pulsed", "size", "walk"]

AFFINE, POWER, EXPONENTIAL = range(3)
#: ln of what is left of the way after a pulse that goes all the way, or would go beyond it and is clipped
_ALL_THE_WAY = -50.0


class Side(NamedTuple):
    """Steps of one direction: the shape and its constants, numbers, or arrays with one element per device."""

    kind: int
    a: Any
    b: Any = 0.0
    c: Any = 0.0


class Steps(NamedTuple):
    """Steps of a device in both directions, and the bounds within which it moves; all in units of the nominal range."""

    up: Side
    down: Side
    low: Any = 0.0
    high: Any = 1.0

    def flat(self) -> dict[str, Any]:
        """Return the constants by name: up_a, up_b, up_c, down_a, down_b, down_c, low, high."""
        sides = {f"{name}_{key}": value for name, side in (("up", self.up), ("down", self.down)) for key, value in zip("abc", side[1:])}
        return {**sides, "low": self.low, "high": self.high}

    def having(self, own: Mapping[str, Any]) -> Steps:
        """Return the steps with some constants replaced, by name."""
        if not own:
            return self
        f = {**self.flat(), **own}
        up, down = (Side(side.kind, *(f[f"{name}_{key}"] for key in "abc")) for name, side in (("up", self.up), ("down", self.down)))
        return Steps(up, down, f["low"], f["high"])


def size(side: Side, g: Any) -> Any:
    """Return how far one pulse moves g, >= 0, before clipping."""
    if side.kind == AFFINE:
        return side.a + side.b * g
    if side.kind == POWER:
        return side.a * apply("abs", side.b - g) ** side.c
    return clipped(side.a - side.b * apply("exp", side.c * g), 0.0, math.inf)


def moved(side: Side, sign: int, g: Any, count: Any, low: Any, high: Any) -> Any:
    """Return g after pulses of one direction, none of them noisy.

    Parameters
    ----------
    side, sign
        The steps, and +1 for up or -1 for down.
    g
        Normalised conductance, any shape.
    count
        Pulses >= 0, of a shape that broadcasts. A fraction of a pulse is a fraction of its step, for affine steps of its logarithm.
    low, high
        Bounds.
    """
    if side.kind == AFFINE:
        rate = sign * side.b
        return clipped(g + sign * (side.a + side.b * g) * _compound(rate, _log(rate), count), low, high)
    g = g + 0 * count  # the shape of both
    for k in range(math.ceil(peak(count))):
        g = clipped(g + sign * clipped(count - k, 0.0, 1.0) * size(side, g), low, high)
    return g


def walk(side: Side, sign: int, g: float, count: int, stop: float | None = None) -> list[float]:
    """Return g before and after each of so many pulses of the mean device, as plain numbers in [0, 1]; not beyond `stop`, where it is given."""
    kind, a, b, c = side
    found = [g]
    for _ in range(count):
        if stop is not None and sign * (stop - g) <= 1e-9:
            break
        step = a + b * g if kind == AFFINE else a * abs(b - g) ** c if kind == POWER else max(a - b * math.exp(c * g), 0.0)
        g = min(max(g + sign * step, 0.0), 1.0)
        found.append(g)
    return found


def pulsed(steps: Steps, g: Any, n: Any) -> Any:
    """Return g after n pulses, n > 0 up and n < 0 down, none of them noisy; n is an array or tensor as g is."""
    up, down, low, high = steps
    if n.ndim == 0:
        return moved(up, 1, g, n, low, high) if n > 0 else moved(down, -1, g, -n, low, high)
    if not up.kind == down.kind == AFFINE:
        raised = moved(up, 1, g, clipped(n, 0.0, math.inf), low, high)
        return moved(down, -1, raised, clipped(-n, 0.0, math.inf), low, high)
    rises = like(n > 0, n)
    falls = 1 - rises
    a, b = up.a * rises - down.a * falls, up.b * rises - down.b * falls
    log = _log(up.b) * rises + _log(-down.b) * falls
    return clipped(g + (a + b * g) * _compound(b, log, apply("abs", n)), low, high)


def _compound(rate: Any, log: Any, count: Any) -> Any:
    """Return ``((1 + rate)^count - 1) / rate``: the number of pulses, corrected for the change of their steps."""
    if not getattr(rate, "ndim", 0):
        return apply("expm1", log * count) / rate if rate else count
    still = rate == 0
    return chosen(still, count, apply("expm1", log * count) / chosen(still, 1 + 0 * rate, rate))


def _log(rate: Any) -> Any:
    """Return ln(1 + rate)."""
    if not getattr(rate, "ndim", 0):
        return math.log1p(rate) if rate > -1 else _ALL_THE_WAY
    return clipped(apply("log1p", clipped(rate, -1.0, math.inf)), _ALL_THE_WAY, math.inf)
