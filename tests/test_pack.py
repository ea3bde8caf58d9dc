"""A pack over blocks: when a replica stopped, and the epoch's means, from an engine that does what it is told."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from bioplaus.engines.base import Block, Engine
from bioplaus.feed import Feed
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.pack import Pack
from bioplaus.plasticity.sgd import Sgd
from bioplaus.rules.bp import Backprop
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.world import Model, World

NAN, INF = math.nan, math.inf


class Told(Engine):
    """Does as many steps as it is given losses, and returns them, and metrics that some steps may lack."""

    def __init__(self, losses: Sequence[Sequence[float]], **others: Sequence[Sequence[float]]) -> None:
        self.metrics = {key: torch.tensor(rows) for key, rows in {"loss": losses, **others}.items()}

    def refuses(self, model: Model, batch_size: int) -> str | None:
        return None

    def advance(self, model: Model, world: World, block: Block) -> dict[str, Tensor]:
        world.step += len(self.metrics["loss"])
        return self.metrics


def fresh(replicas: int) -> Pack:
    rule = Backprop()
    networks = rule.build(Mlp.build(MlpConfig(hidden=[2]), (3,), (2,), Tanh()))
    streams = Streams(tuple(range(replicas)))
    rates = {"forward": torch.full((replicas,), 0.1)}
    return Pack.fresh(Model(rule, networks, rule.groups(networks), rates, Sgd(), Classification(2), streams))


def advance(pack: Pack, *losses: Sequence[float], **others: Sequence[Sequence[float]]) -> None:
    nothing = Feed(torch.zeros(1, 3), torch.zeros(1, dtype=torch.int64))
    pack.advance(Told(losses, **others), Block(nothing, (), 0, 10, 10))


def test_a_replica_stops_at_its_first_loss_that_is_not_finite() -> None:
    """Steps are counted from the start of the run, whichever block they fall into; what comes later changes nothing."""
    pack = fresh(4)
    advance(pack, (1, 1, 1, 1), (1, 1, 1, NAN), (1, 1, 1, 1))
    assert pack.world.stopped_at.tolist() == [-1, -1, -1, 1]
    advance(pack, (1, 1, 1, NAN), (1, INF, 1, 1))
    assert pack.world.stopped_at.tolist() == [-1, 4, -1, 1]
    advance(pack, (1, NAN, -INF, 1), (1, 1, NAN, 1))
    assert pack.world.stopped_at.tolist() == [-1, 4, 5, 1]
    assert pack.world.alive.tolist() == [True, False, False, False]


def test_weights_that_are_not_finite_stop_a_replica_at_the_last_step_done() -> None:
    pack = fresh(2)
    advance(pack, (1, 1))
    pack.world.params["forward/1/weight"][0, 1, 0] = NAN
    advance(pack, (1, 1), (1, 1))
    assert pack.world.stopped_at.tolist() == [2, -1] and pack.world.alive.tolist() == [False, True]


def test_epoch_means_are_those_of_all_blocks_and_start_anew() -> None:
    pack = fresh(2)
    advance(pack, (1, 10), (2, 20))
    advance(pack, (6, 60))
    assert pack.epoch_means()["loss"].tolist() == [3, 30]
    advance(pack, (5, 50))
    assert pack.epoch_means()["loss"].tolist() == [5, 50]


def test_the_mean_of_a_metric_is_over_the_steps_that_had_it() -> None:
    pack = fresh(2)
    advance(pack, (1, 1), (1, 1), (1, 1), other=[(1, 10), (2, 20)])
    advance(pack, (1, 1), (1, 1))
    advance(pack, (1, 1), (1, 1), other=[(6, 60)], late=[(3, 4), (5, 6)])
    means = {key: value.tolist() for key, value in pack.epoch_means().items()}
    assert means == {"late": [4, 5], "loss": [1, 1], "other": [3, 30]}
    advance(pack, (2, 2))
    assert list(pack.epoch_means()) == ["loss"]
