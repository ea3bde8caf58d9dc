"""Tiki-Taka: a fast array gathers gradients about its symmetry point, a slow one holds the weight.

Gokmen & Haensch 2020, Front. Neurosci. 14:103: ``d = 2 (g_C - 1/2) + gamma 2 (g_A - g_s)``, g_s being the symmetry point of each device of A,
at which a step up and one down are equal, so that A forgets towards zero. Every so many writes the next columns of A are read and added to C
by pulses.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bioplaus.plasticity.devices import Device
from bioplaus.plasticity.memristive.cells import Cell, State
from bioplaus.plasticity.memristive.counting import Pulses
from bioplaus.plasticity.memristive.touched import Touched, where
from bioplaus.streams import Streams

__all__ = ["TikiTaka"]


class TikiTaka(Cell):
    """Arrays A and C, each one device per weight beside a reference device.

    Parameters
    ----------
    gamma
        Part of A in the weight.
    every, columns
        Writes between transfers, and columns (presynaptic lines; of a convolution, lines times positions in the kernel) of each; 0 for all.
    rate
        Part of A's value that is added to C. The pulses that it amounts to are rounded up or down at random, right on average.
    """

    def __init__(self, device: Device, gamma: float, every: int, columns: int, rate: float) -> None:
        super().__init__(device, "C", "A")
        self.gamma, self.every, self.columns, self.rate = gamma, every, columns, rate

    def start(self, d: Tensor) -> tuple[Tensor, ...]:
        return (1 + d) / 2, torch.full_like(d, 0.5)

    def init(self, d: Tensor, key: str, streams: Streams, width: float | None = None) -> dict[str, Tensor]:
        state = super().init(d, key, streams, width)
        fast = self.arrays[1]
        state["A.zero"] = fast.symmetry(state)
        state["A"] = state["A.zero"].clone()
        state["column"] = torch.zeros(d.shape[0], dtype=torch.int64, device=d.device)
        return state

    def value(self, seen: tuple[Tensor, ...], state: State, at: Touched | None) -> Tensor:
        slow = 2 * seen[0] - 1
        return slow + 2 * self.gamma * (seen[1] - self._zero(state, at)) if self.gamma else slow

    def apply(self, state: State, pulses: Pulses, streams: Streams, scope: str) -> None:
        self.arrays[1].pulse(state, *pulses, streams, scope)

    def upkeep(self, state: State, streams: Streams, scope: str) -> Iterator[Touched]:
        due = state["writes"] % self.every == 0
        if not bool(due.any()):
            return
        at = self._next(state, due)
        a = 2 * (self.arrays[1].visible(state, at) - self._zero(state, at)) * self.rate
        x = torch.where(a > 0, a / self.units[0], a / self.units[1])
        n = torch.floor(x.abs() + at.uniform(streams, f"{scope}/transfer/round"))
        keep = n > 0
        at, n, rises = at.some(keep), n[keep], x[keep] > 0
        n = torch.where(rises, n.clamp(max=self.most[0]), -n.clamp(max=self.most[1]))
        self.arrays[0].pulse(state, at, n, streams, f"{scope}/transfer")
        yield at

    def _next(self, state: State, due: Tensor) -> Touched:
        """Return the weights on the next columns of the replicas that are due, and move on."""
        shape = state["A"].shape
        width = state["A"][0, 0].numel()
        take = min(self.columns or width, width)
        place = torch.arange(width, device=due.device)
        chosen = ((place - state["column"].view(-1, 1)) % width < take) & due.view(-1, 1)
        state["column"].copy_(torch.where(due, (state["column"] + take) % width, state["column"]))
        return where(chosen.view(shape[0], 1, width).expand(shape[0], shape[1], width))

    def _zero(self, state: State, at: Touched | None) -> Tensor:
        return state["A.zero"] if at is None else state["A.zero"].view(-1)[at.index]
