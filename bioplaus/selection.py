"""Which epoch counts: the one with the lowest validation loss, chosen per replica. The test set never chooses anything."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bioplaus.shapes import padded
from bioplaus.world import World

__all__ = ["Best"]


class Best:
    """A snapshot of each replica at its best epoch so far.

    Parameters
    ----------
    world
        Its weights and running means are the first snapshot.
    epoch
        The epoch that is.
    """

    def __init__(self, world: World, epoch: int = 0) -> None:
        self.arrays = {key: value.clone() for key, value in _kept(world).items()}
        self.loss = torch.full((world.replicas,), float("inf"), dtype=torch.float64)
        self.epoch = torch.full((world.replicas,), epoch, dtype=torch.int64)

    def offer(self, world: World, scores: Mapping[str, Tensor], epoch: int) -> None:
        """Take over the replicas whose validation loss is the lowest so far; without validation, the latest epoch of those alive."""
        loss = scores["loss"].double().cpu() if scores else torch.full_like(self.loss, -epoch)
        better = (loss < self.loss) & world.alive.cpu()
        if not bool(better.any()):
            return
        rows = better.nonzero().squeeze(1)
        self.loss[rows], self.epoch[rows] = loss[rows], epoch
        for key, value in _kept(world).items():
            mine = self.arrays[key]
            if mine.shape != value.shape:
                mine = self.arrays[key] = padded(mine, value)  # a dendrite of zero weight changes nothing
            mine[rows.to(value.device)] = value[rows.to(value.device)]

    def into(self, world: World) -> World:
        """Return a copy of the world with the snapshots in place of its weights."""
        return world.with_arrays(self.arrays)


def _kept(world: World) -> dict[str, Tensor]:
    return {f"params/{k}": v for k, v in world.params.items()} | {f"buffers/{k}": v for k, v in world.buffers.items()}
