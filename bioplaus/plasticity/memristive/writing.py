"""Pulses on some devices of an array with their noise: compiled on the CPU, else as the device itself says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from bioplaus.plasticity.devices import Device
from bioplaus.plasticity.devices.counted import CountedDevice
from bioplaus.plasticity.devices.exp_step import ExpStep
from bioplaus.plasticity.devices.incremental import IncrementalDevice
from bioplaus.plasticity.devices.one_sided import OneSided
from bioplaus.plasticity.memristive._pulse_kernel import EACH, NONE, TOGETHER, write_pulses
from bioplaus.plasticity.memristive.touched import Touched
from bioplaus.streams import Streams

__all__ = ["compiles", "noisy_each", "written"]

#: Pulses per device that get their noise in one draw where each has its own: bounds the memory.
PORTION = 64


def noisy_each(device: Device) -> bool:
    """Return whether the noise of every single pulse is drawn apart: coarse or curved devices that are described by a step."""
    return isinstance(device, IncrementalDevice) and device.cycle_noise > 0 and not device.at_once


def compiles(device: Device) -> bool:
    """Return whether the compiled loop does what the class does; a third party's may do something else."""
    cls = type(device)
    if cls.pulse is not Device.pulse:
        return False
    if isinstance(device, CountedDevice):
        return cls.pulsed is CountedDevice.pulsed
    if not isinstance(device, IncrementalDevice):
        return False
    deviation = type(device).deviation
    return cls.pulsed in (IncrementalDevice.pulsed, OneSided.pulsed) and deviation in (IncrementalDevice.deviation, ExpStep.deviation)


def written(
    device: Device, g: Tensor, own: Mapping[str, Tensor], at: Touched, n: Tensor, streams: Streams, scope: str, *, compiled: bool
) -> Tensor:
    """Write n pulses, signed whole numbers ``[K]``, to some devices of g in place.

    Returns
    -------
    Tensor
        float64 ``[R, 4]``: pulses up, pulses down, and both weighted by the mean conductance while they were written.
    """
    write = _compiled if compiled and g.device.type == "cpu" else _generic
    if not noisy_each(device):
        noisy = getattr(device, "cycle_noise", 0) > 0
        return write(device, g, own, at, n, at.noise(streams, scope)("cycle") if noisy else None)
    total = torch.zeros(at.replicas, 4, dtype=torch.float64, device=g.device)
    for k in range(-(-int(n.abs().amax()) // PORTION) if len(n) else 0):
        now = (n - n.clamp(-PORTION * k, PORTION * k)).clamp(-PORTION, PORTION)
        needs = at.sums(now.abs()).long().tolist()
        xi = torch.cat([streams.select([r]).normal(f"{scope}/{k}", (need,))[0] for r, need in enumerate(needs)])
        total += write(device, g, own, at, now, xi)
    return total


def _compiled(device: Device, g: Tensor, own: Mapping[str, Tensor], at: Touched, n: Tensor, xi: Tensor | None) -> Tensor:
    steps, sigma, flat = device.steps, getattr(device, "cycle_noise", 0.0), g.view(-1).numpy()
    constants = tuple(own[key].view(-1).numpy() if key in own else np.full(1, value, flat.dtype) for key, value in steps.flat().items())
    noise = NONE if xi is None else EACH if noisy_each(device) else TOGETHER
    relative, fixed, slope, w_min, span = 0.0, sigma, 0.0, 0.0, 1.0
    if isinstance(device, IncrementalDevice):
        additive, w_min, span = device.noise == "additive", device.w_min, device.span
        relative = 0.0 if additive else sigma
        fixed = sigma * ((device.dw_min if additive else 0.0) + getattr(device, "noise_floor", 0.0)) / span
        slope = sigma * getattr(device, "noise_slope", 0.0) / span
    sums, walks = np.zeros((at.replicas, 4)), isinstance(device, CountedDevice)
    write_pulses(
        flat, at.index.numpy(), np.array(at.sizes), n.numpy(), np.zeros(0, flat.dtype) if xi is None else xi.numpy(), noise,
        (steps.up.kind, steps.down.kind), constants, relative, fixed, slope, w_min, span, device.one_sided, walks, sums,
    )  # fmt: skip
    return torch.from_numpy(sums)


def _generic(device: Device, g: Tensor, own: Mapping[str, Tensor], at: Touched, n: Tensor, xi: Tensor | None) -> Tensor:
    flat, own = g.view(-1), {key: value.view(-1)[at.index] for key, value in own.items()}
    before = flat[at.index]
    if xi is None or not noisy_each(device):
        after = device.pulsed(before, n, None if xi is None else lambda name: xi, own)
    else:
        after = _one_by_one(device, before.clone(), n, xi, own)
    flat[at.index] = after
    up, middle = n.clamp(min=0), (before + after) / 2
    down = up - n
    return torch.stack([at.sums(part) for part in (up, down, up * middle, down * middle)], 1)


def _given(noise: Tensor, name: str) -> Tensor:
    return noise


def _one_by_one(device: Device, g: Tensor, n: Tensor, xi: Tensor, own: Mapping[str, Tensor]) -> Tensor:
    """Let whoever has had all of its pulses drop out."""
    count, sign = n.abs(), n.sign()
    first = (count.cumsum(0) - count).long()
    still, k = (count > 0).nonzero().squeeze(1), 0
    while len(still):
        noise = xi[first[still] + k]
        g[still] = device.pulsed(g[still], sign[still], partial(_given, noise), {key: value[still] for key, value in own.items()})
        k += 1
        still = still[count[still] > k]
    return g
