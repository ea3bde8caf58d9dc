"""Equilibrium propagation through the public interface: a rule whose prediction settles and whose change is a difference of two products.

Energy of a sample (Scellier & Bengio 2017): ``E(s) = 1/2 sum |s_l|^2 - sum_l rho(s_l) . W_l rho(s_{l-1})`` with the input in place of
``rho(s_0)``, and ``F = E + beta c``, c the sample's part of the task's loss. The oracle knows the energy as a formula and nothing of the verbs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.func import grad, hessian, jacrev

from bioplaus.changes import Change, Outer, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.evaluation import evaluate, predict
from bioplaus.feed import Feed
from bioplaus.fields import ranged, replica
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.smooth import Tanh
from bioplaus.plasticity.sgd import Sgd
from bioplaus.rules.base import Learned, Learning, Plausibility, Rule, RuleConfig
from bioplaus.streams import Streams
from bioplaus.tasks import Regression
from bioplaus.view import Batch, View
from bioplaus.world import Model, World, new_world

SIZES = (5, 6, 3)


@dataclass
class EquilibriumConfig(RuleConfig):
    """Settings of the rule."""

    name: str = "equilibrium"
    beta: float | tuple[float, ...] = replica(0.1)
    symmetric: bool = False
    settle: int = ranged(300, 1)
    step: float = ranged(0.5, above=0, high=1)


class Equilibrium(Rule):
    """Free and nudged phase: ``dW_l = [rho_l^b rho_{l-1}^b - rho_l^0 rho_{l-1}^0] / beta``, the mean over the batch."""

    Config = EquilibriumConfig
    plausibility = Plausibility(("one kind of dynamics in both phases",), ("symmetric weights",), weight_transport=True)

    def _beta(self, view: View) -> Tensor:
        values = torch.as_tensor(self.config.beta, dtype=view.streams.dtype)
        return values.expand(len(view.streams.seeds)).view(-1, 1, 1)

    def _settle(self, view: View, states: Sequence[Tensor] | None, beta: Tensor | None) -> list[Tensor]:
        """Follow ``ds/dt = -dF/ds`` from the given states, or from rest."""
        layers = view.networks["forward"].layers
        replicas, samples = len(view.streams.seeds), view.batch.size
        rest = [torch.zeros(replicas, samples, *layer.out_shape, dtype=view.batch.x.dtype) for layer in layers]
        s = list(rest if states is None else states)
        for _ in range(self.config.settle):
            activity, caches = zip(*(layer.neuron.forward(x) for layer, x in zip(layers, s)))
            below = (view.batch.x, *activity)
            new = []
            for i, layer in enumerate(layers):
                drive = layer.connection.send(view.params[layer.weight], below[i])
                if i + 1 < len(layers):
                    above = layers[i + 1]
                    drive = drive + above.connection.give_back(view.params[above.weight], activity[i + 1])
                force = layer.neuron.pull(caches[i], drive) - s[i]
                if i + 1 == len(layers) and beta is not None:
                    force = force + beta * samples * view.task.error(s[i], view.batch.y)
                new.append(s[i] + self.config.step * force)
            s = new
        return s

    def _sides(self, view: View, states: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        activity = [layer.neuron.forward(s)[0] for layer, s in zip(view.networks["forward"].layers, states)]
        return list(zip((view.batch.x, *activity[:-1]), activity))

    def learn(self, view: View) -> Learning:
        beta = self._beta(view)
        free = self._settle(view, None, None)
        plus = self._settle(view, free, beta)
        minus = self._settle(view, free, -beta) if self.config.symmetric else free
        scale = beta * view.batch.size * (2 if self.config.symmetric else 1)
        changes: dict[str, Change] = {}
        sides = zip(view.networks["forward"].layers, self._sides(view, plus), self._sides(view, minus))
        for layer, (pre, post), (pre_minus, post_minus) in sides:
            pairs = ((pre, post / scale), (pre_minus, -post_minus / scale))
            changes[layer.weight] = Outer(layer.connection, pairs)
        yield Wanted("forward", changes)
        return Learned({"loss": view.task.loss(free[-1], view.batch.y)})

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        return self._settle(view, None, None)[-1]


def network() -> Network:
    """Return 5-6-3 with tanh everywhere, also at the output."""
    return Network(
        "forward", SIZES[:1], [Layer(f"forward/{i}", DenseConnection((a,), (b,)), Tanh()) for i, (a, b) in enumerate(pairwise(SIZES))]
    )


def make(seeds: Sequence[int], lr: float = 1.0, **config: object) -> Model:
    rule = Equilibrium(EquilibriumConfig(lr=lr, **config))  # type: ignore[arg-type]
    networks = rule.build(network())
    rates = {"forward": torch.full((len(seeds),), lr, dtype=torch.float64)}
    streams = Streams(tuple(seeds), dtype=torch.float64)
    return Model(rule, networks, rule.groups(networks), rates, Sgd(), Regression(), streams)


def make_feed(n: int = 7) -> Feed:
    g = torch.Generator().manual_seed(4)
    return Feed(torch.rand(n, 5, generator=g, dtype=torch.float64), torch.rand(n, 3, generator=g, dtype=torch.float64) * 2 - 1)


def block(feed: Feed, replicas: int, steps: int = 1) -> Block:
    every = torch.arange(len(feed)).expand(replicas, -1)
    return Block(feed, (every,) * steps, 0, 1, steps)


def energy(s: Tensor, w1: Tensor, w2: Tensor, x: Tensor) -> Tensor:
    """E of one sample; s holds hidden and output states one after the other."""
    hidden, out = torch.tanh(s[: SIZES[1]]), torch.tanh(s[SIZES[1] :])
    return s.square().sum() / 2 - hidden @ (w1 @ x) - out @ (w2 @ hidden)


def free_point(w1: Tensor, w2: Tensor, x: Tensor) -> Tensor:
    """The free fixed point: gradient flow on the formula, then Newton's steps."""
    s = torch.zeros(sum(SIZES[1:]), dtype=torch.float64)
    for _ in range(100):
        s = s - 0.3 * grad(energy)(s, w1, w2, x)
    for _ in range(4):
        s = s - torch.linalg.solve(hessian(energy)(s, w1, w2, x), grad(energy)(s, w1, w2, x))
    assert float(grad(energy)(s, w1, w2, x).abs().max()) < 1e-14
    return s


def loss_gradient(weights: Mapping[str, Tensor], feed: Feed) -> list[Tensor]:
    """d loss / d W at the free fixed point by the implicit function theorem: ``-dc/ds H^-1 d2E/ds dW``, the mean over the samples."""
    w1, w2 = (weights[f"forward/{i}/weight"][0] for i in (0, 1))
    total = [torch.zeros_like(w1), torch.zeros_like(w2)]
    for x, y in zip(feed.x, feed.y):
        s = free_point(w1, w2, x)
        slope = torch.cat([torch.zeros(SIZES[1], dtype=torch.float64), 2 * (s[SIZES[1] :] - y) / SIZES[2]])
        adjoint = torch.linalg.solve(hessian(energy)(s, w1, w2, x), slope)
        for i, mixed in enumerate(jacrev(grad(energy), argnums=(1, 2))(s, w1, w2, x)):
            total[i] -= torch.tensordot(adjoint, mixed, 1) / len(feed)
    return total


def step_of(model: Model, feed: Feed) -> tuple[World, list[Tensor]]:
    """Return the fresh world and what one step at rate 1 adds to each weight."""
    start = new_world(model)
    world = start.copy()
    LoopEngine().advance(model, world, block(feed, world.replicas))
    return start, [world.params[key] - start.params[key] for key in ("forward/0/weight", "forward/1/weight")]


def errors(symmetric: bool) -> list[float]:
    """Return the largest error of the estimate at beta .1, .05, .025: three replicas of one seed, each with its own beta."""
    feed = make_feed()
    start, found = step_of(make((0, 0, 0), beta=(0.1, 0.05, 0.025), symmetric=symmetric), feed)
    exact = loss_gradient({key: value[:1] for key, value in start.params.items()}, feed)
    return [max(float((f[r] + e).abs().max()) for f, e in zip(found, exact)) for r in range(3)]


def test_prediction_is_the_free_fixed_point() -> None:
    model, feed = make((0,)), make_feed()
    world = new_world(model)
    w1, w2 = (world.params[f"forward/{i}/weight"][0] for i in (0, 1))
    expected = torch.stack([free_point(w1, w2, x)[SIZES[1] :] for x in feed.x])
    torch.testing.assert_close(predict(model, world, Batch(feed.x[None], feed.y[None]))[0], expected, rtol=0, atol=1e-13)
    loss = evaluate(model, world, feed)["loss"]
    torch.testing.assert_close(loss, (expected - feed.y).square().mean().view(1), rtol=0, atol=1e-13)


def test_the_oracle_is_the_slope_of_the_loss() -> None:
    """The implicit gradient itself against finite differences of the loss at the re-settled fixed point."""
    feed, weights = make_feed(2), new_world(make((3,))).params
    found, h = loss_gradient(weights, feed), 1e-6
    for key, index, value in (("forward/0/weight", (0, 2, 1), found[0][2, 1]), ("forward/1/weight", (0, 1, 4), found[1][1, 4])):
        sides = []
        for sign in (1, -1):
            moved = {k: v.clone() for k, v in weights.items()}
            moved[key][index] += sign * h
            w1, w2 = (moved[f"forward/{i}/weight"][0] for i in (0, 1))
            out = torch.stack([free_point(w1, w2, x)[SIZES[1] :] for x in feed.x])
            sides.append((out - feed.y).square().mean())
        assert float((sides[0] - sides[1]) / (2 * h)) == pytest.approx(float(value), rel=1e-6)


def test_one_sided_error_halves_with_beta() -> None:
    a, b, c = errors(symmetric=False)
    assert a < 0.05
    assert a / b == pytest.approx(2, rel=0.15)
    assert b / c == pytest.approx(2, rel=0.15)


def test_symmetric_error_falls_fourfold_with_beta() -> None:
    a, b, c = errors(symmetric=True)
    assert a < errors(symmetric=False)[0]
    assert a / b == pytest.approx(4, rel=0.15)
    assert b / c == pytest.approx(4, rel=0.15)


def test_replicas_equal_their_single_runs() -> None:
    feed, settings = make_feed(), {"beta": 0.1, "symmetric": True, "lr": 0.3, "settle": 60}
    both_model = make((2, 7), **settings)
    both = new_world(both_model)
    losses = LoopEngine().advance(both_model, both, block(feed, 2, 4))["loss"]
    for r, seed in enumerate((2, 7)):
        model = make((seed,), **settings)
        one = new_world(model)
        loss = LoopEngine().advance(model, one, block(feed, 1, 4))["loss"]
        torch.testing.assert_close(losses[:, r : r + 1], loss, rtol=0, atol=1e-13)
        for key, value in one.params.items():
            torch.testing.assert_close(both.params[key][r : r + 1], value, rtol=0, atol=1e-13)


def test_it_learns() -> None:
    """Thirty steps reduce the loss at the fixed point, as the engine reports it and as evaluation finds it."""
    model, feed = make((0, 1), lr=0.5, settle=60), make_feed()
    world = new_world(model)
    before = evaluate(model, world, feed)["loss"]
    losses = LoopEngine().advance(model, world, block(feed, 2, 30))["loss"]
    after = evaluate(model, world, feed)["loss"]
    torch.testing.assert_close(losses[0], before, rtol=0, atol=1e-12)
    assert bool((after < 0.7 * before).all())
