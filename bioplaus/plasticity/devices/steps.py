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

from bioplaus.errors import ConfigError
from bioplaus.plasticity.devices._arrays import apply, bounded, changed, chosen, clipped, peak, together

__all__ = ["AFFINE", "EXPONENTIAL", "POWER", "Side", "Steps", "moved", "pulsed", "size", "spread", "walk"]

AFFINE, POWER, EXPONENTIAL = range(3)
#: Slope, relative to the step, below which steps are all alike.
_STRAIGHT = 1e-12
#: ln(1 + rate) where a pulse goes all the way, or would go beyond the end and is clipped; and the largest exponent.
_ALL_THE_WAY, _FAR = -50.0, 50.0
_LEAST_LEFT = -1 + 1e-15
#: Repeated pulses between two looks whether g still moves, and the most of them.
_LOOKS, _REPEATED = 64, 10**6


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

    @property
    def unbounded(self) -> Steps:
        """The steps of a device that no bound stops."""
        return self._replace(low=-math.inf, high=math.inf)

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
        return bounded(g + _shift(side, sign, g, sign * count), low, high)
    g = g + 0 * count  # the shape of both
    most = math.ceil(peak(count))
    for k in range(most):
        before, g = g, clipped(g + sign * clipped(count - k, 0.0, 1.0) * size(side, g), low, high)
        if k % _LOOKS == _LOOKS - 1 and bool((g == before).all()):
            return g
        if k == _REPEATED:
            raise ConfigError(f"{most:,} pulses are more than the {_REPEATED:,} that a model without a closed form repeats one by one")
    return g


def spread(side: Side, sign: int, g: Any, count: Any, relative: float, fixed: float) -> Any:
    """Return the standard deviation of g after affine pulses of one direction, each with noise of its own, as long as no bound is met.

    With y = a + b g the first step and r = 1 + s b, a step's noise being ``relative y`` or ``fixed``:

        var = y^2 ((r^2 + (b relative)^2)^n - r^(2 n)) / b^2      or      fixed^2 (r^(2 n) - 1) / (r^2 - 1)

    and ``n (relative y + fixed)^2`` where b = 0. Mean and variance are exact; the sum is taken to be Gaussian, which for fixed noise it is.

    Parameters
    ----------
    side, sign
        The affine steps, and +1 for up or -1 for down.
    g, count
        Normalised conductance before, and the number of pulses >= 0; arrays or tensors.
    relative, fixed
        Of the standard deviation of a single step, in parts of it or of the range, >= 0; one of them is 0.
    """
    y, b = size(side, g), side.b
    plain = (relative * apply("abs", y) + fixed) * count**0.5
    if not getattr(b, "ndim", 0) and b == 0:
        return plain
    b = b + 0 * y
    bent = apply("abs", b) > _STRAIGHT
    b = chosen(bent, b, 0.5 + 0 * b)
    keep = (1 + sign * b) ** 2
    shrunk = keep**count
    variance = fixed**2 * (shrunk - 1) / (keep - 1) if fixed else (y / b) ** 2 * ((keep + (b * relative) ** 2) ** count - shrunk)
    return chosen(bent, clipped(variance, 0.0, math.inf) ** 0.5, plain)


def walk(kind: int, a: float, b: float, c: float, sign: int, path: Any, stop: float = math.inf) -> int:
    """Fill in g after each pulse of the mean device, and return how many pulses there were.

    Parameters
    ----------
    kind, a, b, c, sign
        The steps and their direction, +1 or -1.
    path
        Plain numbers, the first of them the start; the others are filled in, in [0, 1].
    stop
        ``sign g`` at which to stop, infinite for never. The function is plain enough to be compiled as it is.
    """
    g = path[0]
    for i in range(1, len(path)):
        if stop - sign * g <= 1e-9:
            return i - 1
        if kind == AFFINE:
            step = a + b * g
        elif kind == POWER:
            step = a * abs(b - g) ** c
        else:
            step = max(a - b * math.exp(c * g), 0.0)
        g = min(max(g + sign * step, 0.0), 1.0)
        path[i] = g
    return len(path) - 1


def pulsed(steps: Steps, g: Any, n: Any) -> Any:
    """Return g after n pulses, n > 0 up and n < 0 down, none of them noisy; n is an array or tensor as g is."""
    up, down, low, high = steps
    if n.ndim == 0:
        return moved(up, 1, g, n, low, high) if n > 0 else moved(down, -1, g, -n, low, high)
    raised, lowered = clipped(n, 0.0, math.inf), clipped(n, -math.inf, 0.0)
    if up.kind == down.kind == AFFINE:
        return bounded(together("add", _shift(up, 1, g, raised), _shift(down, -1, g, lowered)) + g, low, high)
    return moved(down, -1, moved(up, 1, g, raised, low, high), -lowered, low, high)


def _shift(side: Side, sign: int, g: Any, n: Any) -> Any:
    """Return by how much n affine pulses of one direction move g, both with their sign, before clipping.

    ``(g + a/b) ((1 + s b)^|n| - 1)``, or ``a n`` where b is negligible; a fresh array.
    """
    _, a, b, _ = side
    if not getattr(b, "ndim", 0):
        if b == 0 or (not getattr(a, "ndim", 0) and abs(b) <= _STRAIGHT * abs(a)):
            return a * n
        return together("mul", g + a / b, _growth(sign * _log(sign * b), n, grows=sign * b > 0))
    straight = abs(b) <= _STRAIGHT * abs(a)
    if not bool(straight.any()):
        return together("mul", g + a / b, _growth(sign * _log(sign * b), n, grows=True))
    slope = chosen(straight, 1 + 0 * b, b)
    return chosen(straight, a * n + 0 * g, (g + a / slope) * _growth(sign * _log(sign * slope), n, grows=True))


def _growth(log: Any, n: Any, grows: bool) -> Any:
    """Return exp(log n) - 1; steps that grow have led far out of the bounds long before it overflows."""
    return changed("expm1", clipped(log * n, -math.inf, _FAR) if grows else log * n)


def _log(rate: Any) -> Any:
    """Return ln(1 + rate)."""
    if not getattr(rate, "ndim", 0):
        return math.log1p(rate) if rate > _LEAST_LEFT else _ALL_THE_WAY
    return chosen(rate > _LEAST_LEFT, apply("log1p", clipped(rate, _LEAST_LEFT, math.inf)), _ALL_THE_WAY + 0 * rate)
