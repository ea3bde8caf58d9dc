"""Training by snnTorch beside training by our scans: two implementations of one thing, and what the engine has to refuse."""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bioplaus import registry, simulate
from bioplaus.engines.base import Block, Engine
from bioplaus.engines.loop import LoopEngine
from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.plasticity.adaptive import Adam
from bioplaus.plasticity.sgd import Sgd, SgdConfig
from bioplaus.rules.bp import Backprop
from bioplaus.rules.eprop import Eprop
from bioplaus.rules.surrogate import Surrogate
from bioplaus.spiking.task import SpikingClassification
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, new_world

snntorch = pytest.importorskip("snntorch")
from bioplaus.engines.snntorch_loop import SnntorchEngine, unroll  # noqa: E402

STEPS, CLASSES, BATCH = 8, 3, 5


def dense(neuron: str = "lif", hidden: Sequence[int] = (12, 8), bias: bool = True, **settings: Any) -> Network:
    unit = registry.NEURONS.get(neuron)(**{"steps": STEPS, **settings})
    return Mlp.build(MlpConfig(hidden=list(hidden), bias=bias, init_scale=3.0), (6,), (CLASSES,), unit)


def convolutional(neuron: str = "lif", **settings: Any) -> Network:
    unit = registry.NEURONS.get(neuron)(**{"steps": STEPS, **settings})
    return Cnn5.build(Cnn5Config(channels=[4, 5], bias=True, init_scale=5.0), (2, 8, 8), (CLASSES,), unit)


def model_of(
    net: Network, *, seeds: Sequence[int] = (3, 8), dtype: torch.dtype = torch.float64, **changed: Any
) -> Model:
    """Surrogate gradients at a rate that moves the weights by some per cent in each step."""
    rule = Surrogate()
    networks = rule.build(net)
    config = net.layers[-1].neuron.config
    task = SpikingClassification(CLASSES, config) if net.layers[-1].neuron.spiking else Classification(CLASSES)
    rates = {"forward": torch.tensor([0.02 * (1 + r) for r in range(len(seeds))], dtype=dtype)}
    model = Model(rule, networks, rule.groups(networks), rates, Adam(), task, Streams(tuple(seeds), dtype=dtype))
    return replace(model, **changed)


def feed_of(net: Network, dtype: torch.dtype = torch.float64, *, over_time: bool = True) -> Feed:
    """Spikes at every step, or currents that stay; already with a time axis."""
    g = torch.Generator().manual_seed(1)
    shape = (6 * BATCH - 2, STEPS if over_time else 1, *net.in_shape)
    x = torch.rand(*shape, generator=g, dtype=torch.float64)
    return Feed(((x < 0.4) if over_time else x).to(dtype), torch.randint(0, CLASSES, (len(x),), generator=g))


def train(engine: Engine, model: Model, feed: Feed, batches: int = 6) -> tuple[World, dict[str, Tensor]]:
    world = new_world(model)
    order = feed.order(model.streams, 0).split(BATCH, 1)[:batches]
    return world, engine.advance(model, world, Block(feed, order, 0, 6, 6))


def spikes_of(model: Model, world: World, x: Tensor) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Spikes of all layers' cells, by our scans and by snnTorch."""
    net = model.networks["forward"]
    with torch.no_grad():
        traces = net.forward(world.params, x).traces
        top = net.layers[-1].neuron.config
        own = [{key: world.params[leaf] for key, leaf in layer.own.items()} for layer in net.layers]
        ours = [net.layers[i].neuron.forward(trace.current, own[i])[0] for i, trace in enumerate(traces[:-1])]
        return [*ours, (traces[-1].out > top.threshold).to(x.dtype)], unroll(net, world.params, x).spikes


CASES: dict[str, Callable[[], Network]] = {
    "subtract": dense,
    "zero": lambda: dense(reset="zero", beta=0.8),
    "none": lambda: dense(reset="none", beta=0.5, surrogate="fast_sigmoid", slope=3.0),
    "no reset, no delay": lambda: dense(reset="none", reset_delay=False, beta=0.5),
    "threshold": lambda: dense(threshold=0.7, surrogate="straight_through", bias=False),
    "sigmoid": lambda: dense(surrogate="sigmoid"),
    "readout_beta": lambda: dense(readout="leaky", readout_beta=0.6),
    "rate": lambda: dense(loss="rate"),
    "count": lambda: dense(loss="count", surrogate="fast_sigmoid", slope=5.0),
    "first spike": lambda: dense(loss="first_spike"),
    "learned decay": lambda: dense(learn_tau=True, beta=0.9),
    "synaptic": lambda: dense("synaptic"),
    "synaptic zero": lambda: dense("synaptic", reset="zero", alpha=0.5, beta=0.9),
    "synaptic learned": lambda: dense("synaptic", learn_tau=True),
    "convolution": convolutional,
    "convolution, synaptic": lambda: convolutional("synaptic"),
}


@pytest.mark.parametrize("over_time", [True, False], ids=["spikes", "currents"])
@pytest.mark.parametrize("case", CASES)
def test_six_updates_equal_those_of_the_default_engine(case: str, over_time: bool) -> None:
    model = model_of(CASES[case]())
    feed = feed_of(model.networks["forward"], over_time=over_time)
    expected, scores = train(LoopEngine(), model, feed)
    found, theirs = train(SnntorchEngine(), model, feed)
    start = new_world(model)
    assert found.params.keys() == start.params.keys()
    for key, value in expected.params.items():
        assert (value - start.params[key]).abs().max() > 1e-3
        torch.testing.assert_close(found.params[key], value, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(theirs["loss"], scores["loss"], rtol=1e-10, atol=1e-12)
    assert found.step == 6 and found.counts["forward"].tolist() == [6, 6]
    x = feed.batch(torch.arange(10).unsqueeze(0)).x
    for ours, other in zip(*spikes_of(model, expected, x)):
        assert torch.equal(ours, other) and 0.005 < float(ours.mean()) < 0.95


@pytest.mark.parametrize("case", ["subtract", "zero", "sigmoid", "synaptic", "convolution"])
def test_single_precision_agrees_in_nearly_all_spikes(case: str) -> None:
    model = model_of(CASES[case](), dtype=torch.float32)
    feed = feed_of(model.networks["forward"], torch.float32)
    world, _ = train(SnntorchEngine(), model, feed)
    assert all(value.dtype == torch.float32 and bool(value.isfinite().all()) for value in world.params.values())
    x = feed.batch(torch.arange(len(feed)).unsqueeze(0)).x
    pairs = list(zip(*spikes_of(model, world, x)))
    same, all_of_them = (
        sum(float(n) for n in found) for found in zip(*(((a == b).sum(), a.numel()) for a, b in pairs))
    )
    assert same / all_of_them >= 0.999


def test_gradients_of_runs_with_the_same_spikes() -> None:
    """Single precision, tutorial 5's network and loss written in torch and snnTorch alone, against the change that our rule wants."""
    model = model_of(dense(hidden=(60,), steps=25, beta=0.9375), seeds=(4,), dtype=torch.float32)
    net, world = model.networks["forward"], new_world(model)
    x = torch.rand(64, 6, generator=torch.Generator().manual_seed(2))
    y = torch.randint(0, CLASSES, (64,), generator=torch.Generator().manual_seed(3))
    lower, upper = nn.Linear(6, 60), nn.Linear(60, CLASSES)
    for linear, layer in zip((lower, upper), net.layers):
        linear.weight.data, linear.bias.data = (
            world.params[layer.weight][0].clone(),
            world.params[layer.bias][0].clone(),
        )
    cells = [snntorch.Leaky(beta=0.9375) for _ in range(2)]

    def theirs(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u, v = torch.zeros(len(x), 60), torch.zeros(len(x), CLASSES)
        found = []
        for _ in range(25):
            s, u = cells[0](lower(x), u)
            z, v = cells[1](upper(s), v)
            found.append((s, z, v))
        return tuple(torch.stack(one, 1) for one in zip(*found))  # type: ignore[return-value]

    with torch.no_grad():
        ours, _ = spikes_of(model, world, x.view(1, 64, 1, 6))
        hidden, out, _ = theirs(x)
    same = (ours[0][0] == hidden).flatten(1).all(1) & (ours[1][0] == out).flatten(1).all(1)
    assert same.double().mean() > 0.9
    x, y = x[same], y[same]
    membrane = theirs(x)[2]
    sum(nn.functional.cross_entropy(membrane[:, t], y) for t in range(25)).backward()
    rule = model.rule.learn(_view(model, world, x.view(1, -1, 1, 6), y.view(1, -1)))
    wanted = next(rule).changes
    for linear, layer in zip((lower, upper), net.layers):
        for gradient, key in ((linear.weight.grad, layer.weight), (linear.bias.grad, layer.bias)):
            assert (wanted[key].dense()[0] + gradient).abs().max() <= 1e-5 * gradient.abs().max()


def _view(model: Model, world: World, x: Tensor, y: Tensor) -> Any:
    from bioplaus.world import view

    return view(model, world, Batch(x, y), Clock())


@pytest.mark.parametrize("engine", [LoopEngine, SnntorchEngine])
def test_networks_in_one_process_do_not_touch_each_other(engine: type[Engine]) -> None:
    """Trained in turns, batch by batch, each of two networks ends where it ends alone; the same call twice gives the same bits."""
    models = [model_of(dense()), model_of(dense("synaptic", hidden=(12, 8), beta=0.9), seeds=(5, 6))]
    feeds = [feed_of(model.networks["forward"]) for model in models]
    alone = [train(engine(), model, feed)[0] for model, feed in zip(models, feeds)]
    again = [train(engine(), model, feed)[0] for model, feed in zip(models, feeds)]
    worlds = [new_world(model) for model in models]
    orders = [feed.order(model.streams, 0).split(BATCH, 1) for model, feed in zip(models, feeds)]
    shared = engine()
    for step in range(6):
        for model, world, feed, order in zip(models, worlds, feeds, orders):
            shared.advance(model, world, Block(feed, order[step : step + 1], 0, 6, 6))
    for one, two, three in zip(alone, again, worlds):
        for key, value in one.arrays().items():
            assert torch.equal(value, two.arrays()[key]) and torch.equal(value, three.arrays()[key])


@pytest.mark.parametrize("case", ["subtract", "synaptic", "convolution"])
def test_equal_calls_give_equal_spikes(case: str) -> None:
    model = model_of(CASES[case](), dtype=torch.float32)
    world, feed = new_world(model), feed_of(model.networks["forward"], torch.float32)
    x = feed.batch(torch.arange(10).unsqueeze(0)).x
    first, second = spikes_of(model, world, x), spikes_of(model, world, x)
    for ours, theirs in zip(first, second):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs))


@pytest.mark.parametrize("engine", [LoopEngine, SnntorchEngine])
def test_nothing_is_left_of_200_networks(engine: type[Engine]) -> None:
    mine = snntorch.Leaky(beta=0.5)
    instances = snntorch.SpikingNeuron.instances
    listed = list(instances)

    def build(times: int) -> None:
        for _ in range(times):
            model = model_of(dense(hidden=(4,), steps=2), seeds=(1,))
            train(engine(), model, feed_of(model.networks["forward"], over_time=False), batches=1)

    def alive() -> dict[str, int]:
        gc.collect()
        kinds = [type(one) for one in gc.get_objects()]
        tensors, layers = (
            sum(issubclass(k, Tensor) for k in kinds),
            sum(issubclass(k, (Layer, nn.Module)) for k in kinds),
        )
        return {"tensors": tensors, "layers and modules": layers, "objects, hundreds": len(kinds) // 100}

    build(5)
    before = alive()
    build(200)
    after = alive()
    assert after["tensors"] == before["tensors"] and after["layers and modules"] == before["layers and modules"]
    assert after["objects, hundreds"] - before["objects, hundreds"] <= 2, "200 networks would leave thousands"
    assert snntorch.SpikingNeuron.instances is instances and len(listed) == len(instances)
    assert all(one is two for one, two in zip(listed, instances)) and any(one is mine for one in instances)


def modules() -> int:
    return sum(issubclass(type(one), nn.Module) for one in gc.get_objects())


def test_units_go_without_a_collection_of_garbage() -> None:
    """A batch's graph hangs on its units: were they to wait for the collector, memory would hold several batches at once."""
    model = model_of(dense(), seeds=(1,))
    feed = feed_of(model.networks["forward"])
    train(SnntorchEngine(), model, feed)
    gc.collect()
    before = modules()
    gc.disable()
    try:
        train(SnntorchEngine(), model, feed)
        assert modules() == before
    finally:
        gc.enable()


def refused() -> dict[str, tuple[Model, str]]:
    plain = model_of(dense())
    static = Mlp.build(MlpConfig(hidden=[4]), (6,), (CLASSES,), Tanh())
    normed = Cnn5.build(
        Cnn5Config(channels=[4], norm="batch"), (2, 8, 8), (CLASSES,), registry.NEURONS.get("lif")(steps=STEPS)
    )
    return {
        "rule": (replace(plain, rule=Eprop()), "rule=eprop"),
        "static units": (replace(model_of(static), rule=Backprop()), "neuron=lif"),
        "half precision": (replace(plain, streams=Streams((0, 1), dtype=torch.bfloat16)), "bfloat16"),
        "norm": (model_of(normed), "norm"),
        "alif": (model_of(dense("alif")), "Alif"),
        "if": (model_of(dense("if")), "IntegrateFire"),
        "order": (model_of(dense("synaptic", order="old")), "order=new"),
        "immediate reset": (model_of(dense(reset_delay=False)), "reset_delay"),
        "triangular": (model_of(dense(surrogate="triangular")), "-threshold above"),
        "boxcar": (model_of(dense(surrogate="boxcar")), "no boxcar"),
        "gaussian": (model_of(dense(surrogate="gaussian")), "no gaussian"),
    }


@pytest.mark.parametrize("case", list(refused()))
def test_refuses_what_snntorch_does_not_do_or_does_wrong(case: str) -> None:
    model, reason = refused()[case]
    said = SnntorchEngine().refuses(model, BATCH)
    assert said is not None and reason in said and "\n" not in said


def test_bp_and_plain_steps_too() -> None:
    model = model_of(dense(), plasticity=Sgd(SgdConfig(clip="per_network", clip_norm=0.1)), rule=Backprop())
    assert SnntorchEngine().refuses(model, BATCH) is None
    feed = feed_of(model.networks["forward"])
    (expected, _), (found, _) = train(LoopEngine(), model, feed), train(SnntorchEngine(), model, feed)
    for key, value in expected.params.items():
        torch.testing.assert_close(found.params[key], value, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("version", [None, "0.9.4"])
def test_without_a_snntorch_that_works_one_line_names_the_versions(
    version: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, known = importlib.util.find_spec, importlib.metadata.version
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: spec(name, *a) if name != "snntorch" or version else None
    )
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: version if name == "snntorch" and version else known(name)
    )
    with pytest.raises(ConfigError, match=r"^backend=snntorch cannot run this: snnTorch .*1\.0\.x work.*backend=loop$"):
        simulate({"run.save": False}, rule="surrogate", data="synthetic", backend="snntorch", epochs=1)


def test_a_whole_run_says_who_computed_it() -> None:
    small = {"network.hidden": [10], "run.save": False, "probes": []}
    runs = {
        one: simulate(small, rule="surrogate", data="synthetic", backend=one, epochs=1, dtype="float64")
        for one in ("loop", "snntorch")
    }
    assert {one: run.summary["backend"] for one, run in runs.items()} == {"loop": "loop", "snntorch": "snntorch"}
    (expected,), (found,) = (runs[one].summary["validation_loss"]["values"] for one in ("loop", "snntorch"))
    assert found == pytest.approx(expected, rel=1e-9)
