"""Targets sent down: what they are exactly where theory says so, and what the layers learn from them, against automatic differentiation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from targets_kit import changes_of, drive, model_of, randn, view_of
from torch import Tensor

from bioplaus import registry
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config, Lenet, LenetConfig
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Identity, Tanh
from bioplaus.operations import Scope
from bioplaus.rules.bp import Backprop

RULES = ("dtp", "drl", "ldrl", "fwdtp")
FAMILY = pytest.mark.parametrize("name", RULES)


def rule_of(name: str, **settings: Any) -> Any:
    cls = registry.RULES.get(name)
    return cls(cls.Config(**settings))


def mlp(*hidden: int, neuron: Any = None, bias: bool = False) -> Network:
    return Mlp.build(MlpConfig(hidden=list(hidden), bias=bias), (7,), (4,), neuron or Tanh())


def shifts(rule: Any, view: Any) -> list[Tensor]:
    """Return t_l - h_l of every layer, by the public parts of the rule, bottom first."""
    layers = view.networks["forward"].layers
    run = view.networks["forward"].forward(view.params, view.batch.x, view.buffers, train=True)
    found = [view.task.error(run.out, view.batch.y) * rule.config.beta * view.batch.size]
    for i in range(len(layers) - 1, 0, -1):
        scope = Scope(view.params, view.buffers, train=True)
        found.insert(0, rule.lowered(view, scope, layers[i], run.traces[i - 1].out, run.traces[i].out, found[0]))
    return found


@FAMILY
@pytest.mark.parametrize("network", [mlp(6, 5), Cnn5.build(Cnn5Config(channels=[3, 5]), (2, 8, 8), (4,), Tanh())], ids=["mlp", "cnn5"])
def test_without_a_step_at_the_top_targets_are_the_activity(name: str, network: Network) -> None:
    rule = rule_of(name, beta=0.0)
    view = view_of(rule, network)
    assert not any(shift.any() for shift in shifts(rule, view))
    assert not any(change.any() for change in changes_of(rule, view, "forward").values())


@FAMILY
def test_changes_are_gradients_of_the_local_losses(name: str) -> None:
    """An independent network in autograd: tanh by hand, targets by the formulas, one squared distance per layer."""
    rule = rule_of(name, beta=0.3)
    view = view_of(rule, mlp(6, 5, bias=True))
    found = changes_of(rule, view, "forward")
    for r in range(2):
        p = {key: value[r].clone().requires_grad_() for key, value in view.params.items()}
        x, y = view.batch.x[0], view.batch.y[0]
        h = [x]
        for i in range(3):
            z = F.linear(h[i].detach(), p[f"forward/{i}/weight"], p[f"forward/{i}/bias"])
            h.append(torch.tanh(z) if i < 2 else z)
        t = h[3] - 0.3 * (torch.softmax(h[3], -1) - F.one_hot(y, 4))
        loss = (t.detach() - h[3]).square().sum()
        for upper, back in ((3, 0), (2, 1)):

            def g(u: Tensor, back: int = back, p: dict[str, Tensor] = p) -> Tensor:
                return torch.tanh(F.linear(u, p[f"feedback/{back}/weight"], p[f"feedback/{back}/bias"]))

            t = g(t) + h[upper - 1] - g(h[upper])
            loss = loss + (t.detach() - h[upper - 1]).square().sum()
        keys = [key for key in p if key.startswith("forward/")]
        for key, grad in zip(keys, torch.autograd.grad(loss / len(x), [p[key] for key in keys])):
            torch.testing.assert_close(found[key][r], -grad, rtol=1e-10, atol=1e-12)


@FAMILY
def test_inverse_feedback_sends_the_step_through_the_inverse(name: str) -> None:
    """Linear square layers, V_l = W_l^-1: ``t_{l-1} - h_{l-1} = (t_l - h_l) W_l^-T`` in row form."""
    rule = rule_of(name, beta=0.2)
    view = view_of(rule, Mlp.build(MlpConfig(hidden=[4, 4]), (4,), (4,), Identity()))
    for i, back in ((1, 1), (2, 0)):
        view.params[f"feedback/{back}/weight"] = torch.linalg.inv(view.params[f"forward/{i}/weight"])
    found = shifts(rule, view)
    for i in (1, 2):
        expected = found[i] @ torch.linalg.inv(view.params[f"forward/{i}/weight"]).mT
        torch.testing.assert_close(found[i - 1], expected, rtol=1e-9, atol=1e-11)


@FAMILY
def test_transposed_feedback_of_linear_units_is_backpropagation(name: str) -> None:
    """V_l = W_l^T: targets differ from activity by minus beta times the gradient, and changes are 2 beta times those of bp."""
    rule = rule_of(name, beta=0.2)
    view = view_of(rule, mlp(6, 5, neuron=Identity()))
    for i, back in ((1, 1), (2, 0)):
        view.params[f"feedback/{back}/weight"] = view.params[f"forward/{i}/weight"].mT.contiguous()
    reference = changes_of(Backprop(), view, "forward")
    found = changes_of(rule, view, "forward")
    for key, change in reference.items():
        torch.testing.assert_close(found[key], 2 * 0.2 * change, rtol=1e-9, atol=1e-12)


@FAMILY
def test_a_mirrored_convolution_sends_the_step_back_as_its_adjoint(name: str) -> None:
    """What `feedback` reports for probes is what is used: linear maps of stride 1 without pooling, ``<g(u), x> = <u, conv(feedback, x)>``."""
    rule = rule_of(name)
    view = view_of(rule, Cnn5.build(Cnn5Config(channels=[3, 5, 2]), (2, 8, 8), (4,), Identity()))
    layer, g = view.networks["forward"].layers[1], view.networks["feedback"].layers[2]
    u, x = randn(2, 6, *g.connection.out_shape, seed=5), randn(2, 6, *g.connection.in_shape, seed=6)
    sent = g.connection.send(view.params[g.weight], x)
    used = rule.feedback(view)[layer.weight]
    assert used.shape == view.params[layer.weight].shape
    same_size = type(g.connection)(u.shape[2:], x.shape[2], kernel=3, padding=1)
    torch.testing.assert_close((sent * u).sum(), (x * same_size.send(used, u)).sum())


@FAMILY
@pytest.mark.parametrize("kind", ["cnn5", "lenet", "one layer"])
def test_targets_have_the_shapes_of_the_layers(name: str, kind: str) -> None:
    if kind == "cnn5":
        network = Cnn5.build(Cnn5Config(channels=[3, 4, 5], norm="batch"), (2, 9, 10), (4,), Tanh())
    elif kind == "lenet":
        network = Lenet.build(LenetConfig(channels=[2, 3], hidden=[6, 5]), (1, 28, 28), (4,), Tanh())
    else:
        network = mlp()
    rule = rule_of(name)
    view = view_of(rule, network)
    for layer, shift in zip(network.layers, shifts(rule, view)):
        assert shift.shape[2:] == layer.out_shape and shift.any()
    found = changes_of(rule, view, "forward")
    assert all(found[layer.weight].any() and found[layer.weight].shape == view.params[layer.weight].shape for layer in network.layers)
    assert set(rule.feedback(view)) == {layer.weight for layer in network.layers[1:]}
    assert ("feedback" in view.networks) == (len(network.layers) > 1)


@FAMILY
def test_feedback_weights_start_within_their_bound(name: str) -> None:
    network = mlp(40, 30)
    model, world = model_of(rule_of(name, feedback_bound=0.01), network)
    for layer in model.networks["feedback"].layers:
        v = world.params[layer.weight].abs()
        assert 0.009 < v.max() <= 0.01
    _, drawn = model_of(rule_of(name), network)
    assert 0.9 / 4**0.5 < drawn.params["feedback/0/weight"].abs().max() <= 1 / 4**0.5


@FAMILY
def test_a_feedback_rate_of_nothing_leaves_feedback_bit_for_bit(name: str) -> None:
    rule = rule_of(name) if name == "fwdtp" else rule_of(name, lr_feedback=0.0)
    model, world = model_of(rule, mlp(6, 5))
    start = {key: value.clone() for key, value in world.params.items()}
    for step in range(3):
        drive(model, world, step)
    for key, value in world.params.items():
        assert torch.equal(value, start[key]) == key.startswith("feedback/")
