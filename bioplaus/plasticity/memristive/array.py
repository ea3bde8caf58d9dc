"""One array of devices: what is stored of it, pulses on some of its devices, and what they amount to."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bioplaus.plasticity.devices import Device
from bioplaus.plasticity.devices.incremental import IncrementalDevice
from bioplaus.plasticity.devices.steps import AFFINE, Side, size
from bioplaus.plasticity.memristive.touched import Touched
from bioplaus.plasticity.memristive.writing import compiles, written
from bioplaus.streams import Streams

__all__ = ["DeviceArray", "unit_steps"]

State = Mapping[str, Tensor]
CONSTANTS = ("up_a", "up_b", "up_c", "down_a", "down_b", "down_c", "low", "high")
FEMTO = 1e15


def unit_steps(device: Device) -> tuple[float, float]:
    """Return how far one pulse up and one down count when pulses are chosen, in parts of the range.

    1/P where a device is described by its number of pulses, ``dw_min`` over the range where it is described by a step, else
    1/levels; never the step at the present conductance, which the periphery does not know.
    """
    if isinstance(device, IncrementalDevice) and not device.one_sided:
        return device.dw_min / device.span, device.dw_min / device.span
    up, down = device.levels
    return 1 / up, 1 / down


class DeviceArray:
    """Conductances g in [0, 1] under one name of a synapse's state, with each device's own constants beside them.

    State: ``NAME`` (g), ``NAME.up_a`` ... (constants that differ between devices), ``NAME.seen`` (write noise, added when read).
    """

    def __init__(self, name: str, device: Device) -> None:
        self.name, self.device = name, device
        self.compiled = compiles(device)
        self.write_noise = bool(getattr(device, "write_noise", 0))
        self.leaks = getattr(device, "lifetime", None) is not None
        volts, seconds = (device.volts_up, device.volts_down), (device.seconds_up, device.seconds_down)
        #: V^2 t of a pulse up and down; None where the device does not say
        self.pulse_cost = [v * v * t if v is not None and t is not None else None for v, t in zip(volts, seconds)]

    @property
    def has_energy(self) -> bool:
        """Whether the energy of pulses can be told."""
        return self.device.g_max is not None and None not in self.pulse_cost

    def init(self, g: Tensor, key: str, streams: Streams) -> dict[str, Tensor]:
        """Return the state of devices programmed to g ``[R, ...]``, clipped to each device's own bounds.

        Device-to-device draws belong to the run's start, so that a device stays the one it is when it is programmed again.
        """
        own = self.device.draw(streams.at(0), g.shape[1:], f"device/{key}/{self.name}")
        state = {f"{self.name}.{k}": v.contiguous() for k, v in own.items()}
        state[self.name] = self.device.within(g, own).contiguous()
        if self.write_noise:
            scope = f"program/{key}/{self.name}"
            state[f"{self.name}.seen"] = self._seen(torch.zeros_like(g), lambda name: streams.normal(f"{scope}/{name}", g.shape[1:]))
        return state

    def own(self, state: State, at: Touched | None = None) -> dict[str, Tensor]:
        """Return the devices' own constants, for `Device.pulse`."""
        found = {k: state[f"{self.name}.{k}"] for k in CONSTANTS if f"{self.name}.{k}" in state}
        return found if at is None else {k: v.view(-1)[at.index] for k, v in found.items()}

    def get(self, state: State, at: Touched) -> Tensor:
        """Return the stored conductances of some devices, ``[K]``."""
        return state[self.name].view(-1)[at.index]

    def pulse(self, state: State, at: Touched, n: Tensor, streams: Streams, scope: str) -> None:
        """Write n pulses, n > 0 up and n < 0 down, to some devices in place, and count them."""
        if not len(n):
            return
        scope = f"{scope}/{self.name}"
        sums = written(self.device, state[self.name], self.own(state), at, n, streams, scope, compiled=self.compiled)
        self._look_anew(state, at, streams, scope)
        state["up"].add_(sums[:, 0].long())
        state["down"].add_(sums[:, 1].long())
        if self.has_energy:
            # the charge of pulses at G = Gmin + g (Gmax - Gmin), summed
            low, width = self.device.siemens(0.0), self.device.siemens(1.0) - self.device.siemens(0.0)
            joule = sum(cost * (low * sums[:, side] + width * sums[:, side + 2]) for side, cost in enumerate(self.pulse_cost))
            state["energy"].add_((joule * FEMTO).round().long())

    def put(self, state: State, at: Touched, g: Tensor, streams: Streams, scope: str) -> None:
        """Set the conductances of some devices in place; each is seen through fresh write noise."""
        state[self.name].view(-1)[at.index] = g
        self._look_anew(state, at, streams, f"{scope}/{self.name}")

    def _look_anew(self, state: State, at: Touched, streams: Streams, scope: str) -> None:
        if self.write_noise:
            zeros = torch.zeros(len(at.index), dtype=state[self.name].dtype, device=at.index.device)
            state[f"{self.name}.seen"].view(-1)[at.index] = self._seen(zeros, at.noise(streams, scope))

    def _seen(self, zero: Tensor, noise: object) -> Tensor:
        return self.device.seen(zero, noise)  # type: ignore[attr-defined, no-any-return]

    def visible(self, state: State, at: Touched | None = None) -> Tensor:
        """Return the conductances as they are seen, write noise included, read noise not."""
        g, seen = state[self.name], state.get(f"{self.name}.seen")
        if at is not None:
            g, seen = g.view(-1)[at.index], None if seen is None else seen.view(-1)[at.index]
        return g if seen is None else g + seen

    def leak(self, state: State) -> None:
        """Let one update's time pass."""
        if self.leaks:
            state[self.name].copy_(self.device.leaked(state[self.name]))  # type: ignore[attr-defined]

    def nearest(self, state: State, at: Touched, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pulses up from the lower bound that come nearest to a target, and the bound, both ``[K]``; noise is not foreseen."""
        own = self.own(state, at)
        steps = self.device.steps.having(own)
        low = steps.low + torch.zeros_like(target)
        if steps.up.kind != AFFINE:
            return self._nearest_by_walking(own, low, target), low
        below = _pulses(steps.up, low, target).floor()
        under, over = (self.device.potentiate(low, n, own) for n in (below, below + 1))
        return torch.where(target - under <= over - target, below, below + 1), low

    def _nearest_by_walking(self, own: dict[str, Tensor], low: Tensor, target: Tensor) -> Tensor:
        best, gap, g = torch.zeros_like(target), (target - low).abs(), low
        for n in range(1, 2 * self.device.levels[0] + 1):
            g = self.device.potentiate(g, 1.0, own)
            closer = (target - g).abs() < gap
            best, gap = torch.where(closer, torch.full_like(best, n), best), torch.where(closer, (target - g).abs(), gap)
            if bool((g >= target).all()):
                break
        return best

    def symmetry(self, state: State) -> Tensor:
        """Return each device's g at which a step up and one down are equal; the middle where there is none, ``[R, ...]``."""
        steps = self.device.steps.having(self.own(state))
        low, high = (torch.zeros_like(state[self.name]) + bound for bound in (steps.low, steps.high))

        def excess(g: Tensor) -> Tensor:
            return size(steps.up, g) - size(steps.down, g) + torch.zeros_like(g)  # type: ignore[no-any-return]

        crosses = (excess(low) > 0) & (excess(high) < 0)
        middle = (low + high) / 2
        for _ in range(60 if bool(crosses.any()) else 0):
            half = (low + high) / 2
            above = excess(half) > 0
            low, high = torch.where(above, half, low), torch.where(above, high, half)
        return torch.where(crosses, (low + high) / 2, middle)

    def bound_share(self, state: State) -> Tensor:
        """Return the share of devices within a thousandth of the range of a bound, ``[R]``."""
        steps = self.device.steps.having(self.own(state))
        g = state[self.name]
        return ((g <= steps.low + 1e-3) | (g >= steps.high - 1e-3)).flatten(1).double().mean(1)


def _pulses(side: Side, low: Tensor, g: Tensor) -> Tensor:
    """Return the real number of affine pulses up from the bound to g: ``ln(1 + b (g - low)/(a + b low)) / ln(1 + b)``, >= 0."""
    b = torch.as_tensor(side.b, dtype=g.dtype, device=g.device)
    first = side.a + b * low
    curved = b.abs() > 1e-9
    safe = torch.where(curved, b, torch.full_like(b, -0.5))
    # a target that the curve never reaches takes as many pulses as the logarithm can tell
    way = (safe * (g - low) / first).clamp(min=-1 + 1e-7)
    return torch.where(curved, way.log1p() / safe.log1p(), (g - low) / first).clamp(min=0, max=float(2**24))

