"""Hybrid adversarial networks against autograd: three steps, their order, their noise, and what each of them may change."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from rule_kit import model_of, step
from torch import Tensor
from two_way_kit import dense, gradients, logits, pixels, scores, strided, with_biases

from bioplaus import simulate
from bioplaus.build import build_model
from bioplaus.config import resolve
from bioplaus.data.base import DataConfig, Raw
from bioplaus.data.splitting import split
from bioplaus.network import Network
from bioplaus.neurons.rectified import LeakyRelu, Relu
from bioplaus.rules.han import HybridAdversarial, HybridAdversarialConfig
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

ORDER = ["forward", "discriminator", "generator"]


def made(network: Network, **config: object) -> tuple[Model, World]:
    settings = HybridAdversarialConfig(**{"lr": 0.5, "lr_generator": 0.3, **config})  # type: ignore[arg-type]
    model, world = model_of(HybridAdversarial(settings), network, (1,))
    return model, with_biases(world)


def noise(model: Model, whose: str, samples: int) -> Tensor:
    """The numbers that the rule draws at step 0."""
    return model.streams.at(0).uniform(f"han/{whose}", (samples, 3), -1.0, 1.0)[0]


def judged(p: dict[str, Tensor], x: Tensor, f: object, layers: int) -> Tensor:
    own = {key.replace("discriminator", "forward"): value for key, value in p.items() if key.startswith("discriminator")}
    return scores(own, x, f, layers)  # type: ignore[arg-type]


def bce(logit: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, target))


@torch.no_grad()
def asked(model: Model, world: World, batch: Batch, clock: Clock | None = None) -> list[tuple[str, dict[str, Tensor]]]:
    """Groups and changes in order, all at the same weights."""
    rule = model.rule.learn(view(model, world, batch, clock or Clock()))
    return [(wanted.group, {key: change.dense().clone() for key, change in wanted.changes.items()}) for wanted in rule]


@pytest.mark.parametrize("hidden", [[], [5], [5, 4]])
def test_three_steps_are_autograds_gradients(hidden: list[int]) -> None:
    """T10. One step of the classifier, one of the discriminator, one of the generator, in this order, with noise of their own."""
    model, world = made(dense(hidden, "tanh"))
    batch, depth, f = pixels((6,)), len(hidden) + 1, torch.tanh
    x, y, params = batch.x[0], batch.y[0], dict(world.params)
    first, second = (noise(model, whose, len(x)) for whose in ("discriminator", "generator"))
    assert not torch.equal(first, second) and first.abs().max() <= 1 and first.min() < 0
    generated = logits(params, first, f, depth).sigmoid()
    losses = {
        "forward": lambda p: F.cross_entropy(scores(p, x, f, depth), y),
        "discriminator": lambda p: bce(judged(p, x, f, depth), 1) + bce(judged(p, generated, f, depth), 0),
        "generator": lambda p: bce(judged(params, logits(p, second, f, depth).sigmoid(), f, depth), 1),  # type: ignore[arg-type]
    }
    found = asked(model, world, batch)
    assert [group for group, _ in found] == ORDER
    for group, changes in found:
        expected = gradients(params, losses[group])  # type: ignore[arg-type]
        assert changes.keys() == expected.keys()
        for key, value in expected.items():
            torch.testing.assert_close(changes[key], value, rtol=1e-9, atol=1e-12)


def test_the_losses_are_those_of_the_pass() -> None:
    model, world = made(dense([4], "tanh"), lr=0.0, lr_generator=0.0, lr_discriminator=0.0)
    batch, params = pixels((6,)), dict(world.params)
    found = step(model, world, batch).metrics
    x, f = batch.x[0], torch.tanh
    first, second = (logits(params, noise(model, whose, len(x)), f, 2).sigmoid() for whose in ("discriminator", "generator"))
    judge = bce(judged(params, x, f, 2), 1) + bce(judged(params, first, f, 2), 0)  # type: ignore[arg-type]
    assert found["discriminator_loss"].item() == pytest.approx(judge.item(), rel=1e-9)
    assert found["generator_loss"].item() == pytest.approx(bce(judged(params, second, f, 2), 1).item(), rel=1e-9)  # type: ignore[arg-type]


def test_each_step_reads_what_the_last_one_left() -> None:
    """By hand, with plain steps: classifier, then discriminator at the new W, then generator at the new W and the new discriminator."""
    batch = pixels((6,))
    model, world = made(dense([4], "tanh"))
    x, y, f, params = batch.x[0], batch.y[0], torch.tanh, {key: value.clone() for key, value in world.params.items()}
    first, second = (noise(model, whose, len(x)) for whose in ("discriminator", "generator"))

    def move(rate: float, loss: object) -> None:
        for key, change in gradients(params, loss).items():  # type: ignore[arg-type]
            params[key] = params[key] + rate * change

    move(0.5, lambda p: F.cross_entropy(scores(p, x, f, 2), y))
    false = logits(params, first, f, 2).sigmoid()
    move(0.5, lambda p: bce(judged(p, x, f, 2), 1) + bce(judged(p, false, f, 2), 0))
    judge = dict(params)
    move(0.3, lambda p: bce(judged(judge, logits(p, second, f, 2).sigmoid(), f, 2), 1))
    step(model, world, batch)
    for key, value in params.items():
        torch.testing.assert_close(world.params[key], value, rtol=1e-8, atol=1e-11)


def test_the_generator_is_taught_through_a_convolutional_discriminator_with_norms() -> None:
    """Finite differences of its loss in single weights and biases, batch statistics and all."""
    network = strided(norm="batch", side=6)
    model, world = made(network, generator_norm="dense")
    batch = pixels(network.in_shape, samples=6)
    z = noise(model, "generator", 6).unsqueeze(0)
    changes = dict(asked(model, world, batch))["generator"]

    def loss(params: dict[str, Tensor]) -> float:
        image = model.networks["generator"].forward(params, z, world.buffers, train=True).out.sigmoid()
        return bce(model.networks["discriminator"].forward(world.params, image, world.buffers, train=True).out, 1).item()

    for key in ("forward/0/weight", "forward/1/weight", "forward/2/weight", "forward/3/weight", "generator/1/norm/gain", "generator/3/bias"):
        sides = []
        for sign in (1, -1):
            moved = {name: value.clone() for name, value in world.params.items()}
            moved[key].view(-1)[1] += sign * 1e-6
            sides.append(loss(moved))
        assert changes[key].flatten()[1].item() == pytest.approx(-(sides[0] - sides[1]) / 2e-6, rel=1e-4, abs=1e-9), key


def test_labels_reach_the_classifier_alone() -> None:
    model, world = made(dense([4], "tanh"))
    batch = pixels((6,))
    one, other = (dict(asked(model, world, Batch(batch.x, y))) for y in (batch.y, (batch.y + 1) % 3))
    assert not torch.equal(one["forward"]["forward/0/weight"], other["forward"]["forward/0/weight"])
    for group in ("discriminator", "generator"):
        assert all(torch.equal(value, other[group][key]) for key, value in one[group].items())


def test_schedules() -> None:
    for schedule, first, last in (("bl", ORDER, ORDER), ("half", ORDER, ["forward"]), ("bp", ["forward"], ["forward"])):
        model, world = made(dense([4]), schedule=schedule)
        for at, expected in ((4, first), (5, last)):
            assert [group for group, _ in asked(model, world, pixels((6,)), Clock(step=at, steps_total=11))] == expected


def test_the_published_convolutional_network_and_its_three_passes() -> None:
    """28-14-7 and back; norms of the classifier above the second convolution, of the generator wherever a dense layer lands, units of each."""
    settings = resolve({"rule": "han", "data": "mnist", "network": "han_cnn2"}, locate=False)
    blank = torch.zeros(20, 1, 28, 28).numpy()
    labels = torch.arange(20).remainder(10).numpy()
    splits = split(Raw(blank, labels, blank[:5], labels[:5], 10, (1, 28, 28), mean=(0.0,), std=(1.0,)), DataConfig("toy"))
    model = build_model(settings, splits, [0], torch.device("cpu"))
    up, down, judge = (model.networks[name] for name in ("forward", "generator", "discriminator"))
    assert [layer.out_shape for layer in up.layers] == [(64, 14, 14), (128, 7, 7), (1024,), (10,)]
    assert [layer.out_shape for layer in down.layers] == [(1024,), (128, 7, 7), (64, 14, 14), (1, 28, 28)]
    assert [layer.out_shape for layer in judge.layers] == [(64, 14, 14), (128, 7, 7), (1024,), (1,)]
    assert [layer.norm is not None for layer in up.layers] == [False, True, False, False]
    assert [layer.norm is not None for layer in down.layers] == [True, True, False, False]
    assert [layer.norm is not None for layer in judge.layers] == [False, True, False, False]
    assert isinstance(up.layers[2].neuron, Relu) and all(isinstance(up.layers[i].neuron, LeakyRelu) for i in (0, 1))
    assert up.layers[0].neuron.config.leak == 0.2 and all(isinstance(layer.neuron, Relu) for layer in down.layers[:3])
    assert all(isinstance(layer.neuron, LeakyRelu) for layer in judge.layers[:3])
    assert settings.plasticity.beta1 == 0.5 and (settings.rule.lr, settings.rule.lr_generator, settings.top.iterations) == (2e-4, 1e-3, 500_001)
    bare = resolve({"rule": "han", "data": "mnist", "network": "han_cnn2_nobias"}, locate=False)
    assert not bare.network.bias and bare.network.norm == "batch_fixed"


def test_a_short_run_classifies() -> None:
    keys = {"run.save": False, "probes": [], "rule.lr": 0.003, "rule.lr_generator": 0.003, "network.hidden": [32]}
    result = simulate(keys, rule="han", data="digits", network="han_fc1", epochs=15)
    assert result.summary["test_accuracy"]["mean"] > 0.85
    assert len(result.summary["generated"]["mse"][0]) == 10
