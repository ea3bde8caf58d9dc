"""Bidirectional propagation against autograd, torch's Adam, closed forms, and what two directions over one set of synapses must do."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from rule_kit import drained, model_of, step
from torch import Tensor
from two_way_kit import F64, dense, gradients, logits, pixels, scores, strided, strided_logits, with_biases

from bioplaus import simulate
from bioplaus.changes import Outer
from bioplaus.config import resolve
from bioplaus.engines.loop import learn_batch
from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.convolutional import Lenet, LenetConfig
from bioplaus.neurons.smooth import Identity, Sigmoid
from bioplaus.neurons.threshold import Step
from bioplaus.plasticity.adaptive import Adam
from bioplaus.rules.bidirectional import Bidirectional, BidirectionalConfig
from bioplaus.rules.two_way import class_means
from bioplaus.streams import Streams
from bioplaus.view import Batch, Clock, View
from bioplaus.world import Model, World, fresh_moments, view


def made(network: Network, seeds: tuple[int, ...] = (1,), **config: object) -> tuple[Model, World]:
    model, world = model_of(Bidirectional(BidirectionalConfig(**{"lr": 0.5, **config})), network, seeds)  # type: ignore[arg-type]
    return model, with_biases(world)


def pixel_loss(q: Tensor, x: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(q, x)


# the two gradients


def test_a_threshold_unit_gets_back_the_input_it_answers_to_best() -> None:
    """T1. With weights of +1 and -1 the input max(0, w) makes the unit fire, and the output 1 sent down its synapses is that input."""
    unit = Step()
    for n in range(1, 9):
        network = dense([], pixels=n, bias=False)
        down = network.transposed("generator", unit)
        for w in itertools.product([-1.0, 1.0], repeat=n):
            if max(w) < 0:
                continue
            params = {"forward/0/weight": torch.tensor([[w] * 3], dtype=F64)}
            best = torch.tensor(w).clamp(min=0).to(F64).view(1, 1, n)
            assert unit.value(network.forward(params, best).out)[0, 0, 0] == 1
            one = torch.tensor([[[1.0, 0.0, 0.0]]], dtype=F64)
            assert torch.equal(down.forward(params, one).out, best)


@pytest.mark.parametrize("hidden", [[], [4], [5, 4]])
def test_both_steps_are_autograds_gradients(hidden: list[int]) -> None:
    model, world = made(dense(hidden))
    batch, depth = pixels((6,)), len(hidden) + 1
    x, y, params = batch.x[0], batch.y[0], dict(world.params)
    asked = ask(model, world, batch)
    up = gradients(params, lambda p: F.cross_entropy(scores(p, x, torch.sigmoid, depth), y))
    down = gradients(params, lambda p: pixel_loss(logits(p, F.one_hot(y, 3).to(F64), torch.sigmoid, depth), x))
    for found, expected in ((asked["forward"], up), (asked["generator"], down)):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            torch.testing.assert_close(found[key], value, rtol=1e-9, atol=1e-12)


def test_the_way_down_through_strided_convolutions_is_autograds() -> None:
    network = strided()
    model, world = made(network)
    batch = pixels(network.in_shape)
    code = F.one_hot(batch.y[0], 3).to(F64)
    down = gradients(dict(world.params), lambda p: pixel_loss(strided_logits(p, code, torch.tanh, network), batch.x[0]))
    found = ask(model, world, batch)["generator"]
    assert found.keys() == down.keys() and sum(key.endswith("/weight") for key in found) == 4
    for key, value in down.items():
        torch.testing.assert_close(found[key], value, rtol=1e-9, atol=1e-12)


def test_a_strided_convolution_and_its_way_back_are_adjoint() -> None:
    """T3. <conv(x, W), y> = <x, way back(y, W)>, sides that the stride divides and sides that it does not."""
    for side in (6, 7, 8, 9):
        network = strided(side=side)
        down = network.transposed("generator", Identity())
        params, _ = network.draw(Streams((3,), dtype=F64))
        for i, (layer, back) in enumerate(zip(network.layers, reversed(down.layers))):
            g = torch.Generator().manual_seed(i)
            x = torch.randn(1, 2, *layer.connection.in_shape, generator=g, dtype=F64)
            y = torch.randn(1, 2, *layer.connection.out_shape, generator=g, dtype=F64)
            w = params[layer.weight]
            there, here = (layer.connection.send(w, x) * y).sum(), (x * back.connection.send(w, y)).sum()
            torch.testing.assert_close(there, here, rtol=1e-12, atol=0)


def test_the_gradient_of_one_layer_is_written_out() -> None:
    """T5. dLg/dW[c, p] = sum over samples of class c of (sigmoid(q_p) - x_p) / (B n), and no other row of W is touched."""
    model, world = made(dense([], bias=False))
    batch = pixels((6,))
    w, x, y = world.params["forward/0/weight"][0], batch.x[0], batch.y[0]
    expected = torch.zeros_like(w)
    for sample, c in zip(x, y):
        expected[c] -= (w[c].sigmoid() - sample) / (len(x) * 6)
    torch.testing.assert_close(ask(model, world, batch)["generator"]["forward/0/weight"][0], expected, rtol=1e-9, atol=1e-15)


def test_statistics_on_the_way_down_are_those_of_the_samples() -> None:
    """With norms a class counts as often as it occurs: the same gradient as from a row per sample."""
    network = dense([5, 4], norm="batch")
    model, world = made(network)
    batch = pixels((6,))
    asked = ask(model, world, batch)["generator"]
    assert {"generator/0/norm/gain", "generator/1/norm/shift"} <= asked.keys()

    def loss(p: dict[str, Tensor]) -> Tensor:
        g = F.one_hot(batch.y[0], 3).to(F64)
        for i in range(3):
            g = g @ p[f"forward/{2 - i}/weight"][0] + p[f"generator/{i}/bias"][0]
            if i < 2:
                gain, shift = p[f"generator/{i}/norm/gain"][0], p[f"generator/{i}/norm/shift"][0]
                g = F.batch_norm(g, None, None, gain, shift, training=True).sigmoid()
        return pixel_loss(g, batch.x[0])

    for key, value in gradients(dict(world.params), loss).items():  # type: ignore[arg-type]
        torch.testing.assert_close(asked[key], value, rtol=1e-8, atol=1e-12)


# what shared synapses must do


def test_there_is_one_set_of_weights_and_each_step_is_felt_in_the_other_direction() -> None:
    """T2."""
    network = dense([5, 4])
    batch = pixels((6,))
    for schedule, lr, lr_generator, moved in (("bl", 0.0, 0.5, "forward"), ("bp", 0.5, 0.5, "generator")):
        model, world = made(network, schedule=schedule, lr=lr, lr_generator=lr_generator)
        own = {key for key in world.params if key.startswith("generator/")}
        assert own == {f"generator/{i}/bias" for i in range(3)}
        seen = {"forward": batch.x, "generator": torch.eye(3, dtype=F64).unsqueeze(0)}
        before = {name: model.networks[name].forward(world.params, x).out for name, x in seen.items()}
        biases = {key: world.params[key].clone() for key in world.params if key.endswith("bias") and key.startswith(moved)}
        step(model, world, batch)
        assert not torch.allclose(model.networks[moved].forward(world.params, seen[moved]).out, before[moved])
        assert all(torch.equal(world.params[key], value) for key, value in biases.items())


def test_the_generators_step_reads_what_the_classifiers_left() -> None:
    """Two steps by hand: the second gradient is taken at the weights after the first, and in the other order the result is another."""
    batch, ends = pixels((6,)), []
    for order in ("classifier", "generator"):
        model, world = made(dense([4]), order=order)
        params = {key: value.clone() for key, value in world.params.items()}
        losses = {
            "classifier": lambda p: F.cross_entropy(scores(p, batch.x[0], torch.sigmoid, 2), batch.y[0]),
            "generator": lambda p: pixel_loss(logits(p, F.one_hot(batch.y[0], 3).to(F64), torch.sigmoid, 2), batch.x[0]),
        }
        for name in (order, *(losses.keys() - {order})):
            for key, change in gradients(params, losses[name]).items():
                params[key] = params[key] + 0.5 * change
        step(model, world, batch)
        for key, value in params.items():
            torch.testing.assert_close(world.params[key], value, rtol=1e-9, atol=1e-12)
        ends.append(world.params["forward/0/weight"])
    assert not torch.allclose(*ends)


def test_each_direction_has_an_adam_of_its_own() -> None:
    """Two torch.optim.Adam on shared leaves; one Adam on the sum of losses ends elsewhere."""
    model, world = made(dense([4]), lr=0.01, lr_generator=0.03)
    model = replace(model, plasticity=Adam())
    world.moments = fresh_moments(model, world.params)
    batches = [pixels((6,), seed=seed) for seed in range(5)]
    params = {key: value.clone().requires_grad_(True) for key, value in world.params.items()}
    up = torch.optim.Adam([value for key, value in params.items() if key.startswith("forward")], 0.01)
    down = torch.optim.Adam([value for key, value in params.items() if key.endswith("weight") or key.startswith("generator")], 0.03)
    for batch in batches:
        losses = (
            lambda x=batch.x[0], y=batch.y[0]: F.cross_entropy(scores(params, x, torch.sigmoid, 2), y),
            lambda x=batch.x[0], y=batch.y[0]: pixel_loss(logits(params, F.one_hot(y, 3).to(F64), torch.sigmoid, 2), x),
        )
        for optimiser, loss in zip((up, down), losses):
            optimiser.zero_grad()
            loss().backward()
            optimiser.step()
        step(model, world, batch)
    for key, value in params.items():
        torch.testing.assert_close(world.params[key], value.detach(), rtol=1e-7, atol=1e-9)


def test_half_way_the_generator_falls_silent_and_the_classifiers_moments_go_on() -> None:
    """11 updates: the generator learns in the first 5; the classifier's counter and moments never restart."""
    network, batch = dense([4]), pixels((6,))
    model, world = made(network, schedule="half", lr=0.01)
    model = replace(model, plasticity=Adam())
    world.moments = fresh_moments(model, world.params)
    for i in range(11):
        first = world.moments["forward|forward/0/weight:first"].clone()
        done = learn_batch(model, world, batch, Clock(step=i, steps_total=11))
        assert ("generator_loss" in done.metrics) == (i < 5)
        assert world.counts["forward"].item() == i + 1 and world.counts["generator"].item() == min(i + 1, 5)
        if i:  # a restart would leave a tenth of the new gradient
            assert (world.moments["forward|forward/0/weight:first"] - 0.9 * first).abs().max() < first.abs().max()


def test_backpropagation_is_bidirectional_learning_without_a_generator() -> None:
    from bioplaus.rules.bp import Backprop, BackpropConfig

    batch = pixels((6,))
    model, world = model_of(Bidirectional(BidirectionalConfig(lr=0.3, schedule="bp")), dense([4]), (7,))
    other, beside = model_of(Backprop(BackpropConfig(lr=0.3)), dense([4]), (7,))
    for _ in range(3):
        step(model, world, batch)
        step(other, beside, batch)
    assert all(torch.equal(world.params[key], value) for key, value in beside.params.items())


# closed forms


@pytest.mark.parametrize("bias", [False, True])
def test_one_layer_generates_the_mean_image_of_each_class(bias: bool) -> None:
    """T4. The stationary point of Lg: sigmoid(W[c] + bias) = mean image of class c; the minimum is the mean binary entropy of those images."""
    batch = pixels((6,))
    model, world = made(dense([], bias=bias), lr=0.0, lr_generator=20.0)
    for _ in range(3000):
        done = step(model, world, batch)
    x, y = batch.x[0], batch.y[0]
    means = torch.stack([x[y == c].mean(0) for c in range(3)])
    q = world.params["forward/0/weight"][0] + (world.params["generator/0/bias"][0] if bias else 0)
    torch.testing.assert_close(q.sigmoid(), means, rtol=0, atol=1e-6)
    entropy = -(means * means.log() + (1 - means) * (1 - means).log())[y].mean()
    assert done.metrics["generator_loss"].item() == pytest.approx(entropy.item(), rel=1e-9)


def test_the_generators_loss_is_a_mean_over_pixels_and_the_classifiers_is_not() -> None:
    """T6. From weights of nothing: tiled four times, an image pulls each pixel's bias a quarter as hard and each class's bias as before."""
    batch, found = pixels((6,)), []
    for tiles in (1, 4):
        model, world = made(dense([], pixels=6 * tiles))
        for value in world.params.values():
            value.zero_()
        asked = ask(model, world, Batch(batch.x.repeat(1, 1, tiles), batch.y))
        found.append((asked["forward"]["forward/0/bias"], asked["generator"]["generator/0/bias"][..., :6]))
    torch.testing.assert_close(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1], 4 * found[1][1])


def test_the_published_course_of_the_rate() -> None:
    """T7."""
    from bioplaus.plasticity.schedule import rate_factor

    settings = resolve({"rule": "bidirectional", "data": "mnist", "network": "cnn3"}, locate=False)
    count = torch.tensor([0, 2000, 50_000])
    factor = rate_factor(settings.plasticity, count, Clock(steps_total=50_001))
    assert isinstance(factor, Tensor)
    found = (settings.rule.lr * factor).tolist()
    assert found[0] == pytest.approx(0.003, rel=1e-12)
    assert found[1] == pytest.approx(0.001166850, abs=5e-10)
    assert found[2] - 0.0001 == pytest.approx(0.0029 * math.exp(-25), rel=1e-3)  # 4.0e-14
    assert settings.rule.lr_generator == 10 * settings.rule.lr and settings.top.iterations == 50_001


def test_without_biases_and_light_hidden_cells_stand_at_a_half() -> None:
    """T9. Zero input: sigmoid(z_k) = sigmoid(0.5 sum of row k of W_2); a hidden layer that is fully off gives 0.5, and softmax 0.1 of ten."""
    network = dense([16], bias=False)
    _, world = made(network)
    w = world.params["forward/1/weight"]
    out = network.forward(world.params, torch.zeros(1, 1, 6, dtype=F64)).out
    torch.testing.assert_close(out[0, 0].sigmoid(), (0.5 * w[0].sum(-1)).sigmoid())
    world.params["forward/0/weight"].fill_(-1e4)
    off = network.forward(world.params, torch.ones(1, 1, 6, dtype=F64)).out
    assert (off.sigmoid() == 0.5).all()
    ten = Network("forward", (6,), network.layers[:1])
    assert ten.forward(world.params, torch.ones(1, 1, 6, dtype=F64)).out.sum() == 0
    assert (torch.softmax(torch.zeros(10, dtype=F64), 0) == 0.1).all()


# the local variant


def test_the_local_variant_is_both_delta_rules_and_sends_nothing_down() -> None:
    model, world = made(dense([]), variant="local")
    batch = pixels((6,))
    x, y = batch.x[0], F.one_hot(batch.y[0], 3).to(F64)
    w, b, c = (world.params[key][0] for key in ("forward/0/weight", "forward/0/bias", "generator/0/bias"))
    z, q = x @ w.T + b, y @ w + c
    asked = ask(model, world, batch)
    assert asked.keys() == {"forward"}
    expected = {
        "forward/0/weight": ((y - z.softmax(1)).T @ x + y.T @ (x - q.sigmoid())) / len(x),
        "forward/0/bias": (y - z.softmax(1)).mean(0),
        "generator/0/bias": (x - q.sigmoid()).mean(0),
    }
    assert asked["forward"].keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(asked["forward"][key][0], value, rtol=1e-9, atol=1e-12)
    first = next(model.rule.learn(view_of(model, world, batch)))
    assert isinstance(first.changes["forward/0/weight"], Outer)


def test_the_local_variant_learns_digits_with_plain_steps() -> None:
    keys = {"run.save": False, "probes": [], "network": "fc0", "plasticity": "sgd", "rule.lr": 0.1, "variant": "local"}
    result = simulate(keys, rule="bidirectional", data="digits", epochs=60)
    assert result.summary["test_accuracy"]["mean"] > 0.85
    assert min(result.summary["generated"]["correlation"][0]) > 0.95


# runs and refusals


def test_a_run_shows_what_it_generates_beside_the_class_means() -> None:
    result = simulate(rule="bidirectional", data="digits", network="fc0", epochs=60, overrides={"run.save": False, "probes": [], "seeds": 2})
    found = result.summary["generated"]
    assert len(found["correlation"]) == 2 and all(len(row) == 10 for row in found["correlation"])
    assert min(min(row) for row in found["correlation"]) > 0.9
    x, y = result.simulator.splits.train_x, result.simulator.splits.train_y
    params = result.parameters(seed=1)
    for k in (0, 7):  # by numpy, from the stored arrays
        made_image = 1 / (1 + torch.exp(-torch.tensor(params["forward/0/weight"][k] + params["generator/0/bias"])).double())
        mean = torch.tensor(x[y == k].mean(0).ravel()).double()
        both = torch.stack([made_image, mean])
        assert found["correlation"][1][k] == pytest.approx(torch.corrcoef(both)[0, 1].item(), abs=1e-5)
        assert found["mse"][1][k] == pytest.approx((made_image - mean).square().mean().item(), rel=1e-4)
    picture = result.findings.pictures[0]
    assert [len(row) for row in picture.rows] == [10, 10]  # type: ignore[union-attr]


def test_class_means_are_those_of_all_samples_however_they_come() -> None:
    model, world = made(dense([]))
    batch = pixels((6,))
    parts = [Batch(batch.x[:, rows], batch.y[:, rows]) for rows in (slice(0, 5), slice(5, 8))]
    expected = torch.stack([batch.x[0, batch.y[0] == c].mean(0) for c in range(3)])
    torch.testing.assert_close(class_means(parts, view_of(model, world, batch))[0], expected)


def test_iterations_say_how_long_a_run_is() -> None:
    keys = {"run.save": False, "probes": [], "network.hidden": [4], "data.limit": 250}
    run = simulate(keys, rule="bidirectional", iterations=7)  # 3 batches of 100 an epoch
    assert run.simulator.packs[0].world.step == 7 and run.summary["epochs"] == 3
    assert simulate(keys, rule="bidirectional", epochs=2).simulator.packs[0].world.step == 6
    assert resolve({"rule": "bidirectional", "network": "fc1", "data": "mnist"}, locate=False).top.iterations == 50_001
    assert resolve({"rule": "bidirectional", "network": "fc1", "data": "mnist", "epochs": 3}, locate=False).top.iterations is None
    with pytest.raises(ConfigError, match="epochs and iterations both say how long"):
        resolve({"epochs": 2, "iterations": 7})


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"network": "cnn5", "network.channels": [2, 3]}, "forward/1 has a MaxPool, and no way back"),
        ({"network": "cnn3", "network.strides": [1, 6, 2]}, r"forward/1 steps by 6 with a kernel of 5.*make network\.strides at most"),
        ({"network": "cnn3", "network.strides": [1, 2]}, "differ in length"),
        ({"network": "fc1", "data.standardise": "auto"}, r"generates pixels in 0\.\.1, these are in"),
        ({"network": "fc1", "rule.variant": "local"}, "one layer of synapses, this network has 2; use network=fc0"),
        ({"network": "fc0", "rule.variant": "local", "rule.schedule": "half"}, "has no meaning there"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_run(keys: dict, line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        simulate({"rule": "bidirectional", "data": "digits", "run.save": False, "probes": [], "epochs": 1, **keys})


def test_pooling_has_no_way_back() -> None:
    with pytest.raises(ConfigError, match="no way back through it over the same synapses"):
        Lenet.build(LenetConfig(), (1, 28, 28), (10,), Sigmoid()).transposed("generator", Identity())


def view_of(model: Model, world: World, batch: Batch) -> View:
    return view(model, world, batch, Clock())


def ask(model: Model, world: World, batch: Batch) -> dict[str, dict[str, Tensor]]:
    """What each group wants for a batch, all at the same weights."""
    drained(model, world, batch)
    found: dict[str, dict[str, Tensor]] = {}
    with torch.no_grad():
        for wanted in model.rule.learn(view_of(model, world, batch)):
            found[wanted.group] = {key: change.dense().clone() for key, change in wanted.changes.items()}
    return found
