"""Predictive coding: Z-IL against autograd, one relaxation against the energy's own gradient, energy that only falls, separate feedback."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from rule_kit import learn
from torch import Tensor

from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.rules.pc import PredictiveCoding, PredictiveCodingConfig
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, View

CLASSES = 4


def view_of(rule: PredictiveCoding, network: Network) -> View:
    """Two replicas, five samples each of their own."""
    networks, streams = rule.build(network), Streams((3, 8), dtype=torch.float64)
    draw = torch.Generator().manual_seed(1)
    params = {key: value for one in networks.values() for key, value in one.draw(streams)[0].items()}
    params = {key: value + 0.1 if key.endswith("bias") else value for key, value in params.items()}
    x = torch.randn(2, 5, *network.in_shape, generator=draw, dtype=torch.float64)
    y = torch.randint(CLASSES, (2, 5), generator=draw)
    return View(networks, params, {}, {}, Batch(x, y), Clock(), streams, Classification(CLASSES))


def make(**settings: object) -> PredictiveCoding:
    return PredictiveCoding(PredictiveCodingConfig(**settings))  # type: ignore[arg-type]


def mlp() -> Network:
    return Mlp.build(MlpConfig(hidden=[7, 6], bias=True), (5,), (CLASSES,), Tanh())


def cnn() -> Network:
    return Cnn5.build(Cnn5Config(channels=[3, 4], bias=True), (2, 8, 8), (CLASSES,), Tanh())


def outputs(leaves: dict[str, Tensor], x: Tensor) -> Tensor:
    """The same network in torch's words: convolutions are followed by a pool, dense layers by nothing."""
    depth = len([key for key in leaves if key.endswith("weight")])
    for i in range(depth):
        w, b = leaves[f"forward/{i}/weight"], leaves[f"forward/{i}/bias"]
        last = i == depth - 1
        if w.dim() == 4:
            x = F.max_pool2d(torch.tanh(F.conv2d(x, w, b, padding=1)), 2)
        else:
            x = F.linear(x.flatten(1), w, b)
            x = x if last else torch.tanh(x)
    return x


@pytest.mark.parametrize("output", ["task", "squared"])
@pytest.mark.parametrize("network", [mlp, cnn], ids=["5-7-6-4", "conv"])
def test_zil_is_minus_the_gradient(network: object, output: str) -> None:
    rule = make(inference="zil", output=output)
    view = view_of(rule, network())  # type: ignore[operator]
    (wanted,), learned = learn(rule, view)
    for r in range(2):
        leaves = {key: value[r].clone().requires_grad_() for key, value in view.params.items()}
        out, y = outputs(leaves, view.batch.x[r]), view.batch.y[r]
        entropy = F.cross_entropy(out, y)
        loss = entropy if output == "task" else (F.one_hot(y, CLASSES) - out).square().sum(-1).mean() / 2
        assert learned.metrics["loss"][r].item() == pytest.approx(entropy.item(), rel=1e-12)
        assert learned.metrics["energy_start"][r].item() == pytest.approx(loss.item(), rel=1e-12)
        for key, grad in zip(leaves, torch.autograd.grad(loss, list(leaves.values()))):
            torch.testing.assert_close(wanted.changes[key].dense()[r], -grad, rtol=0, atol=1e-14)


def energy(w: list[Tensor], x: Tensor, states: list[Tensor], target: Tensor) -> Tensor:
    """F of 5-7-6-4 without biases, the sum over samples."""
    h, total = x, torch.zeros((), dtype=x.dtype)
    for weight, state in zip(w, [*states, target]):
        total = total + (state - h @ weight.T).square().sum() / 2
        h = torch.tanh(state)
    return total


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_relaxation_runs_down_the_energy_and_learning_too(steps: int) -> None:
    rule = make(steps=steps, gamma=0.15, output="squared")
    view = view_of(rule, Mlp.build(MlpConfig(hidden=[7, 6]), (5,), (CLASSES,), Tanh()))
    (wanted,), learned = learn(rule, view)
    for r in range(2):
        w = [view.params[f"forward/{i}/weight"][r].clone().requires_grad_() for i in range(3)]
        x, target = view.batch.x[r], F.one_hot(view.batch.y[r], CLASSES).double()
        first = x @ w[0].T
        states = [s.detach() for s in (first, torch.tanh(first) @ w[1].T)]
        for _ in range(steps):
            states = [s.detach().requires_grad_() for s in states]
            forces = torch.autograd.grad(energy(w, x, states, target), states)
            states = [(s - 0.15 * force).detach() for s, force in zip(states, forces)]
        last = energy(w, x, states, target) / 5
        assert learned.metrics["energy"][r].item() == pytest.approx(last.item(), rel=1e-12)
        for i, grad in enumerate(torch.autograd.grad(last, w)):
            torch.testing.assert_close(wanted.changes[f"forward/{i}/weight"].dense()[r], -grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("network", [mlp, cnn], ids=["mlp", "conv"])
def test_the_energy_never_rises(network: object) -> None:
    found = []
    for steps in range(0, 40, 3):
        rule = make(steps=steps, gamma=0.1)
        found.append(learn(rule, view_of(rule, network()))[1].metrics["energy"])  # type: ignore[operator]
    course = torch.stack(found)
    assert (course.diff(dim=0) <= 0).all() and (course[-1] < 0.99 * course[0]).all()


def test_separate_feedback_learns_by_the_same_product_and_reads_no_forward_weight() -> None:
    rule = make(feedback="separate", lr=0.2, lr_feedback=0.05)
    view = view_of(rule, mlp())
    forward, backward = learn(rule, view)[0]
    groups = rule.groups(view.networks)
    assert groups["forward"].rate == 0.2 and groups["backward"].rate == 0.05
    assert set(groups["backward"].leaves) == {"backward/1/weight", "backward/2/weight"} == set(backward.changes)
    for i in (1, 2):
        mine, theirs = backward.changes[f"backward/{i}/weight"].dense(), forward.changes[f"forward/{i}/weight"].dense()
        assert torch.equal(mine, theirs) and mine.abs().max() > 1e-3
        assert torch.equal(rule.feedback(view)[f"forward/{i}/weight"], view.params[f"backward/{i}/weight"])
    assert not rule.statement().weight_transport and PredictiveCoding().statement().weight_transport
    assert make(inference="zil").statement().backward_locking


def test_separate_feedback_equal_to_the_weights_is_the_transpose() -> None:
    separate, shared = make(feedback="separate"), make()
    view = view_of(separate, mlp())
    for i in (1, 2):
        view.params[f"backward/{i}/weight"].copy_(view.params[f"forward/{i}/weight"])  # type: ignore[union-attr]
    one, other = learn(separate, view)[0][0], learn(shared, view_of(shared, mlp()))[0][0]
    for key, change in other.changes.items():
        torch.testing.assert_close(one.changes[key].dense(), change.dense(), rtol=1e-12, atol=1e-15)
