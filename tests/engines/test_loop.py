"""The plain loop: replicas of a pack against single runs, early stops, metrics."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.errors import RunError
from bioplaus.feed import Feed
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Elu
from bioplaus.plasticity.sgd import Sgd, SgdConfig
from bioplaus.rules.base import Rule
from bioplaus.rules.bp import Backprop, BackpropConfig
from bioplaus.rules.ccl import CounterCurrent, CounterCurrentConfig
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Learned
from bioplaus.world import Model, World, new_world

SEEDS, BATCH, STEPS = (2, 11, 3), 6, 5
RULES: dict[str, Rule] = {
    "bp": Backprop(BackpropConfig(lr=0.2)),
    "ccl": CounterCurrent(CounterCurrentConfig(lr=0.2)),
    "ccl normalised": CounterCurrent(CounterCurrentConfig(lr=0.2, loss="normalised", lambda_self=0.5, flooding=0.65)),
}
SHAPES: dict[str, tuple[int, ...]] = {"dense": (5,), "conv": (2, 8, 8)}


def build(kind: str, **config: Any) -> Network:
    if kind == "dense":
        return Mlp.build(MlpConfig(hidden=[6, 4], **config), (5,), (3,), Elu())
    return Cnn5.build(Cnn5Config(channels=[4, 3], **config), (2, 8, 8), (3,), Elu())


def make(rule: Rule, network: Network, seeds: tuple[int, ...], **sgd: Any) -> tuple[Model, World]:
    networks = rule.build(network)
    groups = rule.groups(networks)
    rates = {name: torch.full((len(seeds),), float(group.rate), dtype=torch.float64) for name, group in groups.items()}
    streams = Streams(seeds, dtype=torch.float64)
    model = Model(rule, networks, groups, rates, Sgd(SgdConfig(**sgd)), Classification(3), streams)
    return model, new_world(model)


def samples(kind: str, augment: str = "none") -> Feed:
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(STEPS * BATCH - 2, *SHAPES[kind], dtype=torch.float64, generator=draw)
    return Feed(x, torch.randint(3, (len(x),), generator=draw), augment)


def run(model: Model, world: World, feed: Feed, **block: Any) -> dict[str, Tensor]:
    batches = feed.order(model.streams, 0).split(BATCH, 1)
    return LoopEngine().advance(model, world, Block(feed, batches, 0, STEPS, STEPS, **block))


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("rule", RULES)
def test_a_replica_of_a_pack_equals_the_single_run(rule: str, kind: str) -> None:
    sgd = {"momentum": 0.9, "clip": "per_network", "clip_norm": 0.5, "schedule": "cosine", "warmup": 3}
    network, feed = build(kind, norm="batch"), samples(kind, "flip_crop" if kind == "conv" else "none")
    model, world = make(RULES[rule], network, SEEDS, **sgd)
    start = {key: value.clone() for key, value in world.params.items()}
    metrics = run(model, world, feed)
    found = world.arrays()
    for r, seed in enumerate(SEEDS):
        alone, one = make(RULES[rule], network, (seed,), **sgd)
        for key, value in one.params.items():
            assert torch.equal(value[0], start[key][r]), "a replica starts where the single run starts"
        expected = run(alone, one, feed)
        for key, value in one.arrays().items():
            torch.testing.assert_close(found[key][r : r + 1], value, rtol=1e-10, atol=1e-10)
        for key, value in expected.items():
            torch.testing.assert_close(metrics[key][:, r : r + 1], value, rtol=1e-10, atol=1e-10)
    weights = [key for key in start if key.endswith("weight")]
    assert all((world.params[key] - start[key]).abs().max() > 1e-5 for key in weights)


@pytest.mark.parametrize("stop_after", [1, 3, STEPS])
def test_stop_is_heeded_between_batches(stop_after: int) -> None:
    model, world = make(RULES["bp"], build("dense"), SEEDS)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        assert world.counts["forward"].tolist() == [asked] * 3, "asked after a whole batch"
        return asked == stop_after

    metrics = run(model, world, samples("dense"), stop=stop)
    assert asked == world.step == stop_after
    assert metrics["loss"].shape == (stop_after, 3)
    other, whole = make(RULES["bp"], build("dense"), SEEDS)
    feed = samples("dense")
    batches = feed.order(other.streams, 0).split(BATCH, 1)
    LoopEngine().advance(other, whole, Block(feed, batches[:stop_after], 0, STEPS, STEPS))
    assert all(torch.equal(value, whole.params[key]) for key, value in world.params.items())


@pytest.mark.parametrize(("rule", "names"), [("bp", {"loss"}), ("ccl", {"loss", "pair_loss"})])
def test_metrics_are_those_before_each_update(rule: str, names: set[str]) -> None:
    model, world = make(RULES[rule], build("dense"), SEEDS)
    feed, first = samples("dense"), world.copy()
    metrics = run(model, world, feed)
    assert metrics.keys() == names
    assert all(value.shape == (STEPS, 3) and torch.isfinite(value).all() for value in metrics.values())
    index = feed.order(model.streams, 0)[:, :BATCH]
    for r in range(3):
        h = feed.x[index[r]]
        for i in range(3):
            h = h @ first.params[f"forward/{i}/weight"][r].T
            h = torch.nn.functional.elu(h) if i < 2 else h
        expected = torch.nn.functional.cross_entropy(h, feed.y[index[r]])
        torch.testing.assert_close(metrics["loss"][0, r], expected)


def test_augmentation_is_drawn_anew_at_each_step() -> None:
    """The same three images at steps 4, 5 and 6, in a network that does not learn."""
    model, world = make(Backprop(BackpropConfig(lr=0.0)), build("conv"), SEEDS)
    feed, index = samples("conv", "flip_crop"), torch.tensor([[0, 5, 9]])
    world.step = 4
    metrics = LoopEngine().advance(model, world, Block(feed, (index,) * 3, 0, STEPS, STEPS))
    for i, step in enumerate((4, 5, 6)):
        batch = feed.batch(index, model.streams.at(step))
        out = model.networks["forward"].forward(world.params, batch.x).out
        for r in range(3):
            torch.testing.assert_close(metrics["loss"][i, r], torch.nn.functional.cross_entropy(out[r], feed.y[index[0]]))
    assert len(set(metrics["loss"].flatten().tolist())) == 9


def test_no_batches_change_nothing() -> None:
    model, world = make(RULES["bp"], build("dense"), SEEDS)
    before = world.copy()
    assert LoopEngine().advance(model, world, Block(samples("dense"), (), 0, 1, 1)) == {}
    assert world.step == 0 and all(torch.equal(v, before.params[k]) for k, v in world.params.items())


def test_blocks_may_be_cut_anywhere() -> None:
    feed = samples("dense")
    worlds = []
    for cuts in ((0, 5), (0, 2, 5), (0, 1, 2, 3, 4, 5)):
        model, world = make(RULES["ccl"], build("dense"), SEEDS, momentum=0.5, schedule="exponential", decay=0.5)
        batches = feed.order(model.streams, 0).split(BATCH, 1)
        for first, last in pairwise(cuts):
            LoopEngine().advance(model, world, Block(feed, batches[first:last], 0, 2, STEPS))
        worlds.append(world.arrays())
    assert all(torch.equal(value, other[key]) for other in worlds[1:] for key, value in worlds[0].items())


def test_replicas_that_stopped_stay_untouched() -> None:
    """Weights, moments, counts and running means of the dead stay bit for bit; the others do not notice."""
    feed, sgd = samples("dense"), {"momentum": 0.9, "weight_decay": 0.1, "clip": "per_network", "clip_norm": 0.5}
    model, world = make(RULES["ccl"], build("dense", norm="batch"), SEEDS, **sgd)
    other, whole = make(RULES["ccl"], build("dense", norm="batch"), SEEDS, **sgd)
    for one_model, one in ((model, world), (other, whole)):
        run(one_model, one, feed)
    world.alive = torch.tensor([True, False, True])
    before = {key: value.clone() for key, value in world.arrays().items()}
    run(model, world, feed)
    run(other, whole, feed)
    assert world.step == 2 * STEPS
    expected = whole.arrays()
    assert any(key.startswith("buffers") for key in expected)
    for key, value in world.arrays().items():
        if key not in ("alive", "stopped_at"):
            assert torch.equal(value[1], before[key][1])
            assert not torch.equal(expected[key][1], before[key][1])
            torch.testing.assert_close(value[[0, 2]], expected[key][[0, 2]], rtol=1e-10, atol=1e-12)


def test_the_loop_refuses_nothing() -> None:
    model, _ = make(RULES["ccl"], build("conv"), SEEDS)
    assert LoopEngine().refuses(model, BATCH) is None


class _NoEnd(Backprop):
    def learn(self, view: Any) -> Any:
        yield from super().learn(view)


class _Sums(Backprop):
    def learn(self, view: Any) -> Any:
        yield from super().learn(view)
        return {"loss": 1.0}


class _NoYield(Backprop):
    def learn(self, view: Any) -> Any:
        return Learned({"loss": torch.ones(len(SEEDS))})


ENDS = ((_NoEnd, "learn returns nothing"), (_Sums, "learn returns a dict"), (_NoYield, "learn yields nothing"))


@pytest.mark.parametrize(("kind", "said"), ENDS)
def test_a_rule_that_does_not_end_as_it_should_is_told_in_one_line(kind: type[Backprop], said: str) -> None:
    """Without the line it is an AttributeError in the engine, which says nothing of the rule."""
    model, world = make(kind(BackpropConfig()), build("dense"), SEEDS)
    with pytest.raises(RunError, match=f"rule bp: {said}.*return Learned") as caught:
        run(model, world, samples("dense"))
    assert "\n" not in str(caught.value)
