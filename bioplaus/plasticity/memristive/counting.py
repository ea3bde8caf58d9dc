"""Pulses from a wanted change: so many that they come nearest to it, or one of its sign.

With delta the wanted change of a weight and dw the nominal change by one pulse in that direction: ``count`` writes
``floor(|delta|/dw + 1/2)`` pulses, at most as many as the device has levels; ``sign`` one pulse where ``|delta|/dw > theta``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from bioplaus.plasticity.base import Step
from bioplaus.plasticity.memristive._pulse_kernel import find
from bioplaus.plasticity.memristive.touched import Touched, listed, where
from bioplaus.shapes import per_weight
from bioplaus.streams import Streams

__all__ = ["Counting", "Pulses", "fell_short"]

#: Some weights, and pulses for each: > 0 up, < 0 down.
Pulses = tuple[Touched, Tensor]


def fell_short(shortfall: Tensor, idle: Tensor, wanted: Tensor) -> None:
    """Note what was wanted of the replicas that got no pulse, in place; ``[R]`` each."""
    shortfall.copy_(torch.where(idle, wanted, shortfall))


class Counting:
    """Deterministic pulses.

    Parameters
    ----------
    units
        Change of a weight by one pulse up and one down, in units of the layer's scale.
    most
        Most pulses up and down of one write.
    theta
        Dead zone of one pulse by sign, in pulses; None for counts.
    """

    factored = False

    def __init__(self, units: tuple[float, float], most: tuple[int, int], theta: float | None) -> None:
        self.units, self.most, self.theta = units, most, theta

    def __call__(self, key: str, scale: Tensor, step: Step, weight: Tensor, shortfall: Tensor, streams: Streams) -> Iterator[Pulses]:
        """Yield the pulses that a step asks for.

        Parameters
        ----------
        scale
            The layer's, ``[R]``.
        shortfall
            ``[R]``, becomes the largest wanted change in pulses where no pulse comes of it.
        """
        change, factor = step.change.dense(), step.rate / scale
        if step.bounds:  # what would lead out of the range that the rule gives is not asked for
            target = torch.addcmul(weight, change, per_weight(step.rate, change)).clamp_(*step.bounds)
            change, factor = target.sub_(weight), 1 / scale
        at, n = self._found(change, factor) if change.device.type == "cpu" else self._searched(change, factor)
        if 0 in at.sizes:
            fell_short(shortfall, torch.tensor(at.sizes, device=factor.device) == 0, change.abs().flatten(1).amax(1) * factor / min(self.units))
        yield at, n

    def _found(self, change: Tensor, factor: Tensor) -> tuple[Touched, Tensor]:
        theta = -1.0 if self.theta is None else self.theta
        (up, down), (most_up, most_down) = self.units, self.most
        return listed(partial(find, change.flatten(1).numpy(), factor.numpy(), up, down, theta, float(most_up), float(most_down)), change)

    def _searched(self, change: Tensor, factor: Tensor) -> tuple[Touched, Tensor]:
        x = change * per_weight(factor, change)
        x = torch.where(x > 0, x / self.units[0], x / self.units[1])
        at = where(x.abs() >= 0.5 if self.theta is None else x.abs() > self.theta)
        x = x.reshape(-1)[at.index]
        if self.theta is not None:
            return at, x.sign()
        n = torch.floor(x.abs() + 0.5)
        return at, torch.where(x > 0, n.clamp(max=self.most[0]), -n.clamp(max=self.most[1]))
