"""Stochastic pulses: both sides of a product send trains of pulses, and a device moves where two pulses meet.

For one sample with presynaptic x and postsynaptic d and s = rate/dw the wanted change in pulses per unit of x d, both sides fire in each of
BL slots with ``p_x = min(1, k_x |x|)`` and ``p_d = min(1, k_d |d|)``, where ``k_x k_d = s / BL``: unless clipped,
``s |x d|`` pulses on average. The sign of a pulse is that of x d. Update management: ``k_x / k_d = max|d| / max|x|``; length management:
``BL = min(31, ceil(s max|x| max|d|))``,
maxima over one sample (Gokmen & Vlasov 2016, Front. Neurosci. 10:333; Gokmen, Onen & Haensch 2017, Front. Neurosci. 11:538).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from bioplaus.changes import Outer
from bioplaus.connections.base import Connection
from bioplaus.errors import ConfigError
from bioplaus.plasticity.base import Step
from bioplaus.plasticity.memristive._pulse_kernel import one_way
from bioplaus.plasticity.memristive.counting import Pulses, fell_short
from bioplaus.plasticity.memristive.touched import listed, where
from bioplaus.shapes import leading
from bioplaus.streams import Streams

__all__ = ["LONGEST", "Coincidence"]

#: Most slots of a train.
LONGEST = 31
#: Numbers on one side beyond which slots are correlated in portions.
PORTION = 1 << 24


class Coincidence:
    """Pulse trains in place of the two sides of a factored change, slots laid along the batch axis: any connection's `correlate` counts them.

    The pulses up of one write come before those down.
    """

    factored = True

    def __init__(self, units: tuple[float, float], longest: int = LONGEST) -> None:
        self.units, self.longest = units, longest

    def __call__(self, key: str, scale: Tensor, step: Step, weight: Tensor, shortfall: Tensor, streams: Streams) -> Iterator[Pulses]:
        """Yield the pulses up, then those down.

        Raises
        ------
        ConfigError
            If the rule hands over a change that is not factored, or bounds the weight.
        """
        change = step.change
        if step.bounds:
            raise ConfigError(f"plasticity.pulses=stochastic knows no bounds, and the rule bounds {key}; use plasticity.pulses=count or sign")
        if not isinstance(change, Outer):
            whole = f"the rule gives that of {key} whole"
            raise ConfigError(f"plasticity.pulses=stochastic needs both sides of a change, and {whole}; use plasticity.pulses=count or sign")
        strength = step.rate / (scale * sum(self.units) / 2)
        signed = torch.zeros_like(weight)
        total = torch.zeros_like(weight)
        for i, (pre, post) in enumerate(change.pairs):
            self._count(change.connection, pre, post, strength, signed, total, streams.within(f"{key}/{i}/"))
        idle = total.flatten(1).amax(1) == 0
        if bool(idle.any()):
            fell_short(shortfall, idle, change.dense().abs().flatten(1).amax(1) * strength)
        for sign in (1, -1):
            yield self._found(total, signed, sign) if weight.device.type == "cpu" else self._searched(total, signed, sign)

    @staticmethod
    def _found(total: Tensor, signed: Tensor, sign: int) -> Pulses:
        return listed(partial(one_way, total.flatten(1).numpy(), signed.flatten(1).numpy(), float(sign)), total)

    @staticmethod
    def _searched(total: Tensor, signed: Tensor, sign: int) -> Pulses:
        n = (total + sign * signed) / 2
        at = where(n > 0.5)
        return at, sign * n.view(-1)[at.index].round_()

    def _count(
        self, connection: Connection, pre: Tensor, post: Tensor, strength: Tensor, signed: Tensor, total: Tensor, streams: Streams
    ) -> None:
        replicas = signed.shape[0]
        pre, post = (side.expand(replicas, *side.shape[1:]) for side in (pre, post))
        p_x, p_d, slots = self.probabilities(pre, post, strength)
        longest = int(slots.max())
        portion = max(1, PORTION * replicas // max(pre.numel(), post.numel(), 1))
        for first in range(0, longest, portion):
            some = range(first, min(first + portion, longest))
            x = torch.cat([_fired(pre, p_x, slots > k, streams, f"x/{k}") for k in some], 1)
            d = torch.cat([_fired(post, p_d, slots > k, streams, f"d/{k}") for k in some], 1)
            signed += connection.correlate(x, d)
            total += connection.correlate(x.abs(), d.abs())

    def probabilities(self, pre: Tensor, post: Tensor, strength: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the probabilities per slot of both sides, and the slots of each sample, ``[R, B]``."""
        x, d = (side.abs().flatten(2).amax(2) for side in (pre, post))
        s = strength.view(-1, 1)
        slots = (s * x * d).ceil().clamp(max=self.longest)
        each = (s / slots.clamp(min=1)).sqrt()
        ratio = torch.where((x > 0) & (d > 0), (d / x.clamp(min=1e-30)).sqrt(), torch.zeros_like(x))
        back = torch.where(ratio > 0, ratio.reciprocal(), torch.zeros_like(x))
        p_x, p_d = ((side.abs() * leading(each * k, side)).clamp_(max=1) for side, k in ((pre, ratio), (post, back)))
        return p_x, p_d, slots


def _fired(side: Tensor, p: Tensor, within: Tensor, streams: Streams, name: str) -> Tensor:
    """Return -1, 0, 1: the signs of the entries that fire in one slot."""
    bits = streams.uniform(name, side.shape[1:]) < p
    return side.sign() * (bits & leading(within, side))
