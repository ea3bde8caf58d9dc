"""Replicas that are trained together: one model, one world, their best snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.build import Feeds
from bioplaus.edits import perform
from bioplaus.engines.base import Block, Engine
from bioplaus.evaluation import CHUNK, evaluate
from bioplaus.selection import Best
from bioplaus.task_norms import make_room
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, new_world, view

__all__ = ["Pack"]

#: ends the name of a count of steps: a rule may do other things in some batches than in others
SEEN = "|steps"


@dataclass
class Pack:
    """One model, the world it drives, the snapshots that will be tested, and which replicas of the run (positions) it holds."""

    model: Model
    world: World
    best: Best
    replicas: tuple[int, ...] = ()

    @classmethod
    def fresh(cls, model: Model, replicas: Sequence[int] = (), *, norms_of: int = 1) -> Pack:
        """Return a pack at its start; `norms_of` tasks will have normalisations of their own."""
        world = new_world(model)
        make_room(model, world, norms_of)
        return cls(model, world, Best(world), tuple(replicas))

    def clock(self, steps_per_epoch: int, steps_total: int) -> Clock:
        """Return the clock at the world's step."""
        return Clock(self.world.step, self.world.step // steps_per_epoch, 0, steps_per_epoch, steps_total)

    def advance(self, engine: Engine, block: Block) -> None:
        """Run a block; sum up its metrics and stop replicas whose numbers are no longer finite."""
        first = self.world.step
        metrics = engine.advance(self.model, self.world, block)
        for key, value in metrics.items():
            tally = self.world.tally
            before = tally[key] if key in tally else torch.zeros_like(value[0], dtype=torch.float64)
            # one by one, so that the sum does not depend on where an interruption cut the epoch
            tally[key] = torch.cat([before.unsqueeze(0), value.double()]).cumsum(0)[-1]
            tally[key + SEEN] = tally.get(key + SEEN, torch.zeros_like(before)) + value.shape[0]
        self._stop_diverged(first, metrics.get("loss"), whole=self.world.step - first >= len(block.batches))

    def _stop_diverged(self, first: int, loss: Tensor | None, *, whole: bool) -> None:
        """Note the step of a replica's first bad loss, and stop it at the end of the block, wherever an interruption cuts the block."""
        world = self.world
        if loss is not None and loss.shape[0]:
            bad = ~torch.isfinite(loss)
            fallen = bad.any(0) & world.alive & (world.stopped_at < 0)
            world.stopped_at = torch.where(fallen, first + bad.to(torch.int8).argmax(0), world.stopped_at)
        if not whole:
            return
        finite = torch.ones_like(world.alive)
        for value in world.params.values():
            if value.numel():
                finite &= torch.isfinite(value.flatten(1).sum(1))
        fallen = ~finite & world.alive & (world.stopped_at < 0)
        world.stopped_at = torch.where(fallen, torch.full_like(world.stopped_at, world.step - 1), world.stopped_at)
        world.alive = world.alive & (world.stopped_at < 0)

    def boundary(self, event: str, clock: Clock, scores: Mapping[str, Tensor], feeds: Feeds) -> bool:
        """Let the rule act between batches, and return whether it did."""
        batch = feeds.train.batch(torch.zeros(1, 1, dtype=torch.int64, device=self.world.alive.device))
        seen = view(self.model, self.world, batch, clock)
        edits = self.model.rule.boundary(event, seen, scores, lambda: feeds.train.chunks(CHUNK))
        if edits is not None:
            perform(self.model, self.world, edits)
        return edits is not None

    def epoch_means(self) -> dict[str, Tensor]:
        """Return the mean of each training metric over the epoch's steps so far that had it, and start new sums."""
        tally = self.world.tally
        found = [key for key in sorted(tally) if not key.endswith(SEEN)]  # a checkpoint hands them back in that order
        means = {key: tally[key] / tally[key + SEEN] for key in found}
        self.world.tally = {}
        return means

    def evaluate(self, feeds: Feeds) -> dict[str, Tensor]:
        """Return the validation scores."""
        return evaluate(self.model, self.world, feeds.validation)

    def arrays(self) -> dict[str, Tensor]:
        """Return the world's arrays and the selection so far."""
        return {**self.world.arrays(), "best_loss": self.best.loss, "best_epoch": self.best.epoch}

    def restore(self, arrays: Mapping[str, Tensor], best: Mapping[str, Tensor], step: int) -> None:
        """Take over what a checkpoint holds."""
        device = self.world.alive.device
        self.world = World.from_arrays({k: v.to(device) for k, v in arrays.items()}, step)
        self.best.loss, self.best.epoch = arrays["best_loss"].cpu(), arrays["best_epoch"].cpu()
        self.best.arrays = {key: value.to(device) for key, value in best.items()}


def probe_batch(feeds: Feeds, size: int) -> Batch:
    """Return the samples that probes look at: the first ones of the training set, the same for every replica and epoch."""
    return next(iter(feeds.train.chunks(min(size, len(feeds.train)))))

