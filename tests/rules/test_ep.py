"""Equilibrium propagation: the estimate against the gradient of the cost at the free fixed point, and how its error shrinks with beta."""

from __future__ import annotations

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from rule_kit import learn_once
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.rectified import Clip
from bioplaus.neurons.smooth import Tanh
from bioplaus.rules.ep import EquilibriumPropagation, EquilibriumPropagationConfig
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, View

CLASSES, SIZE = 3, 4
BETAS = (0.02, 0.01, 0.005)


def make(**settings: object) -> EquilibriumPropagation:
    return EquilibriumPropagation(EquilibriumPropagationConfig(**settings))  # type: ignore[arg-type]


def mlp() -> Network:
    return Mlp.build(MlpConfig(hidden=[6, 5], bias=True, init_scale=0.7), (4,), (CLASSES,), Tanh())


def cnn() -> Network:
    return Cnn5.build(Cnn5Config(channels=[2, 3], bias=True, init_scale=0.7), (2, 4, 4), (CLASSES,), Tanh())


def view_of(rule: EquilibriumPropagation, network: Network, seeds: tuple[int, ...] = (3, 3, 3)) -> View:
    draw, streams = torch.Generator().manual_seed(1), Streams(seeds, dtype=torch.float64)
    params, buffers = rule.build(network)["forward"].draw(streams)
    params = {key: value + 0.1 if key.endswith("bias") else value for key, value in params.items()}
    x = torch.randn(1, SIZE, *network.in_shape, generator=draw, dtype=torch.float64)
    y = torch.randint(CLASSES, (1, SIZE), generator=draw)
    return View({"forward": network}, params, buffers, {}, Batch(x, y), Clock(), streams, Classification(CLASSES))


def current(leaves: dict[str, Tensor], i: int, h: Tensor) -> Tensor:
    w, b = leaves[f"forward/{i}/weight"], leaves[f"forward/{i}/bias"]
    return F.max_pool2d(F.conv2d(h, w, b, padding=1), 2) if w.dim() == 4 else F.linear(h.flatten(1), w, b)


def free_output(leaves: dict[str, Tensor], x: Tensor, dynamics: str, steps: int = 80) -> Tensor:
    """Output at the free fixed point of tanh cells, reached step by step and open to autograd.

    activity: ``h_l = phi(d Phi / d h_l)`` with Phi = sum_l h_l . c_l(h_{l-1}); energy: ``dE/ds = 0`` with E = 1/2 |s|^2 - Phi.
    """
    depth, s, at = len(leaves) // 2, [], x
    for i in range(depth):
        s.append(current(leaves, i, at))
        at = torch.tanh(s[-1])
    h = [*map(torch.tanh, s[:-1]), s[-1]]
    for _ in range(steps):
        if dynamics == "energy":
            h = [*map(torch.tanh, s[:-1]), s[-1]]
        phi = sum((b * current(leaves, i, a)).sum() for i, (a, b) in enumerate(zip([x, *h[:-1]], h)))
        if dynamics == "energy":
            forces = torch.autograd.grad(phi - sum(v.square().sum() for v in s) / 2, s, create_graph=True)  # type: ignore[arg-type]
            s = [v + 0.6 * force for v, force in zip(s, forces)]
        else:
            drives = torch.autograd.grad(phi, h, create_graph=True)  # type: ignore[arg-type]
            h = [a + 0.6 * (b - a) for a, b in zip(h, [*map(torch.tanh, drives[:-1]), drives[-1]])]
    return h[-1] if dynamics == "activity" else s[-1]


@cache
def exact(kind: str, cost: str, dynamics: str) -> dict[str, Tensor]:
    """Gradient of the cost at the free fixed point by running back through the relaxation."""
    view = view_of(make(), mlp() if kind == "mlp" else cnn())
    leaves = {key: value[0].clone().requires_grad_() for key, value in view.params.items()}
    out, y = free_output(leaves, view.batch.x[0], dynamics), view.batch.y[0]
    loss = F.cross_entropy(out, y) if cost == "task" else (F.one_hot(y, CLASSES) - out).square().sum(-1).mean() / 2
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values()))))


def errors(kind: str, **settings: object) -> list[float]:
    """Largest error of the estimate at each beta: three replicas of one seed."""
    rule = make(beta=BETAS, steps=150, nudged_steps=150, step=0.6, **settings)
    wanted, _ = learn_once(rule, view_of(rule, mlp() if kind == "mlp" else cnn()))
    gradient = exact(kind, str(settings.get("cost", "task")), str(settings.get("dynamics", "activity")))
    assert set(wanted.changes) == set(gradient)
    return [
        max(float((wanted.changes[key].dense()[r] + g).abs().max()) for key, g in gradient.items()) for r in range(3)
    ]


@pytest.mark.parametrize("cost", ["task", "squared"])
@pytest.mark.parametrize("dynamics", ["activity", "energy"])
def test_one_sided_error_halves_and_symmetric_error_falls_fourfold(dynamics: str, cost: str) -> None:
    scale = max(float(g.abs().max()) for g in exact("mlp", cost, dynamics).values())
    for nudge, ratio in (("positive", 2), ("symmetric", 4)):
        a, b, c = errors("mlp", nudge=nudge, dynamics=dynamics, cost=cost)
        assert a < 0.1 * scale
        assert a / b == pytest.approx(ratio, rel=0.1) and b / c == pytest.approx(ratio, rel=0.1)


def test_convolutions_with_pooling_follow_the_same_law() -> None:
    a, b, c = errors("cnn", nudge="symmetric")
    assert a < 1e-3 and a / b == pytest.approx(4, rel=0.1) and b / c == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("dynamics", ["activity", "energy"])
def test_prediction_is_the_free_fixed_point(dynamics: str) -> None:
    rule = make(steps=100, dynamics=dynamics)
    view = view_of(rule, mlp())
    leaves = {key: value[0].clone().requires_grad_() for key, value in view.params.items()}
    out = free_output(leaves, view.batch.x[0], dynamics).detach()
    torch.testing.assert_close(rule.predict(view)[0], out, rtol=0, atol=1e-9)
    _, learned = learn_once(rule, view)
    assert learned.metrics["loss"][0].item() == pytest.approx(F.cross_entropy(out, view.batch.y[0]).item(), rel=1e-8)
    assert (learned.metrics["unsettled"] < 1e-9).all()


def test_a_random_nudge_is_one_of_the_two_one_sided_ones() -> None:
    seeds = tuple(range(12))
    found = {}
    for nudge in ("random", "positive"):
        rule = make(nudge=nudge, beta=0.5)
        found[nudge] = learn_once(rule, view_of(rule, mlp(), seeds))[0].changes["forward/0/weight"].dense()
    as_positive = [bool(torch.equal(a, b)) for a, b in zip(found["random"], found["positive"])]
    assert 0 < sum(as_positive) < len(seeds)
    rule = make(nudge="symmetric", beta=0.5)
    both = learn_once(rule, view_of(rule, mlp(), seeds))[0].changes["forward/0/weight"].dense()
    for r, positive in enumerate(as_positive):
        if not positive:  # the symmetric form is the mean of the two
            torch.testing.assert_close((found["random"][r] + found["positive"][r]) / 2, both[r], rtol=1e-9, atol=1e-13)


def test_clipped_cells_settle_at_their_clipped_drive() -> None:
    network = Mlp.build(MlpConfig(hidden=[6], bias=True, init_scale=2), (4,), (CLASSES,), Clip())
    rule = make(steps=150)
    view = view_of(rule, network)
    out = rule.predict(view)[0]
    w, b = ([view.params[f"forward/{i}/{leaf}"][0] for i in (0, 1)] for leaf in ("weight", "bias"))
    drive = view.batch.x[0] @ w[0].T + b[0] + out @ w[1]
    torch.testing.assert_close(out, drive.clamp(0, 1) @ w[1].T + b[1], rtol=0, atol=1e-9)
    assert (drive < 0).any() and (drive > 1).any()


def test_dendrites_are_refused() -> None:
    with pytest.raises(ConfigError, match="dendrites"):
        make().build(Mlp.build(MlpConfig(hidden=[5], dendrites=True), (4,), (CLASSES,), Tanh()))
