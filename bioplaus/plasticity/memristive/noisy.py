"""Pulses with noise in every single one (devices that are described by a step), in portions of so many pulses per device."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bioplaus.plasticity.devices.exp_step import ExpStep
from bioplaus.plasticity.devices.incremental import IncrementalDevice
from bioplaus.plasticity.devices.one_sided import OneSided
from bioplaus.plasticity.memristive._pulse_kernel import noisy_pulses
from bioplaus.plasticity.memristive.touched import Touched
from bioplaus.streams import Streams

__all__ = ["one_by_one"]

#: Pulses per device that get their noise in one draw: bounds the memory.
PORTION = 64


def one_by_one(device: IncrementalDevice, g: Tensor, n: Tensor, own: Mapping[str, Tensor], at: Touched, streams: Streams, scope: str) -> Tensor:
    """Return g ``[K]`` after n pulses, signed whole numbers; each takes a number of noise of its own, in the order of devices."""
    g = g.clone()
    for k in range(-(-int(n.abs().amax()) // PORTION) if len(n) else 0):
        left = n - (n.clamp(-PORTION * k, PORTION * k))
        now = left.clamp(-PORTION, PORTION)
        xi = torch.cat([
            streams.select([r]).normal(f"{scope}/{k}", (int(total),))[0] for r, total in enumerate(at.sums(now.abs()))
        ])  # fmt: skip
        if g.device.type == "cpu" and _known(device):
            _compiled(device, g, now, xi, own)
        else:
            _step_by_step(device, g, now, xi, own)
    return g


def _known(device: IncrementalDevice) -> bool:
    """Return whether the compiled loop does what the class does: another class may have overridden it."""
    cls = type(device)
    return cls.pulsed in (IncrementalDevice.pulsed, OneSided.pulsed) and cls.deviation in (IncrementalDevice.deviation, ExpStep.deviation)


def _compiled(device: IncrementalDevice, g: Tensor, n: Tensor, xi: Tensor, own: Mapping[str, Tensor]) -> None:
    steps, sigma, as_array = device.steps, device.cycle_noise, g.numpy().dtype
    constants = tuple(
        own[key].numpy() if key in own else np.full(1, value, dtype=as_array) for key, value in steps.flat().items()
    )  # fmt: skip
    additive = device.noise == "additive"
    floor, slope = getattr(device, "noise_floor", 0.0), getattr(device, "noise_slope", 0.0)
    fixed = sigma * ((device.dw_min if additive else 0.0) + floor) / device.span
    noisy_pulses(
        g.numpy(), n.numpy(), xi.numpy(), (steps.up.kind, steps.down.kind), constants, 0.0 if additive else sigma, fixed, sigma * slope / device.span,
        device.w_min, device.span, device.one_sided,
    )  # fmt: skip


def _step_by_step(device: IncrementalDevice, g: Tensor, n: Tensor, xi: Tensor, own: Mapping[str, Tensor]) -> None:
    count, sign = n.abs(), n.sign()
    first = (count.cumsum(0) - count).long()
    still, k = (count > 0).nonzero().squeeze(1), 0
    while len(still):
        noise = xi[first[still] + k]
        g[still] = device.pulsed(g[still], sign[still], lambda name, noise=noise: noise, {key: value[still] for key, value in own.items()})
        k += 1
        still = still[count[still] > k]
