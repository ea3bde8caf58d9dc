"""Learn one batch on a copy of the world, and write down what happened."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.changes import Wanted
from bioplaus.engines.loop import learn_batch
from bioplaus.probes.base import Observation
from bioplaus.shapes import per_weight
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World

__all__ = ["observe"]


@torch.no_grad()
def observe(model: Model, world: World, batch: Batch, clock: Clock) -> Observation:
    """Return what learning this batch would do.

    The rule and the plasticity run as in training, down to their random streams, on a copy: the world stays
    as it is, bit for bit.

    Parameters
    ----------
    model, world
        The pack.
    batch, clock
        What to learn from, and where in the run; with the batch and clock of the next step, `after` is what
        that step leaves.
    """
    before, moved = world.copy(), world.copy()
    wanted: dict[str, Tensor] = {}
    learn_batch(model, moved, batch, clock, everyone=bool(world.alive.all()), seen=lambda now: _add(wanted, now))
    return Observation(
        model=model,
        params=before.params,
        after=moved.params,
        buffers=before.buffers,
        batch=batch,
        wanted=wanted,
        world=before,
        clock=clock,
    )


def _add(total: dict[str, Tensor], wanted: Wanted) -> None:
    """Add one wanted change to the sums, in memory of their own: the rule may use its arrays again."""
    for leaf, change in wanted.changes.items():
        value = change.dense()
        if wanted.mask is not None:
            value = torch.where(per_weight(wanted.mask, value), value, 0)
        total[leaf] = total[leaf] + value if leaf in total else value.clone()
