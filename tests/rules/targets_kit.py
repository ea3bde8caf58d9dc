"""Small worlds for the target rules: two replicas, six samples, four classes, float64."""

from __future__ import annotations

from typing import Any

import torch
from rule_kit import learn
from torch import Tensor

from bioplaus.engines.loop import learn_batch
from bioplaus.network import Network
from bioplaus.plasticity.sgd import Sgd
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, View
from bioplaus.world import Model, World, new_world

SEEDS = (3, 8)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def model_of(rule: Any, network: Network) -> tuple[Model, World]:
    """A model as a run builds it, and its fresh world; biases are not 0."""
    networks, streams = rule.build(network), Streams(SEEDS, dtype=torch.float64)
    groups = rule.groups(networks)
    rates = {name: torch.full((2,), float(group.rate), dtype=torch.float64) for name, group in groups.items() if not group.frozen}
    model = Model(rule, networks, groups, rates, Sgd(), Classification(4), streams)
    world = new_world(model)
    for key, value in world.params.items():
        if key.endswith("/bias"):
            value += 0.1 * torch.arange(1, value.shape[1] + 1)
    return model, world


def batch_of(network: Network) -> Batch:
    y = torch.randint(4, (1, 6), generator=torch.Generator().manual_seed(2))
    return Batch(randn(1, 6, *network.in_shape, seed=1), y)


def view_of(rule: Any, network: Network, epoch: int = 0) -> View:
    """What the rule may read for one batch; its params may be replaced."""
    model, world = model_of(rule, network)
    clock = Clock(epoch=epoch)
    return View(
        model.networks, world.params, world.buffers, world.state, batch_of(network), clock, model.streams, model.task
    )


def changes_of(rule: Any, view: View, group: str) -> dict[str, Tensor]:
    """Return what the rule wants of one group, the last time it asks."""
    last = [wanted for wanted in learn(rule, view)[0] if wanted.group == group][-1]
    return {key: change.dense() for key, change in last.changes.items()}


def drive(model: Model, world: World, step: int = 0, epoch: int = 0) -> list[str]:
    """Learn one batch; return the groups that were written, in order."""
    groups: list[str] = []
    with torch.no_grad():
        batch = batch_of(model.networks["forward"])
        learn_batch(model, world, batch, Clock(step, epoch), seen=lambda wanted: groups.append(wanted.group))
    return groups
