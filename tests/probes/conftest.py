"""Small packs in float64, and rules made for the occasion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch

from bioplaus.changes import Wanted
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Elu, Tanh
from bioplaus.plasticity.base import Plasticity
from bioplaus.plasticity.sgd import Sgd
from bioplaus.rules.base import Learned, Learning, Rule
from bioplaus.streams import Streams
from bioplaus.tasks import Classification, Task
from bioplaus.view import Batch, View
from bioplaus.world import Model, World, new_world

Script = Callable[[View], Iterable[Wanted]]


class Scripted(Rule):
    """A rule whose wanted changes are given by a function of the view."""

    def __init__(self, script: Script, lr: float = 0.1) -> None:
        super().__init__(None)
        self.script, self.config.lr = script, lr

    def learn(self, view: View) -> Learning:
        yield from self.script(view)
        return Learned({"loss": torch.zeros(view.params[next(iter(view.params))].shape[0])})


@pytest.fixture
def scripted() -> Callable[..., Rule]:
    """Make a rule of a function that yields wanted changes."""
    return Scripted


@pytest.fixture
def mlp() -> Callable[..., Network]:
    """Make a perceptron, shape - hidden - 3."""

    def make(hidden: Iterable[int] = (4, 3), shape: tuple[int, ...] = (5,), **config: Any) -> Network:
        return Mlp.build(MlpConfig(hidden=list(hidden), **config), shape, (3,), Tanh())

    return make


@pytest.fixture
def cnn() -> Callable[..., Network]:
    """Make a pooled convolutional classifier of 3 classes for images of 2 x 8 x 8."""

    def make(channels: Iterable[int] = (4, 3), **config: Any) -> Network:
        return Cnn5.build(Cnn5Config(channels=list(channels), **config), (2, 8, 8), (3,), Elu())

    return make


@pytest.fixture
def pack() -> Callable[..., tuple[Model, World]]:
    """Make a model with a fresh world, two replicas unless told otherwise."""

    def make(
        rule: Rule,
        network: Network,
        *,
        seeds: tuple[int, ...] = (3, 4),
        plasticity: Plasticity | None = None,
        task: Task | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> tuple[Model, World]:
        networks = rule.build(network)
        groups = rule.groups(networks)
        rates = {name: torch.full((len(seeds),), float(group.rate or 0), dtype=dtype) for name, group in groups.items()}
        streams = Streams(seeds, dtype=dtype)
        model = Model(rule, networks, groups, rates, plasticity or Sgd(), task or Classification(3), streams)
        return model, new_world(model)

    return make


@pytest.fixture
def samples() -> Callable[..., Batch]:
    """Draw a batch: x normal, y one of three classes."""

    def make(shape: tuple[int, ...], size: int = 12, replicas: int = 2, dtype: torch.dtype = torch.float64) -> Batch:
        draw = torch.Generator().manual_seed(5)
        x = torch.randn(replicas, size, *shape, generator=draw, dtype=torch.float64).to(dtype)
        return Batch(x, torch.randint(3, (replicas, size), generator=draw))

    return make
