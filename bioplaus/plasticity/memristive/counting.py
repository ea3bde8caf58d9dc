"""Pulses from a wanted change: so many that they come nearest to it, or one of its sign.

With delta the wanted change of a weight and dw the nominal change by one pulse in that direction: ``count`` writes
``floor(|delta|/dw + 1/2)`` pulses, at most as many as the device has levels; ``sign`` one pulse where ``|delta|/dw > theta``.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bioplaus.plasticity.base import Step
from bioplaus.plasticity.memristive.touched import Touched, where
from bioplaus.shapes import per_weight
from bioplaus.streams import Streams

__all__ = ["Counting", "Pulses"]

#: Some weights, pulses up for each >= 0, and pulses down.
Pulses = tuple[Touched, Tensor, Tensor]
#: A change that is just enough for a pulse is found in spite of rounding, and then judged exactly.
SHADE = 1 - 1e-5


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
        up, down = self.units
        change = step.change.dense()
        factor = step.rate / scale
        least = (0.5 if self.theta is None else self.theta) * SHADE * min(up, down) / factor
        # where nothing is wanted there is no pulse, whatever theta; a NaN is above nothing
        at = where(change.abs() > per_weight(least, change))
        wanted = change.reshape(-1)[at.index] * at.of(factor)
        x = torch.where(wanted > 0, wanted / up, wanted / down)
        n = torch.floor(x.abs() + 0.5) if self.theta is None else (x.abs() > self.theta).to(x.dtype)
        keep = n > 0
        if not bool(keep.all()):
            at, x, n = at.some(keep), x[keep], n[keep]
        if 0 in at.sizes:
            shortfall.copy_(change.abs().flatten(1).amax(1) * factor / min(up, down))
        rises = x > 0
        yield at, n.clamp(max=self.most[0]) * rises, n.clamp(max=self.most[1]) * ~rises

