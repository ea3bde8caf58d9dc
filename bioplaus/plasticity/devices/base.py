"""What a memristive device is: fields with units, steps per pulse, noise, and its bounds.

Everything runs on the normalised conductance g = (G - Gmin)/(Gmax - Gmin), for devices that are described by a weight w instead
g = (w - w_min)/(w_max - w_min). Nothing is changed in place; numbers, NumPy arrays and torch tensors are all welcome.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bioplaus.errors import ConfigError
from bioplaus.fields import check_fields, ranged, written
from bioplaus.plasticity.devices._arrays import apply, clipped, is_tensor, like, plain
from bioplaus.plasticity.devices.nonlinearity import LABEL_UNIT
from bioplaus.plasticity.devices.steps import AFFINE, Steps, moved, pulsed, size, walk

if TYPE_CHECKING:
    from bioplaus.streams import Streams

__all__ = ["Device", "Normal"]

#: Returns standard normal numbers of the shape of g; two draws within one call come under two names.
Normal = Callable[[str], Any]
#: Part of the range that counts as all of it, for devices that only approach their bounds.
MOST = 0.99
_MOST_PULSES = 10**6


@dataclass(frozen=True, kw_only=True)
class Device(ABC):
    """A device whose conductance pulses move up and down. Final classes are one model each; instances hold numbers and nothing else."""

    #: name of the model, as files and lists have it
    model: ClassVar[str]
    #: whether depression is an abrupt reset, so that only potentiation is gradual
    one_sided: ClassVar[bool] = False

    g_min: float | None = ranged(None, 0)
    """Smallest conductance Gmin, S; none where a device is described by a weight alone."""
    g_max: float | None = ranged(None, above=0)
    """Largest conductance Gmax, S."""
    read_noise: float = ranged(0.0, 0)
    """Standard deviation of the read current relative to it; 0 for none."""
    volts_up: float | None = ranged(None)
    """Voltage of a potentiating pulse, V; none where it is not known, and then no energy is told."""
    seconds_up: float | None = ranged(None, above=0)
    """Duration of a potentiating pulse, s."""
    volts_down: float | None = ranged(None)
    """Voltage of a depressing pulse, V."""
    seconds_down: float | None = ranged(None, above=0)
    """Duration of a depressing pulse, s."""
    source: str = field(default="")
    """Where the numbers come from."""

    def __post_init__(self) -> None:
        for f in fields(self):
            _check_type(f, getattr(self, f.name))
        check_fields(self, "")
        if (self.g_min is None) != (self.g_max is None):
            raise ConfigError(f"g_min={self.g_min} and g_max={self.g_max}: give both, in siemens, or none")
        if self.g_min is not None and self.g_max is not None and self.g_min >= self.g_max:
            raise ConfigError(f"g_min={self.g_min:g} must be below g_max={self.g_max:g} (siemens)")
        self.check()

    def check(self) -> None:  # noqa: B027
        """Refuse combinations of numbers that no device has.

        Raises
        ------
        ConfigError
            One line.
        """

    @classmethod
    def translated(cls, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return changes of fields with other names that the model knows put into its own."""
        return dict(changes)

    @abstractmethod
    def make(self, values: Mapping[str, Any]) -> Steps:
        """Return the steps for values of the fields by name, each a number or an array with one element per device."""

    @abstractmethod
    def varied(self, normal: Normal) -> dict[str, Any]:
        """Return the fields that differ from device to device, drawn; what is not in it is the same for all."""

    # what the numbers amount to

    @cached_property
    def steps(self) -> Steps:
        """Steps of the mean device; plain numbers."""
        return self.make(self.values())

    def values(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def constants(self) -> dict[str, float]:
        """Return the constants of a pulse as plain numbers: up_kind, up_a, up_b, up_c, the same of down, low, high.

        The kinds are those of `bioplaus.plasticity.devices.steps`; for kind 0 (affine) a pulse is ``g <- g +- (a + b g)``, clipped.
        """
        kinds = {"up_kind": self.steps.up.kind, "down_kind": self.steps.down.kind}
        return {**kinds, **{key: float(value) for key, value in self.steps.flat().items()}}

    def up_step(self, g: Any) -> Any:
        """Return how far one potentiating pulse moves g up, >= 0, before clipping."""
        return plain(size(self.steps.up, _array(g)))

    def down_step(self, g: Any) -> Any:
        """Return how far one depressing pulse moves g down, >= 0, before clipping."""
        return plain(size(self.steps.down, _array(g)))

    @property
    def on_off(self) -> float | None:
        """Gmax/Gmin; none where the conductances are not known, infinite for Gmin = 0."""
        if self.g_min is None or self.g_max is None:
            return None
        return self.g_max / self.g_min if self.g_min else math.inf

    @cached_property
    def levels(self) -> tuple[int, int]:
        """Pulses over the whole range, up and down; over 99 % of it where a bound is only approached."""
        return self._count(+1), 1 if self.one_sided else self._count(-1)

    def _count(self, sign: int) -> int:
        side, start, end = (self.steps.up, 0.0, 1.0) if sign > 0 else (self.steps.down, 1.0, 0.0)
        reached = float(size(side, np.asarray(end))) > 1e-9
        count = walk(*side, sign, [start] * _MOST_PULSES, sign * end) if reached else _MOST_PULSES
        return count if count < _MOST_PULSES - 1 else walk(*side, sign, [start] * _MOST_PULSES, sign * (start + sign * MOST))

    @cached_property
    def nonlinearity(self) -> tuple[float | None, float | None]:
        """Labels of the curves up and down as `bioplaus.plasticity.devices.nonlinearity` defines them; none for a reset.

        They are those of an exponential device whose curve is as far from the straight line.
        """
        return self._label(+1), None if self.one_sided else self._label(-1)

    def _label(self, sign: int) -> float:
        curve = self.curve(sign)
        ends = sorted((float(curve[0]), float(curve[-1])))
        x = (curve - ends[0]) / (ends[1] - ends[0]) if sign > 0 else (ends[1] - curve) / (ends[1] - ends[0])
        off = x - np.linspace(0, 1, len(x))
        return sign * float(off[np.argmax(np.abs(off))]) / LABEL_UNIT

    def symmetry_point(self) -> float | None:
        """Return the g at which a step up and a step down cancel.

        Returns
        -------
        float or None
            In [0, 1]; the middle if the steps agree everywhere; None if they agree nowhere, or if depression is a reset.
        """
        if self.one_sided:
            return None
        up, down = self.steps.up, self.steps.down
        if up.kind == down.kind == AFFINE:
            excess, slope = float(up.a - down.a), float(up.b - down.b)
            if abs(slope) < 1e-12 and abs(excess) < 1e-12:
                return 0.5
            found = -excess / slope if slope else math.inf
            return found if -1e-12 <= found <= 1 + 1e-12 else None
        return _crossing(lambda g: self.up_step(g) - self.down_step(g))

    # pulses

    def pulse(self, g: Any, n: Any, own: Mapping[str, Any] | None = None) -> Any:
        """Return g after n pulses without noise, n > 0 potentiation, n < 0 depression.

        Parameters
        ----------
        g
            Normalised conductance in [0, 1], or within a device's own bounds; any shape.
        n
            Pulses, of a shape that broadcasts.
        own
            Constants of single devices as `draw` returns them, of g's shape; none for the mean device.

        Returns
        -------
        float, array or tensor
            As g is.
        """
        g = _array(g)
        return plain(pulsed(self.steps.having(own or {}), g, like(n, g)))

    def potentiate(self, g: Any, n: Any, own: Mapping[str, Any] | None = None) -> Any:
        """Return g after n >= 0 potentiating pulses; the depressing branch is not looked at.

        Raises
        ------
        ConfigError
            If n is negative or not a number.
        """
        g, s = _array(g), self.steps.having(own or {})
        return plain(moved(s.up, +1, g, _counted(n, g), s.low, s.high))

    def depress(self, g: Any, n: Any, own: Mapping[str, Any] | None = None) -> Any:
        """Return g after n >= 0 depressing pulses; the potentiating branch is not looked at.

        Raises
        ------
        ConfigError
            If n is negative or not a number.
        """
        g, s = _array(g), self.steps.having(own or {})
        return plain(moved(s.down, -1, g, _counted(n, g), s.low, s.high))

    def pulsed(self, g: Any, n: Any, noise: Normal | None = None, own: Mapping[str, Any] | None = None) -> Any:
        """Return g after n pulses with the noise from cycle to cycle.

        Parameters
        ----------
        g, n, own
            As for `pulse`.
        noise
            Called with a name, returns standard normal numbers of g's shape, e.g. ``lambda name: streams.normal(f"write/{key}/{name}", shape)``;
            none for no noise.
        """
        return self.pulse(g, n, own)

    def draw(self, streams: Streams, shape: Sequence[int], name: str = "device") -> dict[str, Any]:
        """Return the constants that differ between devices, tensors ``[R, *shape]`` by name: the `own` of the other methods.

        Draws are made under names that start with ``name``; empty if all devices are alike.
        """
        return self.own(lambda key: streams.normal(f"{name}/{key}", shape))

    def own(self, normal: Normal) -> dict[str, Any]:
        """Return what `draw` returns, for any source of standard normal numbers."""
        drawn = self.varied(normal)
        if not drawn:
            return {}
        return {key: value for key, value in self.make({**self.values(), **drawn}).flat().items() if getattr(value, "ndim", 0)}

    def read(self, g: Any, noise: Normal | None = None) -> Any:
        """Return g as it is read: the current, proportional to G, times ``1 + read_noise xi``."""
        if noise is None or not self.read_noise:
            return g
        offset = 0.0 if not self.on_off or math.isinf(self.on_off) else 1 / (self.on_off - 1)
        return g + (g + offset) * self.read_noise * noise("read")

    # positions and units

    def position(self, g: Any) -> Any:
        """Return the pulses, a real number, by which the mean device comes from its lower bound up to g."""
        side, low = self.steps.up, float(self.steps.low)
        if side.kind == AFFINE:
            first = side.a + side.b * low
            if side.b == 0:
                return (g - low) / first
            return plain(apply("log1p", side.b * (g - low) / first)) / math.log1p(side.b)
        curve = self.curve(+1)
        found = np.interp(g.cpu().numpy() if is_tensor(g) else g, curve, np.arange(len(curve)))
        return like(found, g) if is_tensor(g) else plain(found)

    def curve(self, sign: int, count: int | None = None, start: float | None = None) -> NDArray[np.float64]:
        """Return g of the mean device before and after each pulse in one direction.

        Parameters
        ----------
        sign
            +1 or -1.
        count
            Pulses; as many as there are levels if not given.
        start
            g before the first pulse; the bound behind it if not given.
        """
        count = self.levels[0 if sign > 0 else 1] if count is None else count
        start = (0.0 if sign > 0 else 1.0) if start is None else start
        side = self.steps.up if sign > 0 else self.steps.down
        if side.kind == AFFINE:
            return np.asarray(self.pulse(np.full(count + 1, start), sign * np.arange(count + 1.0)))
        path = [start] * (count + 1)
        walk(*side, sign, path)
        return np.array(path)

    def siemens(self, g: Any) -> Any:
        """Return the conductance in S of a normalised one.

        Raises
        ------
        ConfigError
            If Gmin and Gmax are not known.
        """
        if self.g_min is None or self.g_max is None:
            raise ConfigError(f"this {self.model} device is described by weights; give g_min and g_max in siemens")
        return self.g_min + g * (self.g_max - self.g_min)

    def weight(self, g: Any) -> Any:
        """Return the weight w that g stands for: 2 g - 1, or between the device's own w_min and w_max."""
        return 2 * g - 1

    def within(self, g: Any, own: Mapping[str, Any] | None = None) -> Any:
        """Return g clipped to the bounds."""
        s = self.steps.having(own or {})
        return clipped(g, s.low, s.high)


def _array(g: Any) -> Any:
    """Return g as an array of floats, unless it is a tensor."""
    return g if is_tensor(g) else np.asarray(g, dtype=g.dtype if isinstance(g, np.ndarray) and g.dtype.kind == "f" else float)


def _counted(n: Any, g: Any) -> Any:
    """Return a number of pulses as g is, refused if it is none."""
    n = like(n, g)
    if not bool((n >= 0).all()):
        raise ConfigError("pulses of one direction are counted from 0: n must be >= 0 everywhere; for both directions use pulse(g, n)")
    return n


def _check_type(f: Field[Any], value: Any) -> None:
    """Refuse a text where a number belongs, and the like."""
    kind = str(getattr(f.type, "__name__", f.type))
    number = "float" in kind or "int" in kind
    fine = isinstance(value, (int, float)) and not isinstance(value, bool) if number else isinstance(value, str) or "str" not in kind
    if not fine and not (value is None and "None" in kind):
        raise ConfigError(f"{f.name}={written(value)} must be {'a number' if number else 'a text'}")


def _crossing(excess: Callable[[Any], Any]) -> float | None:
    """Return where a function falls from + to - in [0, 1] (or rises, if it does not fall), by bisection; None if it does neither."""
    grid = np.linspace(0, 1, 1001)
    signs = np.sign(excess(grid))
    if not signs.any():
        return 0.5
    exact = np.flatnonzero(signs == 0)
    if len(exact):
        return float(grid[exact[0]])
    turns = np.flatnonzero(signs[:-1] != signs[1:])
    if not len(turns):
        return None
    at = min(turns, key=lambda i: signs[i + 1])
    low, high = float(grid[at]), float(grid[at + 1])
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.sign(excess(middle)) == signs[at] else (low, middle)
    return (low + high) / 2
