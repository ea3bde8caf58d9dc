"""The compiled online engine against the plain loop, and against what it must refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.engines.numba_online import CHUNK, NumbaOnlineEngine
from bioplaus.feed import Feed
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.rectified import LeakyRelu, LeakyReluConfig, Relu
from bioplaus.neurons.smooth import Elu, EluConfig, Identity, Sigmoid, Softplus, Tanh
from bioplaus.plasticity.adaptive import Adam
from bioplaus.plasticity.base import IdealSynapse, Synapse
from bioplaus.plasticity.sgd import Sgd, SgdConfig, SignStep
from bioplaus.rules.bp import Backprop, BackpropConfig
from bioplaus.rules.top import TopLayer
from bioplaus.streams import Streams
from bioplaus.tasks import Classification, Regression
from bioplaus.world import Model, World, new_world

SHAPE, CLASSES = (1, 3, 3), 4


def make(
    neuron: Neuron,
    *,
    seeds: Sequence[int] = (3, 8),
    dtype: torch.dtype = torch.float64,
    lr: float = 0.05,
    **network: Any,
) -> Model:
    """Return bp on a small net; the second replica learns twice as fast. Rates are low: a net that diverges amplifies rounding."""
    net = Mlp.build(MlpConfig(**{"hidden": [11, 7], "init_scale": 2.0, **network}), SHAPE, (CLASSES,), neuron)
    rule = Backprop(BackpropConfig(lr=lr))
    rates = {"forward": torch.tensor([lr * (1 + r) for r in range(len(seeds))], dtype=dtype)}
    streams = Streams(tuple(seeds), dtype=dtype)
    return Model(rule, rule.build(net), rule.groups({"forward": net}), rates, Sgd(), Classification(CLASSES), streams)


def make_feed(n: int = 30, dtype: torch.dtype = torch.float64, augment: str = "none") -> Feed:
    """Return noise, a third of it exactly 0, as images have it."""
    g = torch.Generator().manual_seed(1)
    x = torch.randn(n, *SHAPE, generator=g, dtype=dtype)
    return Feed(x * (torch.rand(x.shape, generator=g) > 1 / 3), torch.randint(0, CLASSES, (n,), generator=g), augment)


def block(feed: Feed, model: Model, steps: int, **more: Any) -> Block:
    """Return single-sample batches, a different order for each replica, running on over epochs."""
    orders = [feed.order(model.streams, e) for e in range(-(-steps // len(feed)))]
    batches = torch.cat(orders, 1)[:, :steps].split(1, 1)
    return Block(feed, batches, 0, len(feed), steps, **more)


def distance(a: World, b: World) -> float:
    """Return the largest difference of any weight."""
    return max(float((a.params[key] - b.params[key]).abs().max()) for key in a.params)


NEURONS = [Identity(), Relu(), LeakyRelu(LeakyReluConfig(leak=0.2)), Elu(), Elu(EluConfig(alpha=0.5)), Tanh(), Sigmoid()]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("neuron", NEURONS, ids=lambda n: f"{type(n).__name__}{getattr(n.config, 'alpha', '')}")
def test_equals_the_loop(neuron: Neuron, dtype: torch.dtype, tolerance: float) -> None:
    model, feed = make(neuron, dtype=dtype), make_feed(dtype=dtype)
    plain, fast = new_world(model), new_world(model)
    start = plain.copy()
    expected = LoopEngine().advance(model, plain, block(feed, model, 50))
    found = NumbaOnlineEngine().advance(model, fast, block(feed, model, 50))
    assert distance(start, plain) > 0.01
    assert distance(plain, fast) < tolerance
    assert found.keys() == expected.keys()
    assert found["loss"].shape == (50, 2)
    assert found["loss"].dtype == dtype
    torch.testing.assert_close(found["loss"], expected["loss"], rtol=0, atol=tolerance)
    assert fast.step == plain.step == 50
    assert torch.equal(fast.counts["forward"], plain.counts["forward"])
    assert all(fast.params[key].dtype == dtype for key in fast.params)


def test_augmented_samples_and_shared_order_equal_the_loop() -> None:
    """The crop depends on the step, so the second block catches an engine that counts steps from its own start."""
    model, feed = make(Tanh()), make_feed(augment="flip_crop")
    plain, fast = new_world(model), new_world(model)
    for engine, world in ((LoopEngine(), plain), (NumbaOnlineEngine(), fast)):
        engine.advance(model, world, block(feed, model, 8))
        shared = block(make_feed(), model, 5)
        engine.advance(model, world, replace(shared, batches=tuple(b[:1] for b in shared.batches)))
        engine.advance(model, world, block(feed, model, 8))
    assert distance(plain, fast) < 1e-12


def test_one_layer_without_hidden_units() -> None:
    model, feed = make(Relu(), hidden=[]), make_feed()
    plain, fast = new_world(model), new_world(model)
    LoopEngine().advance(model, plain, block(feed, model, 20))
    NumbaOnlineEngine().advance(model, fast, block(feed, model, 20))
    assert distance(plain, fast) < 1e-12


def test_a_stopped_replica_stays_bit_for_bit() -> None:
    model, feed = make(Tanh()), make_feed()
    plain, fast = new_world(model), new_world(model)
    start = plain.copy()
    plain.alive[1] = fast.alive[1] = False
    expected = LoopEngine().advance(model, plain, block(feed, model, 30))
    found = NumbaOnlineEngine().advance(model, fast, block(feed, model, 30))
    assert all(torch.equal(fast.params[key][1], start.params[key][1]) for key in start.params)
    assert distance(plain, fast) < 1e-12
    assert fast.counts["forward"].tolist() == plain.counts["forward"].tolist() == [30, 0]
    torch.testing.assert_close(found["loss"], expected["loss"], rtol=0, atol=1e-12)


def test_a_replica_with_its_rate_equals_its_single_run() -> None:
    pack, single, feed = make(Elu()), make(Elu(), seeds=(8,), lr=0.1), make_feed()
    both, one = new_world(pack), new_world(single)
    NumbaOnlineEngine().advance(pack, both, block(feed, pack, 40))
    NumbaOnlineEngine().advance(single, one, block(feed, single, 40))
    assert all(torch.equal(both.params[key][1:], one.params[key]) for key in one.params)


def test_not_a_number_is_not_hidden() -> None:
    model, feed = make(Relu()), make_feed()
    feed.x[0] = float("nan")
    world = new_world(model)
    loss = NumbaOnlineEngine().advance(model, world, block(feed, model, 30))["loss"]
    assert bool(loss[-1].isnan().all())
    expected = new_world(model)
    torch.testing.assert_close(loss, LoopEngine().advance(model, expected, block(feed, model, 30))["loss"], equal_nan=True)
    assert all(not bool(value.isfinite().all()) for value in world.params.values())


def test_stop_comes_between_chunks_and_loses_nothing() -> None:
    """Stopped after one chunk and gone on, a run is the uninterrupted one bit for bit."""
    model, feed = make(Relu()), make_feed(300)
    whole, parts = new_world(model), new_world(model)
    steps = CHUNK + 40
    all_of_it = block(feed, model, steps)
    expected = NumbaOnlineEngine().advance(model, whole, all_of_it)["loss"]
    first = NumbaOnlineEngine().advance(model, parts, replace(all_of_it, stop=lambda: True))["loss"]
    assert parts.step == first.shape[0] == CHUNK
    second = NumbaOnlineEngine().advance(model, parts, replace(all_of_it, batches=all_of_it.batches[CHUNK:]))["loss"]
    assert distance(whole, parts) == 0
    assert torch.equal(torch.cat([first, second]), expected)
    assert NumbaOnlineEngine().advance(model, parts, replace(all_of_it, batches=())) == {}
    assert parts.step == steps


def with_plasticity(**settings: Any) -> Model:
    return replace(make(Relu()), plasticity=Sgd(SgdConfig(**settings)))




class Device(Sgd):
    """Plain steps into something that is not an ideal weight."""

    def make_synapse(self) -> Synapse:
        class Other(IdealSynapse):
            pass

        return Other()


def refused() -> dict[str, tuple[Model, str]]:
    plain = make(Relu())
    frozen = Backprop(BackpropConfig(lr=0.0))
    return {
        "rule": (replace(plain, rule=TopLayer()), "rule=top"),
        "task": (replace(plain, task=Regression()), "classification"),
        "dtype": (replace(plain, streams=Streams((0, 1), dtype=torch.bfloat16)), "bfloat16"),
        "gpu": (replace(plain, streams=Streams((0, 1), device=torch.device("meta"))), "CPU"),
        "lr": (replace(plain, rule=frozen, groups=frozen.groups(plain.networks)), "rule.lr"),
        "bias": (make(Relu(), bias=True), "forward/0"),
        "norm": (make(Relu(), norm="batch"), "forward/0"),
        "norm before": (make(Relu(), norm="batch", norm_place="input"), "forward/0"),
        "dendrites": (make(Relu(), dendrites=True), "forward/0"),
        "neuron": (make(Softplus()), "Softplus"),
        "adam": (replace(plain, plasticity=Adam()), "plasticity=sgd"),
        "sign": (replace(plain, plasticity=SignStep()), "plasticity=sgd"),
        "device": (replace(plain, plasticity=Device()), "plasticity=sgd"),
        "momentum": (with_plasticity(momentum=0.5), "momentum"),
        "weight decay": (with_plasticity(weight_decay=0.1), "decay"),
        "clip": (with_plasticity(clip="per_layer"), "clip"),
        "centralise": (with_plasticity(centralise=True), "centralise"),
        "warmup": (with_plasticity(warmup=3), "warmup"),
        "schedule": (with_plasticity(schedule="cosine"), "schedule"),
    }


@pytest.mark.parametrize("case", list(refused()))
def test_refuses_what_it_cannot_do(case: str) -> None:
    model, word = refused()[case]
    reason = NumbaOnlineEngine().refuses(model, 1)
    assert reason is not None
    assert word in reason
    assert "\n" not in reason


def test_refuses_batches_and_takes_the_rest() -> None:
    model = make(Relu())
    assert "batch_size=1" in str(NumbaOnlineEngine().refuses(model, 2))
    assert NumbaOnlineEngine().refuses(model, 1) is None
