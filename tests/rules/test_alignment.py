"""Rules that send the error down through another matrix: against autograd, against each other, and against angles known in closed form."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from rule_kit import classes, conv, drained, mlp, model_of, reached, step
from torch import Tensor

from bioplaus.probes.geometry import angle
from bioplaus.rules.brsf import BatchRandomSign
from bioplaus.rules.dfa import DirectFeedback, DirectFeedbackConfig
from bioplaus.rules.drtp import TargetProjection
from bioplaus.rules.fa import FeedbackAlignment, FeedbackAlignmentConfig
from bioplaus.rules.frsf import FixedRandomSign
from bioplaus.rules.kp import KolenPollack, KolenPollackConfig
from bioplaus.rules.mirror import WeightMirror, WeightMirrorConfig
from bioplaus.rules.usf import UniformSign, UniformSignConfig
from bioplaus.view import Clock
from bioplaus.world import view

NETWORKS = {"mlp": mlp, "conv": conv}
ALIGNED = (FeedbackAlignment, UniformSign, FixedRandomSign, BatchRandomSign, KolenPollack, WeightMirror)


def through_matrices(weights: list[Tensor], back: list[Tensor], x: Tensor, y: Tensor) -> list[Tensor]:
    """Minus the change of every layer of a tanh network, one replica, the error sent down through ``back``; an independent loop."""
    h, slopes = [x], []
    for i, w in enumerate(weights):
        z = h[-1] @ w.T
        h.append(torch.tanh(z) if i < len(weights) - 1 else z)
        slopes.append(1 - torch.tanh(z) ** 2)
    d = (F.softmax(h[-1], -1) - F.one_hot(y, h[-1].shape[-1])) / len(x)
    found = [d.T @ h[-2]]
    for i in reversed(range(len(weights) - 1)):
        d = (d @ back[i]) * slopes[i]
        found.insert(0, d.T @ h[i])
    return found


@pytest.mark.parametrize("kind", NETWORKS)
def test_with_the_forward_weights_it_is_backprop(kind: str) -> None:
    """FA with B = W: the gradient of the loss by autograd, to 1e-12."""
    network, batch = NETWORKS[kind]("tanh"), classes(NETWORKS[kind]("tanh").in_shape)
    model, world = model_of(FeedbackAlignment(), network, (0, 1))
    for key in model.networks["backward"].leaves:
        world.params[key].copy_(world.params[key.replace("backward", "forward")])
    wanted, _ = drained(model, world, batch)
    leaves = {key: world.params[key].clone().requires_grad_() for key in network.leaves}
    model.task.loss(network.forward(leaves, batch.x, train=True).out, batch.y).sum().backward()
    for key, leaf in leaves.items():
        assert leaf.grad is not None
        torch.testing.assert_close(wanted[key], -leaf.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", [FeedbackAlignment, UniformSign, FixedRandomSign])
def test_changes_are_those_of_an_independent_loop(rule: type) -> None:
    network, batch = mlp("tanh"), classes((6,))
    model, world = model_of(rule(), network, (4,))
    w = [world.params[f"forward/{i}/weight"][0] for i in range(3)]
    b = [world.params[f"backward/{i}/weight"][0] if rule is not UniformSign else torch.ones(()) for i in (1, 2)]
    q = [1 / math.sqrt(3 * 7), 1 / math.sqrt(3 * 5)]
    used = {
        FeedbackAlignment: b,
        FixedRandomSign: [m.abs() * torch.sign(v) for m, v in zip(b, w[1:])],
        UniformSign: [size * torch.sign(v) for size, v in zip(q, w[1:])],
    }[rule]
    wanted, _ = drained(model, world, batch)
    for i, expected in enumerate(through_matrices(w, used, batch.x[0], batch.y[0])):
        torch.testing.assert_close(wanted[f"forward/{i}/weight"][0], -expected, rtol=0, atol=1e-13)


def test_feedback_never_changes_and_the_angle_falls() -> None:
    """B stays bit for bit; the error's way down comes to agree with backprop's: from about 90 degrees to clearly below."""
    network, batch = mlp("tanh", (6, 40, 40, 3)), classes((6,), 60)
    model, world = model_of(FeedbackAlignment(FeedbackAlignmentConfig(lr=0.5)), network, (0, 1, 2))
    fixed = {key: world.params[key].clone() for key in model.networks["backward"].leaves}
    before = angle(world.params["forward/1/weight"], fixed["backward/1/weight"])
    assert ((before - 90).abs() < 5).all()
    for _ in range(300):
        step(model, world, batch)
    assert all(torch.equal(world.params[key], value) for key, value in fixed.items())
    after = [angle(world.params[f"forward/{i}/weight"], fixed[f"backward/{i}/weight"]) for i in (1, 2)]
    assert (torch.stack(after).mean(0) < 80).all()


@pytest.mark.parametrize(("rule", "moves"), [(FeedbackAlignment, True), (DirectFeedback, True), (UniformSign, False)])
def test_from_zero_weights(rule: type, moves: bool) -> None:
    """All-zero tanh network: the output layer has no input, so backprop is stuck; random feedback moves layer 1 at once."""
    network, batch = mlp("tanh"), classes((6,))
    model, world = model_of(rule(), network, (0,))
    for key in network.leaves:
        world.params[key].zero_()
    wanted, _ = drained(model, world, batch)
    assert bool(wanted["forward/0/weight"].any()) is moves
    assert not wanted["forward/2/weight"].any()


def test_one_hidden_layer_makes_direct_and_plain_alignment_one() -> None:
    network, batch = mlp("tanh", (6, 7, 3)), classes((6,))
    plain, plain_world = model_of(FeedbackAlignment(), network, (3,))
    direct, direct_world = model_of(DirectFeedback(), network, (3,))
    direct_world.params["direct/0/weight"].copy_(plain_world.params["backward/1/weight"].mT)
    (a, _), (b, _) = drained(plain, plain_world, batch), drained(direct, direct_world, batch)
    for key in network.leaves:
        torch.testing.assert_close(a[key], b[key], rtol=0, atol=1e-14)


@pytest.mark.parametrize("rule", [DirectFeedback, TargetProjection])
@pytest.mark.parametrize("kind", NETWORKS)
def test_direct_rules_are_gradients_of_a_local_product(rule: type, kind: str) -> None:
    """Each hidden change is the gradient of ``sum <s R_l, h_l>`` by autograd, the input of the layer held; s is the error or label / B."""
    network, batch = NETWORKS[kind]("tanh"), classes(NETWORKS[kind]("tanh").in_shape)
    model, world = model_of(rule(), network, (5,))
    wanted, _ = drained(model, world, batch)
    run = network.forward(world.params, batch.x)
    onehot = F.one_hot(batch.y, 3).double()
    signal = (onehot - F.softmax(run.out, -1)) / 9 if rule is DirectFeedback else onehot / 9
    h = batch.x
    for i, layer in enumerate(network.layers[:-1]):
        w = world.params[layer.weight].clone().requires_grad_()
        out = reached(layer, {layer.weight: w}, h.detach())
        sent = torch.einsum("rbk,rdk->rbd", signal, world.params[f"direct/{i}/weight"])
        (sent * out.flatten(2)).sum().backward()
        assert w.grad is not None
        torch.testing.assert_close(wanted[layer.weight], w.grad, rtol=0, atol=1e-13)
        h = out


def test_the_broadcast_weights_have_the_stated_spread() -> None:
    """R from U(-1, 1)/sqrt(K): bound and variance 1/(3K)."""
    _, world = model_of(DirectFeedback(DirectFeedbackConfig(feedback_scale=2.0)), mlp("tanh", (6, 4000, 3)), (0,))
    r = world.params["direct/0/weight"] / 2
    assert r.abs().max() <= 1 / math.sqrt(3)
    assert r.var().item() == pytest.approx(1 / 9, rel=0.05)


def test_scaling_one_matrix_scales_every_error_below() -> None:
    network, batch = mlp("tanh", (6, 7, 5, 4, 3)), classes((6,))
    model, world = model_of(FeedbackAlignment(), network, (0,))
    before, _ = drained(model, world, batch)
    world.params["backward/2/weight"] *= 3
    after, _ = drained(model, world, batch)
    for i, factor in enumerate((3, 3, 1, 1)):
        torch.testing.assert_close(after[f"forward/{i}/weight"], factor * before[f"forward/{i}/weight"], rtol=1e-12, atol=0)


@pytest.mark.parametrize("rule", [UniformSign, FixedRandomSign, BatchRandomSign])
def test_signs_follow_the_forward_weights(rule: type) -> None:
    network, batch = mlp("tanh"), classes((6,))
    model, world = model_of(rule(), network, (0,))
    for turn in range(3):
        used = model.rule.feedback(view(model, world, batch, Clock(turn)))
        assert used.keys() == {"forward/1/weight", "forward/2/weight"}
        assert all(torch.equal(value.sign(), world.params[key].sign()) for key, value in used.items())
        step(model, world, batch)


def test_only_batch_magnitudes_are_drawn_anew() -> None:
    network, batch = mlp("tanh"), classes((6,))
    for rule, fixed in ((FixedRandomSign, True), (BatchRandomSign, False)):
        model, world = model_of(rule(), network, (0,))
        first, second = (model.rule.feedback(view(model, world, batch, Clock(t)))["forward/1/weight"].abs() for t in (0, 1))
        assert torch.equal(first, second) is fixed


def test_angles_known_in_closed_form() -> None:
    """Uniform weights: sign(W) stands at arccos(sqrt(3)/2) = 30.00 degrees, |B| sign(W) at arccos(3/4) = 41.41, independent B at 90."""
    network, batch = mlp("tanh", (3, 600, 500, 3)), classes((3,))
    expected = {UniformSign: 30.0, FixedRandomSign: math.degrees(math.acos(0.75)), BatchRandomSign: 41.4096, FeedbackAlignment: 90.0}
    for rule, degrees in expected.items():
        model, world = model_of(rule(), network, (0,))
        used = model.rule.feedback(view(model, world, batch, Clock()))["forward/1/weight"]
        found = angle(used, world.params["forward/1/weight"]).item()
        assert found == pytest.approx(degrees, abs=0.5), rule  # one standard deviation of the last is 0.10


def test_uniform_sign_has_the_size_of_the_start() -> None:
    network, batch = mlp("tanh", (6, 7, 5, 3)), classes((6,))
    model, world = model_of(UniformSign(UniformSignConfig(feedback_scale=2.0)), network, (0,))
    used = model.rule.feedback(view(model, world, batch, Clock()))
    assert torch.unique(used["forward/1/weight"].abs()).tolist() == pytest.approx([2 / math.sqrt(21)], rel=1e-12)


def test_kolen_pollack_contracts_the_difference() -> None:
    """``B - W`` shrinks by ``1 - lr decay`` a step, exactly, whatever the data."""
    network, batch = mlp("tanh"), classes((6,))
    model, world = model_of(KolenPollack(KolenPollackConfig(lr=0.5, decay=0.2)), network, (0, 1))
    start = {i: world.params[f"backward/{i}/weight"] - world.params[f"forward/{i}/weight"] for i in (1, 2)}
    for _ in range(7):
        step(model, world, batch)
    for i, value in start.items():
        now = world.params[f"backward/{i}/weight"] - world.params[f"forward/{i}/weight"]
        torch.testing.assert_close(now, value * (1 - 0.1) ** 7, rtol=1e-11, atol=1e-14)


def test_kolen_pollack_moves_the_forward_weights_as_alignment_with_decay() -> None:
    network, batch = mlp("tanh"), classes((6,))
    model, world = model_of(KolenPollack(KolenPollackConfig(decay=0.3)), network, (2,))
    other, theirs = model_of(FeedbackAlignment(), network, (2,))
    (wanted, _), (plain, _) = drained(model, world, batch), drained(other, theirs, batch)
    for i in range(3):
        key = f"forward/{i}/weight"
        torch.testing.assert_close(wanted[key], plain[key] - 0.3 * world.params[key], rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_mirror_shows_the_weight(kind: str) -> None:
    """The mean over many noise patterns is W, kernels at the rim of an image included: within 5 standard errors everywhere."""
    network, batch = NETWORKS[kind]("tanh"), classes(NETWORKS[kind]("tanh").in_shape)
    rule, draws = WeightMirror(WeightMirrorConfig(noise_samples=400)), 60
    model, world = model_of(rule, network, (0,))
    world.params["backward/1/weight"].fill_(0.25)
    heard = []
    for t in range(draws):
        found, _ = drained(model, world, batch, Clock(t))
        heard.append(found["backward/1/weight"] + 0.25)
    stack = torch.stack(heard)
    error = (stack.mean(0) - world.params["forward/1/weight"]) / (stack.std(0) / math.sqrt(draws))
    assert error.abs().max() < 5
    assert (stack.std(0) / math.sqrt(draws)).max() < 0.05


def test_a_mirror_comes_to_agree_with_the_forward_weights() -> None:
    network, batch = mlp("tanh", (6, 20, 15, 3)), classes((6,))
    model, world = model_of(WeightMirror(WeightMirrorConfig(lr=0.0, lr_mirror=0.05)), network, (0, 1))
    for _ in range(200):
        step(model, world, batch)
    for i in (1, 2):
        assert (angle(world.params[f"backward/{i}/weight"], world.params[f"forward/{i}/weight"]) < 30).all()


@pytest.mark.parametrize("rule", ALIGNED)
def test_a_single_layer_needs_no_feedback(rule: type) -> None:
    network, batch = mlp("tanh", (6, 3)), classes((6,))
    model, world = model_of(rule(), network, (0,))
    assert set(model.networks) == {"forward"}
    wanted, _ = drained(model, world, batch)
    error = model.task.error(batch.x @ world.params["forward/0/weight"].mT, batch.y)
    decay = 0.001 * world.params["forward/0/weight"] if rule is KolenPollack else 0
    torch.testing.assert_close(wanted["forward/0/weight"], error.mT @ batch.x - decay, rtol=0, atol=1e-14)
