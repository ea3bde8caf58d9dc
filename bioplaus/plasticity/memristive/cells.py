"""How devices make a weight: one beside a reference, or a pair; and which device a pulse of a weight goes to.

All in units of the layer's scale, ``d = w / scale`` in [-1, 1].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from bioplaus.plasticity.devices import Device
from bioplaus.plasticity.memristive.array import DeviceArray, unit_steps
from bioplaus.plasticity.memristive.counting import Pulses
from bioplaus.plasticity.memristive.touched import Touched, where
from bioplaus.shapes import per_weight
from bioplaus.streams import Streams

__all__ = ["Bidirectional", "Cell", "Single", "Unidirectional"]

State = Mapping[str, Tensor]
Look = Callable[[DeviceArray, Tensor], Tensor]


class Cell(ABC):
    """One or two devices per weight. Final classes hold settings; the state is passed in and changed in place."""

    #: whether pulses move devices up alone
    rising = False

    def __init__(self, device: Device, *names: str) -> None:
        self.arrays = tuple(DeviceArray(name, device) for name in names)
        up, down = unit_steps(device)
        #: what a pulse for a rise and one for a fall change d by, and the most of them that one write has
        self.units, self.most = (2 * up, 2 * down), device.levels

    @abstractmethod
    def start(self, d: Tensor) -> tuple[Tensor, ...]:
        """Return the conductances, one array each, that stand for d in [-1, 1]."""

    @abstractmethod
    def value(self, seen: tuple[Tensor, ...], state: State, at: Touched | None) -> Tensor:
        """Return d of conductances as they are seen, of all weights or of some."""

    @abstractmethod
    def apply(self, state: State, pulses: Pulses, streams: Streams, scope: str) -> None:
        """Send pulses up and down to the devices they are for."""

    def init(self, d: Tensor, key: str, streams: Streams, width: float | None = None) -> dict[str, Tensor]:
        """Return the state of a leaf programmed to d or, given a width, of devices at random: from the lower end, or about the middle."""
        state: dict[str, Tensor] = {}
        for array, g in zip(self.arrays, self.start(d)):
            if width is not None:
                low = 0.0 if self.rising else (1 - width) / 2
                g = streams.uniform(f"start/{key}/{array.name}", g.shape[1:], low, low + width)
            state |= array.init(g, key, streams)
        return state

    def upkeep(self, state: State, streams: Streams, scope: str) -> Iterator[Touched]:
        """Do what is due besides pulses, and yield the weights that it changed."""
        yield from ()

    def read(self, state: State, at: Touched | None, look: Look) -> Tensor:
        """Return d as it is read back."""
        return self.value(tuple(look(array, array.visible(state, at)) for array in self.arrays), state, at)

    def leak(self, state: State) -> None:
        """Let one update's time pass."""
        for array in self.arrays:
            array.leak(state)


class Single(Cell):
    """One device against a reference column at the middle: ``d = 2 g - 1``; without the column ``2 r`` stays, r = Gmin/(Gmax - Gmin)."""

    def __init__(self, device: Device, offset: float = 0.0) -> None:
        super().__init__(device, "g")
        self.offset = offset

    def start(self, d: Tensor) -> tuple[Tensor, ...]:
        return ((1 + d) / 2,)

    def value(self, seen: tuple[Tensor, ...], state: State, at: Touched | None) -> Tensor:
        return 2 * seen[0] + (2 * self.offset - 1)

    def apply(self, state: State, pulses: Pulses, streams: Streams, scope: str) -> None:
        self.arrays[0].pulse(state, *pulses, streams, scope)


class Bidirectional(Cell):
    """``d = g+ - g-``: up is LTP on g+ and LTD on g-, down the reverse. Starts about the middle of the range."""

    def __init__(self, device: Device) -> None:
        super().__init__(device, "plus", "minus")

    def start(self, d: Tensor) -> tuple[Tensor, ...]:
        return (1 + d) / 2, (1 - d) / 2

    def value(self, seen: tuple[Tensor, ...], state: State, at: Touched | None) -> Tensor:
        return seen[0] - seen[1]

    def apply(self, state: State, pulses: Pulses, streams: Streams, scope: str) -> None:
        at, n = pulses
        for array, own in zip(self.arrays, (n, -n)):
            array.pulse(state, at, own, streams, scope)


class Unidirectional(Bidirectional):
    """``d = g+ - g-`` written by LTP alone: up on g+, down on g-. Starts at the lower bound.

    Refresh: every so many writes, pairs with max(g+, g-) > hi and min(g+, g-) > lo are read and erased, and |d| is written to one side by the
    number of LTP pulses that comes nearest on that device's curve, open loop (the scheme of Lim et al. 2019, Neural Comput. & Applic. 31:8101).
    """

    rising = True

    def __init__(self, device: Device, hi: float, lo: float, every: int) -> None:
        super().__init__(device)
        # one of the two devices moves, and always up
        self.units, self.most = (self.units[0] / 2,) * 2, (self.most[0],) * 2
        self.hi, self.lo, self.every = hi, lo, every

    def start(self, d: Tensor) -> tuple[Tensor, ...]:
        return d.clamp(min=0), (-d).clamp(min=0)

    def apply(self, state: State, pulses: Pulses, streams: Streams, scope: str) -> None:
        at, n = pulses
        for array, own in zip(self.arrays, (n, -n)):
            chosen = own > 0
            array.pulse(state, at.some(chosen), own[chosen], streams, scope)

    def upkeep(self, state: State, streams: Streams, scope: str) -> Iterator[Touched]:
        due = state["writes"] % self.every == 0
        if not bool(due.any()):
            return
        plus, minus = (state[array.name] for array in self.arrays)
        worn = (torch.maximum(plus, minus) > self.hi) & (torch.minimum(plus, minus) > self.lo)
        at = where(worn if bool(due.all()) else worn & per_weight(due, worn))
        if len(at.index):
            self._refresh(state, at, streams, f"{scope}/refresh")
            yield at

    def _refresh(self, state: State, at: Touched, streams: Streams, scope: str) -> None:
        d = self.value(tuple(array.visible(state, at) for array in self.arrays), state, at)
        lows = [state[f"{array.name}.low"].view(-1)[at.index] if f"{array.name}.low" in state else torch.zeros_like(d) for array in self.arrays]
        for array, low in zip(self.arrays, lows):
            array.put(state, at, low, streams, f"{scope}/erase")
        for array, other, way in zip(self.arrays, reversed(lows), (d, -d)):
            side = way > 0
            some = at.some(side)
            n, _ = array.nearest(state, some, way[side] + other[side])
            some, n = some.some(n > 0), n[n > 0]
            array.pulse(state, some, n, streams, scope)
        state["refreshes"].add_(torch.as_tensor(at.sizes, device=d.device))
