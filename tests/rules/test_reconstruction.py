"""Learned feedback: every loss against automatic differentiation, how often it is asked for, and epochs of feedback alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from targets_kit import drive, learn, model_of, view_of
from torch import Tensor

from bioplaus import registry
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Identity, Tanh
from bioplaus.operations import Scope

SIGMA = 0.3
LEARNED = pytest.mark.parametrize("name", ["dtp", "drl", "ldrl"])


def rule_of(name: str, **settings: Any) -> Any:
    cls = registry.RULES.get(name)
    return cls(cls.Config(**{"sigma": SIGMA, **settings}))


def mlp(*hidden: int) -> Network:
    return Mlp.build(MlpConfig(hidden=list(hidden), bias=True), (7,), (4,), Tanh())


def cnn() -> Network:
    return Cnn5.build(Cnn5Config(channels=[3, 5]), (2, 8, 8), (4,), Tanh())


class Maps:
    """The layers f_l and feedback maps g_l of a view as differentiable functions, l = 1..L (g from 2)."""

    def __init__(self, view: Any) -> None:
        self.view, self.layers = view, view.networks["forward"].layers
        self.params = {key: value.clone().requires_grad_() for key, value in view.params.items()}

    def f(self, level: int, x: Tensor) -> Tensor:
        return self.layers[level - 1].forward(Scope(self.params, {}, train=True), x).out

    def g(self, level: int, u: Tensor) -> Tensor:
        return self.view.networks["feedback"].layers[len(self.layers) - level].forward(Scope(self.params, {}, train=True), u).out

    def noise(self, name: str, level: int, like: Tensor) -> Tensor:
        return SIGMA * self.view.streams.normal(f"{name}/forward/{level - 1}/weight/0", like.shape[1:])

    def activity(self) -> list[Tensor]:
        h = [self.view.batch.x]
        for level in range(1, len(self.layers) + 1):
            h.append(self.f(level, h[-1]).detach())
        return h


def loss_dtp(m: Maps, h: list[Tensor], level: int) -> Tensor:
    q = h[level - 1] + m.noise("reconstruction", level, h[level - 1])
    return (m.g(level, m.f(level, q)) - q).square().sum()


def loss_ldrl(m: Maps, h: list[Tensor], level: int) -> Tensor:
    low, high = h[level - 1], h[level]

    def rec(u: Tensor) -> Tensor:
        return m.g(level, u) + low - m.g(level, high).detach()

    q = low + m.noise("below", level, low)
    r = high + m.noise("above", level, high)
    return -((q - low) * (rec(m.f(level, q)) - low)).sum() + (rec(r) - low).square().sum() / 2


def loss_drl(m: Maps, h: list[Tensor], level: int, *, clean: bool = False) -> Tensor:
    q = up = h[level - 1] + m.noise("reconstruction", level, h[level - 1])
    top = len(m.layers)
    for j in range(level, top + 1):
        up = m.f(j, up)
    for j in range(top, level - 1, -1):
        up = m.g(j, up) + h[j - 1] - m.g(j, h[j]).detach()
    return (up - (h[level - 1] if clean else q)).square().sum()


LOSSES: dict[str, Callable[[Maps, list[Tensor], int], Tensor]] = {
    "dtp": loss_dtp,
    "ldrl": loss_ldrl,
    "drl": loss_drl,
    "drl-clean": lambda m, h, level: loss_drl(m, h, level, clean=True),
}


@pytest.mark.parametrize("network", [mlp(6, 5, 3), cnn()], ids=["mlp", "cnn5"])
@pytest.mark.parametrize("case", LOSSES)
def test_feedback_changes_are_gradients_of_the_stated_loss(case: str, network: Network) -> None:
    name, _, target = case.partition("-")
    rule = rule_of(name, feedback_steps=1, **({"reconstruct": target} if target else {}))
    view = view_of(rule, network)
    (first, _), learned = learn(rule, view)
    m, size = Maps(view), view.batch.size
    h, total = m.activity(), torch.zeros((), dtype=torch.float64)
    for level in range(2, len(network.layers) + 1):
        g = view.networks["feedback"].layers[len(network.layers) - level]
        loss = LOSSES[case](m, h, level) / size
        total += loss.detach()
        keys = list(g.leaves)
        for key, grad in zip(keys, torch.autograd.grad(loss, [m.params[key] for key in keys])):
            torch.testing.assert_close(first.changes[key].dense(), -grad, rtol=1e-10, atol=1e-12)
    assert set(first.changes) == set(view.networks["feedback"].leaves)
    torch.testing.assert_close(learned.metrics["feedback_loss"].sum(), total)


@LEARNED
def test_feedback_is_asked_for_several_times_then_forward_once(name: str) -> None:
    model, world = model_of(rule_of(name, feedback_steps=3), mlp(6, 5))
    assert drive(model, world) == ["feedback"] * 3 + ["forward"]
    assert drive(*model_of(rule_of(name, feedback_steps=0), mlp(6, 5))) == ["forward"]
    assert drive(*model_of(rule_of(name), mlp())) == ["forward"]  # a single layer needs no feedback


@LEARNED
def test_noise_differs_between_the_updates_of_a_batch(name: str) -> None:
    rule = rule_of(name, feedback_steps=2)
    one, two = (wanted.changes["feedback/0/weight"].dense() for wanted in learn(rule, view_of(rule, mlp(6, 5)))[0][:2])
    assert not torch.allclose(one, two)


@LEARNED
def test_targets_pass_through_the_feedback_that_was_just_learned(name: str) -> None:
    """The forward change of a driven batch is that of a rule without feedback updates on the feedback weights it left."""
    model, world = model_of(rule_of(name, lr_feedback=0.5), mlp(6, 5))
    start = {key: value.clone() for key, value in world.params.items()}
    drive(model, world)
    still, again = model_of(rule_of(name, feedback_steps=0, lr_feedback=0.5), mlp(6, 5))
    again.params = {key: (start if key.startswith("forward/") else world.params)[key].clone() for key in start}
    drive(still, again)
    for key in start:
        torch.testing.assert_close(again.params[key], world.params[key], rtol=1e-12, atol=1e-14)
        assert not torch.equal(start[key], world.params[key])


@LEARNED
def test_epochs_of_feedback_alone(name: str) -> None:
    model, world = model_of(rule_of(name, pretrain_epochs=2), mlp(6, 5))
    start = {key: value.clone() for key, value in world.params.items()}
    assert drive(model, world, step=0, epoch=0) == ["feedback"] and drive(model, world, step=1, epoch=1) == ["feedback"]
    for key, value in world.params.items():
        assert torch.equal(value, start[key]) == key.startswith("forward/")
    assert drive(model, world, step=2, epoch=2) == ["feedback"] * 5 + ["forward"]
    assert not torch.equal(world.params["forward/0/weight"], start["forward/0/weight"])


def trained_feedback(name: str, steps: int, **settings: Any) -> tuple[Tensor, Tensor]:
    """Return (V, W) of the upper layer of a linear 7-4-4 network after feedback updates alone, W near the identity."""
    network = Mlp.build(MlpConfig(hidden=[4]), (7,), (4,), Identity())
    model, world = model_of(rule_of(name, sigma=1.0, pretrain_epochs=10_000, **settings), network)
    w = torch.eye(4, dtype=torch.float64) + 0.5 * torch.triu(torch.ones(4, 4, dtype=torch.float64), 1)
    world.params["forward/1/weight"][:] = w
    mean = torch.zeros_like(w)
    for step in range(steps):
        drive(model, world, step)
        if step >= steps // 2:
            mean += world.params["feedback/0/weight"].mean(0) / (steps - steps // 2)
    return mean, w


def test_the_losses_lead_where_theory_says() -> None:
    """dtp and drl undo a linear layer, ``V = W^-1``; ldrl transposes it, ``V = W^T``; drl against the clean activity falls silent."""
    for name in ("dtp", "drl"):
        v, w = trained_feedback(name, 400, lr_feedback=0.05)
        torch.testing.assert_close(v, torch.linalg.inv(w), rtol=0, atol=0.02)
    v, w = trained_feedback("ldrl", 800, lr_feedback=0.05)
    assert (v - w.T).norm() < 0.15 * w.norm() and (v - torch.linalg.inv(w)).norm() > 0.5 * w.norm()
    v, _ = trained_feedback("drl", 200, lr_feedback=0.05, reconstruct="clean")
    assert v.norm() < 0.02
