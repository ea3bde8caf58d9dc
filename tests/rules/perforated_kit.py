"""Perforated dendrites on small networks in float64, driven as a run drives them: epochs, each followed by validation and a boundary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bioplaus.build import Feeds
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.feed import Feed
from bioplaus.network import Network
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.pack import Pack
from bioplaus.plasticity.adaptive import Adam
from bioplaus.plasticity.base import Plasticity
from bioplaus.rules.perforated import Perforated
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import View
from bioplaus.world import Model, World, view

#: short phases of fixed length
SHORT: dict[str, Any] = {
    "lr": 0.02, "lr_dendrites": 0.05, "dendrite_init": 0.3, "keep_cycles": True, "max_dendrites": 2,
    "switch_mode": "fixed", "fixed_switch_num": 3, "p_epochs": 3,
}  # fmt: skip


def mlp(widths: Sequence[int] = (5, 6, 4, 3), norm: str = "none") -> Network:
    return Mlp.build(MlpConfig(hidden=list(widths[1:-1]), bias=True, norm=norm), widths[:1], widths[-1:], Tanh())


def make(
    seeds: Sequence[int] = (0,), network: Network | None = None, plasticity: Plasticity | None = None, classes: int = 3, **keys: Any
) -> Model:
    rule = Perforated(PerforatedConfig(**{**SHORT, **keys}))
    networks = rule.build(network or mlp())
    groups = rule.groups(networks)
    rates = {
        name: torch.tensor(group.rate if isinstance(group.rate, tuple) else [group.rate] * len(seeds), dtype=torch.float64)
        for name, group in groups.items()
        if not group.frozen
    }
    streams = Streams(tuple(seeds), dtype=torch.float64)
    return Model(rule, networks, groups, rates, plasticity or Adam(), Classification(classes), streams)


def data(shape: Sequence[int] = (5,), rows: int = 24, classes: int = 3, seed: int = 6) -> Feed:
    g = torch.Generator().manual_seed(seed)
    return Feed(torch.randn(rows, *shape, generator=g, dtype=torch.float64), torch.randint(0, classes, (rows,), generator=g))


@dataclass
class Drive:
    """The simulator's loop in short."""

    model: Model
    feed: Feed
    size: int = 24
    epochs: int = 40
    pack: Pack = None  # type: ignore[assignment]
    before: dict[int, World] = field(default_factory=dict)
    after: dict[int, World] = field(default_factory=dict)
    began: bool = False

    def __post_init__(self) -> None:
        self.pack = self.pack or Pack.fresh(self.model)
        self.feeds = Feeds(self.feed, self.feed, self.feed)
        self.per_epoch = -(-len(self.feed) // self.size)

    @property
    def world(self) -> World:
        return self.pack.world

    def seen(self, world: World | None = None) -> View:
        world = world or self.world
        return view(self.model, world, next(self.feed.chunks(len(self.feed))), self.pack.clock(self.per_epoch, self.per_epoch * self.epochs))

    def start(self) -> Drive:
        if not self.began:
            self.pack.boundary("start", self.pack.clock(self.per_epoch, self.per_epoch * self.epochs), {}, self.feeds)
            self.began = True
        return self

    def go(self, epochs: int) -> Drive:
        """Run some epochs; ``before`` and ``after`` hold copies around the boundary of each, counted from 1."""
        self.start()
        for _ in range(epochs):
            epoch = self.world.step // self.per_epoch
            order = self.feed.order(self.model.streams, epoch).split(self.size, 1)
            self.pack.advance(LoopEngine(), Block(self.feed, order, epoch, self.per_epoch, self.per_epoch * self.epochs))
            scores = self.pack.evaluate(self.feeds)
            self.pack.best.offer(self.world, scores, epoch + 1)
            self.before[epoch + 1] = self.world.copy()
            self.pack.boundary("epoch", self.pack.clock(self.per_epoch, self.per_epoch * self.epochs), scores, self.feeds)
            self.after[epoch + 1] = self.world.copy()
        return self


def network_arrays(world: World) -> dict[str, Tensor]:
    """All weights but those of candidates."""
    return {key: value for key, value in world.params.items() if "/candidate/" not in key}


def same(a: World, b: World) -> None:
    """Check that two worlds are the same bit for bit."""
    assert a.step == b.step and a.arrays().keys() == b.arrays().keys()
    for key, value in a.arrays().items():
        assert torch.allclose(value, b.arrays()[key], rtol=0, atol=0, equal_nan=True), key
