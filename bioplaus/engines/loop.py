"""The default engine: a plain loop over batches, any rule, any device."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from bioplaus.changes import Wanted
from bioplaus.engines.base import Block, Engine
from bioplaus.plasticity.update import apply
from bioplaus.shapes import per_weight
from bioplaus.view import Batch, Clock, Learned
from bioplaus.world import Model, World, learning, view

__all__ = ["LoopEngine", "learn_batch"]


def learn_batch(
    model: Model,
    world: World,
    batch: Batch,
    clock: Clock,
    *,
    everyone: bool = True,
    seen: Callable[[Wanted], None] | None = None,
) -> Learned:
    """Drive the rule through one batch: each wanted change is written before the rule goes on.

    Parameters
    ----------
    everyone
        Whether all replicas are alive (known to the caller without asking the device).
    seen
        Called with every wanted change just before it is written; it must not change it.
    """
    wants = learning(model.rule, view(model, world, batch, clock))
    turns: Counter[str] = Counter()
    while True:
        try:
            wanted = next(wants)
        except StopIteration as stop:
            learned: Learned = stop.value
            break
        if seen is not None:
            seen(wanted)
        apply(model, world, wanted, clock, everyone=everyone, turn=turns[wanted.group])
        turns[wanted.group] += 1
    _commit(world, learned, everyone)
    return learned


def _commit(world: World, learned: Learned, everyone: bool) -> None:
    """Take over running means and state; replicas that stopped keep theirs."""
    for kept, new in ((world.buffers, learned.running), (world.state, learned.state)):
        for key, value in new.items():
            if everyone or key not in kept:
                kept[key] = value
            else:
                alive = per_weight(world.alive, value)
                kept[key] = torch.where(alive, value, kept[key])


class LoopEngine(Engine):
    """Python over batches, torch inside them."""

    def refuses(self, model: Model, batch_size: int) -> str | None:
        return None

    @torch.no_grad()
    def advance(self, model: Model, world: World, block: Block) -> dict[str, Tensor]:
        everyone = bool(world.alive.all())
        metrics: dict[str, list[Tensor]] = defaultdict(list)
        for index in block.batches:
            clock = Clock(
                step=world.step,
                epoch=block.epoch,
                task=block.task,
                steps_per_epoch=block.steps_per_epoch,
                steps_total=block.steps_total,
            )
            batch = block.feed.batch(index, model.streams.at(world.step))
            learned = learn_batch(model, world, batch, clock, everyone=everyone)
            for key, value in learned.metrics.items():
                metrics[key].append(value)
            world.step += 1
            if block.stop():
                break
        return {key: torch.stack(values) for key, values in metrics.items()}
