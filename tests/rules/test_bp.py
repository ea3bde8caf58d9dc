"""Backpropagation as a rule: one exact gradient step's worth of changes, its groups and its prediction."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from rule_kit import learn
from torch import Tensor

from bioplaus.network import Network
from bioplaus.networks.convolutional import Lenet, LenetConfig
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Elu, Tanh
from bioplaus.rules.base import Group, Rule
from bioplaus.rules.bp import Backprop, BackpropConfig
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, View

SEEDS = (3, 8)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def view_of(rule: Rule, network: Network, classes: int, *, shared: bool = True) -> View:
    """A fresh world of two replicas and one batch of six samples."""
    networks, streams = rule.build(network), Streams(SEEDS, dtype=torch.float64)
    params, buffers = network.draw(streams)
    x = 1 + randn(1 if shared else 2, 6, *network.in_shape, seed=1)
    y = torch.randint(classes, x.shape[:2], generator=torch.Generator().manual_seed(2))
    return View(networks, params, buffers, {}, Batch(x, y), Clock(), streams, Classification(classes))


@pytest.mark.parametrize("shared", [True, False])
def test_changes_of_a_perceptron_are_minus_its_gradients(shared: bool) -> None:
    network, rule = Mlp.build(MlpConfig(hidden=[6, 5], bias=True), (7,), (4,), Elu()), Backprop()
    view = view_of(rule, network, 4, shared=shared)
    kept = {key: value.clone() for key, value in view.params.items()}
    (wanted,), learned = learn(rule, view)
    assert wanted.group == "forward" and wanted.mask is None and set(wanted.changes) == set(view.params)
    for r in range(2):
        leaves = {key: value[r].clone().requires_grad_() for key, value in view.params.items()}
        h, y = view.batch.x[0 if shared else r], view.batch.y[0 if shared else r]
        for i in range(3):
            h = F.linear(h, leaves[f"forward/{i}/weight"], leaves[f"forward/{i}/bias"])
            h = F.elu(h) if i < 2 else h
        loss = F.cross_entropy(h, y)
        assert learned.metrics["loss"][r].item() == pytest.approx(loss.item(), rel=1e-12)
        for key, grad in zip(leaves, torch.autograd.grad(loss, list(leaves.values()))):
            torch.testing.assert_close(wanted.changes[key].dense()[r], -grad, rtol=1e-10, atol=1e-12)
    assert learned.metrics["loss"].shape == (2,) and learned.running == {}
    assert all(torch.equal(value, kept[key]) for key, value in view.params.items())


def test_changes_of_lenet_are_minus_its_gradients() -> None:
    network, rule = Lenet.build(LenetConfig(channels=[2, 3], hidden=[5, 4]), (1, 28, 28), (4,), Tanh()), Backprop()
    view = view_of(rule, network, 4)
    (wanted,), _ = learn(rule, view)
    for r in range(2):
        leaves = {key: value[r].clone().requires_grad_() for key, value in view.params.items()}
        h = view.batch.x[0]
        for i, padding in ((0, 2), (1, 0)):
            h = F.conv2d(h, leaves[f"forward/{i}/weight"], leaves[f"forward/{i}/bias"], padding=padding)
            h = F.max_pool2d(torch.tanh(h), 2)
        h = h.flatten(1)
        for i in (2, 3, 4):
            h = F.linear(h, leaves[f"forward/{i}/weight"], leaves[f"forward/{i}/bias"])
            h = torch.tanh(h) if i < 4 else h
        grads = torch.autograd.grad(F.cross_entropy(h, view.batch.y[0]), list(leaves.values()))
        assert set(wanted.changes) == set(leaves)
        for key, grad in zip(leaves, grads):
            torch.testing.assert_close(wanted.changes[key].dense()[r], -grad, rtol=1e-10, atol=1e-12)


def test_learning_normalises_by_the_batch_and_predicting_by_the_running_means() -> None:
    network, rule = Mlp.build(MlpConfig(hidden=[6], norm="batch"), (7,), (4,), Tanh()), Backprop()
    view = view_of(rule, network, 4)
    (wanted,), learned = learn(rule, view)
    predicted = rule.predict(view)
    for r in range(2):
        w, v = view.params["forward/0/weight"][r], view.params["forward/1/weight"][r]
        z = view.batch.x[0] @ w.T
        mean, variance = torch.zeros(6).double(), torch.ones(6).double()
        fixed = torch.tanh(F.batch_norm(z, mean, variance)) @ v.T
        torch.testing.assert_close(predicted[r], fixed, rtol=1e-10, atol=1e-10)
        moving = torch.tanh(F.batch_norm(z, mean, variance, training=True)) @ v.T
        loss = F.cross_entropy(moving, view.batch.y[0])
        assert learned.metrics["loss"][r].item() == pytest.approx(loss.item(), rel=1e-10)
        torch.testing.assert_close(learned.running["forward/0/norm/mean"][r], mean, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(learned.running["forward/0/norm/variance"][r], variance, rtol=1e-12, atol=1e-12)
    assert {"forward/0/norm/gain", "forward/0/norm/shift"} < set(wanted.changes)


def test_one_group_of_all_that_the_error_reaches() -> None:
    network = Mlp.build(MlpConfig(hidden=[6], bias=True, norm="batch", dendrites=True), (7,), (4,), Tanh())
    rule = Backprop(BackpropConfig(lr=(0.1, 0.2)))  # type: ignore[arg-type]
    assert rule.build(network) == {"forward": network}
    group = rule.groups({"forward": network})["forward"]
    assert group.rate == (0.1, 0.2) and not group.frozen
    assert set(group.leaves) == {
        "forward/0/weight",
        "forward/0/bias",
        "forward/0/norm/gain",
        "forward/0/norm/shift",
        "forward/0/dendrites/u",
        "forward/1/weight",
        "forward/1/bias",
        "forward/1/dendrites/u",
    }
    assert Backprop().groups({"forward": network})["forward"].rate == 0.1
    assert rule.init({"forward": network}, {}, Streams(SEEDS)) == {}


@pytest.mark.parametrize(
    ("rate", "frozen"), [(None, True), (0.0, True), (0, True), ((0.0, 0.0), True), (0.1, False), ((0.0, 0.1), False)]
)
def test_group_is_frozen_when_no_replica_has_a_rate(rate: float | tuple[float, ...] | None, frozen: bool) -> None:
    assert Group(("w",), rate).frozen is frozen


def test_backprop_owns_up_to_weight_transport() -> None:
    assert Backprop.plausibility.weight_transport and any("weight transport" in v for v in Backprop.plausibility.violated)
