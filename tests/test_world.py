"""The world as flat arrays and back: nothing lost, nothing shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.feed import Feed
from bioplaus.network import Network
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.plasticity.adaptive import Adam
from bioplaus.plasticity.base import Step, Synapse
from bioplaus.rules.base import Group
from bioplaus.rules.bp import Backprop
from bioplaus.rules.ccl import CounterCurrent, CounterCurrentConfig
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.world import Model, World, new_world

SEEDS = (5, 9)


class Counting(Synapse):
    """Keeps how often each weight was written, and halves fresh weights."""

    def init(self, key: str, weight: Tensor, streams: Streams) -> dict[str, Tensor]:
        weight.mul_(0.5)
        return {"writes": torch.zeros(weight.shape[0])}

    def write(self, key: str, state: Mapping[str, Tensor], weight: Tensor, step: Step, streams: Streams) -> None:
        step.change.add_to(weight, step.rate)
        state["writes"].add_(1)


class CountingAdam(Adam):
    """Adam on the counting synapse."""

    def make_synapse(self) -> Synapse:
        return Counting()


class Remembering(Backprop):
    """Backprop with a state of its own."""

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        return {"trace/forward/0": streams.normal("trace", (4,))}


def pack() -> tuple[Model, World]:
    network = Mlp.build(MlpConfig(hidden=[4], norm="batch", bias=True), (5,), (3,), Tanh())
    rule = Remembering()
    groups = rule.groups({"forward": network})
    rates = {"forward": torch.tensor([0.1, 0.02])}
    model = Model(rule, {"forward": network}, groups, rates, CountingAdam(), Classification(3), Streams(SEEDS))
    return model, new_world(model)


def feed() -> Feed:
    draw = torch.Generator().manual_seed(0)
    return Feed(torch.randn(24, 5, generator=draw), torch.randint(3, (24,), generator=draw))


def train(model: Model, world: World, start: int, stop: int) -> None:
    batches = feed().order(model.streams, 0).split(4, 1)[start:stop]
    LoopEngine().advance(model, world, Block(feed(), batches, 0, 6, 6))


@pytest.fixture
def used() -> tuple[Model, World]:
    """Return a world in which everything has left its start."""
    model, world = pack()
    train(model, world, 0, 3)
    world.tally = {"loss": torch.tensor([1.5, 2.5], dtype=torch.float64)}
    world.alive = torch.tensor([True, False])
    world.stopped_at = torch.tensor([-1, 2])
    return model, world


def test_fresh_world() -> None:
    model, world = pack()
    assert world.replicas == 2 and world.step == 0 and world.alive.all() and world.stopped_at.tolist() == [-1, -1]
    leaves = model.networks["forward"].leaves
    assert world.params.keys() == leaves.keys()
    for key, leaf in leaves.items():
        assert world.params[key].shape == (2, *leaf.shape)
        for moment in ("first", "second"):
            assert torch.equal(world.moments[f"forward|{key}:{moment}"], torch.zeros(2, *leaf.shape))
        assert torch.equal(world.synapses[f"{key}:writes"], torch.zeros(2))
    drawn, _ = model.networks["forward"].draw(Streams(SEEDS, position=0))
    assert all(torch.equal(world.params[key], 0.5 * value) for key, value in drawn.items()), "the synapse had its say"
    assert torch.equal(world.state["trace/forward/0"], Streams(SEEDS, position=0).normal("trace", (4,)))
    assert world.buffers["forward/0/norm/variance"].tolist() == [[1.0] * 4] * 2
    assert world.counts["forward"].tolist() == [0, 0] and world.counts["forward"].dtype == torch.int64
    assert not world.tally


def test_frozen_groups_have_no_optimiser_state() -> None:
    rule = CounterCurrent(CounterCurrentConfig(lr_feedback=0.0))
    networks = rule.build(Mlp.build(MlpConfig(hidden=[4]), (5,), (3,), Tanh()))
    groups = rule.groups(networks)
    assert groups["feedback"] == Group(("feedback/0/weight", "feedback/1/weight"), 0.0)
    rates = {"forward": torch.ones(2)}
    model = Model(rule, networks, groups, rates, CountingAdam(), Classification(3), Streams(SEEDS))
    world = new_world(model)
    assert set(world.counts) == {"forward"} and "feedback/0/weight" in world.params
    assert not any("feedback" in key for key in (*world.moments, *world.synapses))


def test_arrays_and_back(used: tuple[Model, World]) -> None:
    _, world = used
    arrays = world.arrays()
    parts = {
        name: getattr(world, name) for name in ("params", "buffers", "synapses", "moments", "counts", "state", "tally")
    }
    assert all(parts.values()), "every kind of array takes part in this test"
    assert len(arrays) == sum(len(part) for part in parts.values()) + 2
    again = World.from_arrays(arrays, world.step)
    assert again.step == 3
    for name, part in parts.items():
        assert getattr(again, name).keys() == part.keys()
        assert all(getattr(again, name)[key] is value for key, value in part.items())
    assert again.alive.tolist() == [True, False] and again.stopped_at.tolist() == [-1, 2]


def test_world_from_arrays_goes_on_like_the_first(used: tuple[Model, World]) -> None:
    model, world = used
    other = World.from_arrays({key: value.clone() for key, value in world.arrays().items()}, world.step)
    train(model, world, 3, 6)
    train(model, other, 3, 6)
    assert world.step == other.step == 6
    found = other.arrays()
    assert all(torch.equal(value, found[key]) for key, value in world.arrays().items())


@pytest.mark.parametrize("touch_copy", [True, False])
def test_copy_is_independent(touch_copy: bool, used: tuple[Model, World]) -> None:
    _, world = used
    copy = world.copy()
    touched, kept = (copy, world) if touch_copy else (world, copy)
    before = {key: value.clone() for key, value in kept.arrays().items()}
    _spoil(touched)
    assert kept.step == 3
    after = kept.arrays()
    assert after.keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in after.items())


def _spoil(world: World) -> None:
    change: Callable[[Tensor], Tensor] = lambda x: x.logical_not_() if x.dtype == torch.bool else x.add_(1)  # noqa: E731
    for value in world.arrays().values():
        change(value)
    for name in ("params", "buffers", "synapses", "moments", "counts", "state", "tally"):
        getattr(world, name)["new"] = torch.zeros(2)
    world.step += 1
