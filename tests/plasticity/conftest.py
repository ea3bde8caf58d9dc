"""A perceptron 5-4-3 with biases, several replicas, and wanted changes drawn for each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from bioplaus.changes import Dense
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Elu
from bioplaus.plasticity.base import Plasticity
from bioplaus.rules.base import Group
from bioplaus.rules.bp import Backprop
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.world import Model, World, new_world

RATES = (0.1, 0.03, 0.25)


@pytest.fixture
def pack() -> Callable[..., tuple[Model, World]]:
    """Make a model and a fresh world; one group of all leaves, a rate per replica."""

    def make(
        plasticity: Plasticity,
        rates: tuple[float, ...] = RATES,
        *,
        groups: Mapping[str, Group] | None = None,
        seeds: tuple[int, ...] | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> tuple[Model, World]:
        network = Mlp.build(MlpConfig(hidden=[4], bias=True), (5,), (3,), Elu())
        chosen = groups or {"forward": Group(tuple(network.leaves), rates)}
        streams = Streams(seeds or tuple(range(len(rates))), dtype=dtype)
        tensors = {name: torch.tensor(rates, dtype=dtype) for name, group in chosen.items() if not group.frozen}
        model = Model(Backprop(), {"forward": network}, chosen, tensors, plasticity, Classification(3), streams)
        world = new_world(model)
        for key, value in world.params.items():
            if key.endswith("bias"):
                value.copy_(streams.normal(f"test/{key}", value.shape[1:]))
        return model, world

    return make


@pytest.fixture
def changes() -> Callable[..., dict[str, Dense]]:
    """Draw the wanted changes of one step for some replicas of three, of very different sizes."""

    def draw(world: World, step: int, replicas: tuple[int, ...] = (0, 1, 2)) -> dict[str, Dense]:
        generator = torch.Generator().manual_seed(100 + step)
        sizes = torch.tensor([0.3, 1.0, 4.0], dtype=torch.float64)
        found = {}
        for key, value in world.params.items():
            whole = torch.randn(3, *value.shape[1:], dtype=torch.float64, generator=generator)
            whole *= sizes.view(-1, *[1] * (value.dim() - 1))
            found[key] = Dense(whole[list(replicas)].to(value.dtype))
        return found

    return draw


@pytest.fixture
def frozen() -> Callable[[World], dict[str, Tensor]]:
    """Copy all arrays of a world."""

    def copy(world: World) -> dict[str, Tensor]:
        return {key: value.clone() for key, value in world.arrays().items()}

    return copy
