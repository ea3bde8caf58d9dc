"""Loss and accuracy on whole sets against torch's own, whatever the chunks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.evaluation import evaluate, predict
from bioplaus.feed import Feed
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Elu
from bioplaus.plasticity.sgd import Sgd
from bioplaus.rules.bp import Backprop
from bioplaus.streams import Streams
from bioplaus.tasks import Classification, Regression, Task
from bioplaus.world import Model, World, new_world

SEEDS, SAMPLES = (0, 1, 2), 11


def make(task: Task, dtype: torch.dtype = torch.float64, **config: Any) -> tuple[Model, World]:
    network = Mlp.build(MlpConfig(hidden=[6], **config), (4,), (3,), Elu())
    rates = {"forward": torch.ones(3, dtype=dtype)}
    rule = Backprop()
    groups = rule.groups({"forward": network})
    model = Model(rule, {"forward": network}, groups, rates, Sgd(), task, Streams(SEEDS, dtype=dtype))
    return model, new_world(model)


def inputs(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(3)
    x = torch.randn(SAMPLES, 4, dtype=torch.float64, generator=draw).to(dtype)
    return 2 * x, torch.randint(3, (SAMPLES,), generator=draw)


def output(world: World, r: int, x: Tensor) -> Tensor:
    return F.elu(x @ world.params["forward/0/weight"][r].T) @ world.params["forward/1/weight"][r].T


@pytest.mark.parametrize("chunk", [1, 4, 10, SAMPLES, 2048])
def test_means_weigh_each_sample_once(chunk: int) -> None:
    """11 samples in chunks of 4 and 10: the last chunk is short and must count for less."""
    model, world = make(Classification(3))
    x, y = inputs()
    scores = evaluate(model, world, Feed(x, y), chunk=chunk)
    assert scores.keys() == {"loss", "accuracy"}
    for r in range(3):
        out = output(world, r, x)
        torch.testing.assert_close(scores["loss"][r], F.cross_entropy(out, y))
        assert scores["accuracy"][r].item() == pytest.approx(sum(out.argmax(1) == y).item() / SAMPLES, abs=1e-15)
    assert len(set(scores["loss"].tolist())) == 3


def test_scores_are_float64_whatever_the_weights() -> None:
    model, world = make(Classification(3), torch.float32)
    x, y = inputs(torch.float32)
    scores = evaluate(model, world, Feed(x, y), chunk=3)
    assert all(value.dtype == torch.float64 and value.shape == (3,) for value in scores.values())
    torch.testing.assert_close(scores["loss"][1].float(), F.cross_entropy(output(world, 1, x), y))


@pytest.mark.parametrize("chunk", [4, 2048])
def test_regression_has_a_loss_and_no_accuracy(chunk: int) -> None:
    model, world = make(Regression())
    x, _ = inputs()
    target = x[:, :3] * 0.5
    scores = evaluate(model, world, Feed(x, target), chunk=chunk)
    assert scores.keys() == {"loss"}
    for r in range(3):
        torch.testing.assert_close(scores["loss"][r], F.mse_loss(output(world, r, x), target))


def test_no_samples_no_scores() -> None:
    model, world = make(Classification(3))
    x, y = inputs()
    assert evaluate(model, world, Feed(x[:0], y[:0])) == {}


def test_running_means_are_used_and_kept() -> None:
    """With the statistics of its own chunk a single sample would give 0 at every normalised unit."""
    model, world = make(Classification(3), norm="batch")
    x, y = inputs()
    world.buffers["forward/0/norm/mean"].fill_(0.3)
    world.buffers["forward/0/norm/variance"].fill_(2.0)
    before = {key: value.clone() for key, value in world.arrays().items()}
    scores = evaluate(model, world, Feed(x, y), chunk=1)
    for r in range(3):
        current = (x @ world.params["forward/0/weight"][r].T - 0.3) / (2.0 + 1e-5) ** 0.5
        out = F.elu(current) @ world.params["forward/1/weight"][r].T
        torch.testing.assert_close(scores["loss"][r], F.cross_entropy(out, y))
    assert all(torch.equal(value, before[key]) for key, value in world.arrays().items())


def test_prediction_with_other_weights_leaves_the_world_alone() -> None:
    model, world = make(Classification(3))
    x, y = inputs()
    batch = next(Feed(x, y).chunks(SAMPLES))
    own = predict(model, world, batch)
    doubled = predict(model, world, batch, {key: 2 * value for key, value in world.params.items()})
    assert own.shape == doubled.shape == (3, SAMPLES, 3)
    for r in range(3):
        torch.testing.assert_close(own[r], output(world, r, x))
        w = [world.params[f"forward/{i}/weight"][r] for i in range(2)]
        torch.testing.assert_close(doubled[r], F.elu(2 * x @ w[0].T) @ (2 * w[1]).T)
