"""Weights behind which there are memristive devices: what the network multiplies by is what is read back from them.

``w = scale d``, d in [-1, 1] made of conductances by the cell; scale is given, or fixed when a leaf is programmed: headroom times the root mean
square of its weights, per replica. Programming is direct (write and verify): it costs no pulses. Vectors (biases, gains) are digital and exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from bioplaus.plasticity.base import IdealSynapse, Step, Synapse
from bioplaus.plasticity.memristive.array import DeviceArray
from bioplaus.plasticity.memristive.cells import Cell
from bioplaus.plasticity.memristive.coincidence import Coincidence
from bioplaus.plasticity.memristive.counting import Counting
from bioplaus.plasticity.memristive.touched import Touched
from bioplaus.shapes import per_weight
from bioplaus.streams import Streams

__all__ = ["MemristorSynapse"]

#: Whole numbers ``[R]``: pulses up and down, refreshed pairs, energy in fJ, writes, writes since the last pulse, the longest such stretch.
COUNTERS = ("up", "down", "refreshes", "energy", "writes", "idle", "longest_idle")


class MemristorSynapse(Synapse):
    """Cells of devices, and how a wanted change becomes pulses.

    State beside the arrays: ``scale`` ``[R]``, ``shortfall`` ``[R]`` (the largest change, in pulses, that a write without a
    pulse wanted), and the counters.
    """

    def __init__(
        self, cell: Cell, pulses: Counting | Coincidence, headroom: float, scale: float | None = None, start: float | None = None
    ) -> None:
        self.cell, self.pulses, self.headroom, self.scale, self.start = cell, pulses, headroom, scale, start
        self.factored = pulses.factored
        self.digital = IdealSynapse()
        device = cell.arrays[0].device
        self.read_noise = bool(device.read_noise)
        self.whole = self.read_noise or cell.arrays[0].leaks

    def init(self, key: str, weight: Tensor, streams: Streams) -> dict[str, Tensor]:
        return self._stored(key, weight, streams, self.start)

    def _stored(self, key: str, weight: Tensor, streams: Streams, start: float | None) -> dict[str, Tensor]:
        if weight.dim() < 3:
            return {}
        scale = self._scale_of(weight)
        d = (weight / per_weight(scale, weight)).clamp_(-1, 1)
        zeros = {name: torch.zeros(weight.shape[0], dtype=torch.int64, device=weight.device) for name in COUNTERS}
        state = {**self.cell.init(d, key, streams, start), "scale": scale, "shortfall": torch.zeros_like(scale), **zeros}
        self._read_all(state, weight, streams, f"program/{key}")
        return state

    def _scale_of(self, weight: Tensor) -> Tensor:
        scale = self.headroom * weight.flatten(1).square().mean(1).sqrt()
        if self.scale is not None:
            return torch.full_like(scale, self.scale)
        # where nothing has been drawn, the spread that a weight of this fan-in would have
        return torch.where(scale > 0, scale, torch.full_like(scale, self.headroom * weight[0, 0].numel() ** -0.5))

    def program(self, key: str, weight: Tensor, streams: Streams, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        state = self._stored(key, weight, streams, None)
        return state | {name: before[name].clone() for name in COUNTERS if name in before and name in state}

    def write(self, key: str, state: Mapping[str, Tensor], weight: Tensor, step: Step, streams: Streams) -> None:
        if weight.dim() < 3:
            self.digital.write(key, state, weight, step, streams)
            return
        state["writes"].add_(1)
        self.cell.leak(state)
        before = state["up"] + state["down"]
        changed = []
        for turn, pulses in enumerate(self.pulses(key, state["scale"], step, weight, state["shortfall"], streams)):
            if len(pulses[0].index):
                self.cell.apply(state, pulses, streams, f"{key}/{turn}")
                changed.append(pulses[0])
        self._note_idle(state, before)
        changed += self.cell.upkeep(state, streams, key)
        if self.whole:
            self._read_all(state, weight, streams, key)
            return
        self._read_some(state, weight, changed)

    def tend(self, key: str, state: Mapping[str, Tensor], weight: Tensor, streams: Streams) -> None:
        """Do what is due after a write besides its pulses, for whoever wrote these himself."""
        self._read_some(state, weight, self.cell.upkeep(state, streams, key))

    def _read_some(self, state: Mapping[str, Tensor], weight: Tensor, changed: Iterable[Touched]) -> None:
        for at in changed:
            _put(weight, at.index, self.cell.read(state, at, _exact) * at.of(state["scale"]))

    @staticmethod
    def _note_idle(state: Mapping[str, Tensor], before: Tensor) -> None:
        none = state["up"] + state["down"] == before
        state["idle"].copy_(torch.where(none, state["idle"] + 1, torch.zeros_like(state["idle"])))
        state["longest_idle"].copy_(torch.maximum(state["longest_idle"], state["idle"]))

    def _read_all(self, state: Mapping[str, Tensor], weight: Tensor, streams: Streams, scope: str) -> None:
        def look(array: DeviceArray, g: Tensor) -> Any:
            if not self.read_noise:
                return g
            return array.device.read(g, lambda name: streams.normal(f"{scope}/read/{array.name}/{name}", g.shape[1:]))

        weight.copy_(self.cell.read(state, None, look) * per_weight(state["scale"], weight))


def _exact(array: DeviceArray, g: Tensor) -> Tensor:
    return g


def _put(weight: Tensor, index: Tensor, values: Tensor) -> None:
    """Set flat positions of an array in place, however it lies in memory."""
    if weight.is_contiguous():
        weight.view(-1)[index] = values
    else:
        flat = weight.reshape(-1)
        flat[index] = values
        weight.copy_(flat.view(weight.shape))
