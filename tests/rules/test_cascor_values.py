"""Values of cascade-correlation against NumPy and finite differences: S and its way up, the outputs' delta rule, the task, the chain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cascor_kit import CLASSES, PHASE, ROWS, drive, errors, make, net, score, targets

from bioplaus.cascade_layer import CascadeLayer
from bioplaus.changes import Wanted
from bioplaus.evaluation import predict
from bioplaus.neurons.smooth import Sigmoid
from bioplaus.operations import Scope
from bioplaus.plasticity.sgd import Sgd, SgdConfig
from bioplaus.rules.cascor_candidates import follow
from bioplaus.tasks import SymmetricTargets


def wanted_of(run) -> dict[str, torch.Tensor]:
    """What the rule wants at the run's present state, masks applied, nothing written."""
    found = {}
    for wanted in run.model.rule.learn(run.seen()):
        assert isinstance(wanted, Wanted)
        mask = torch.ones(run.world.replicas, dtype=torch.bool) if wanted.mask is None else wanted.mask
        found |= {key: change.dense() * mask.view(-1, *[1] * (change.dense().dim() - 1)) for key, change in wanted.changes.items()}
    return found


def grown(units: int = 2, **keys):
    """A run of so many units that stands in the following outputs' phase."""
    return drive(make(**keys)).go(units * 2 * PHASE)


def test_a_hand_calculated_s() -> None:
    """One input, two outputs, four patterns: a = x, h = sig(x), C by hand to eight places."""
    layer = CascadeLayer("forward/0", 1, Sigmoid(), pool=1)
    into, bias, chain = layer.candidates
    params = {into: torch.ones(1, 1, 1), bias: torch.zeros(1, 1), chain: torch.zeros(1, 1, 0)}
    params = {key: value.double() for key, value in params.items()}
    x = torch.log(torch.tensor([1.0, 3.0, 1 / 3, 9.0], dtype=torch.float64)).view(1, 4, 1)  # h = .5, .75, .25, .9
    e = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [-1.0, 1.0]], dtype=torch.float64).unsqueeze(0)
    found = follow(layer, params, x, torch.zeros(1, 4, 0, dtype=torch.float64), e)
    # hbar = .6, ebar = (0, .5); C_1 = (-.1 - .3)/4 = -.1; C_2 = (.5 (.1) ... ) = (.05 + .075 + .175 + .15)/4
    torch.testing.assert_close(found.score, torch.tensor([[0.1 + 0.1125]], dtype=torch.float64))
    slope = np.array([0.25, 0.1875, 0.1875, 0.09])
    signed = -np.array([1.0, 0, 0, -1]) + np.array([-0.5, 0.5, -0.5, 0.5])
    delta = slope * signed / 4
    np.testing.assert_allclose(found.changes[bias].item(), delta.sum(), rtol=1e-12)
    np.testing.assert_allclose(found.changes[into].item(), (delta * x.numpy().ravel()).sum(), rtol=1e-12)


@pytest.mark.parametrize("units", [0, 2])
def test_s_and_its_derivatives_are_those_of_its_definition(units: int) -> None:
    """Central differences of S as NumPy computes it, for every weight of every candidate; masks and signs included."""
    run = grown(units).go(PHASE)
    assert run.world.state["phase"].tolist() == [1] and run.world.state["K"].tolist() == [units]
    found, params = wanted_of(run), {k: v.numpy() for k, v in run.world.params.items()}
    x, y = run.feed.x.numpy(), run.feed.y.numpy()
    h, z, _ = net(params, x)
    assert h.shape == (ROWS, units)
    e = errors(z, targets(y, CLASSES))
    into, bias, chain = run.model.networks["forward"].layers[0].candidates
    state = {}
    learning = run.model.rule.learn(run.seen())
    try:
        while True:
            next(learning)
    except StopIteration as stop:
        state = stop.value.state
    for p in range(3):
        v, c, q = (params[key][0, p].copy() for key in (into, bias, chain))
        np.testing.assert_allclose(state["score"][0, p], score(v, c, q, x, h, e), rtol=1e-12)
        for key, value, at in [*((into, v, i) for i in range(4)), *((chain, q, j) for j in range(units))]:
            ends = []
            for step in (1e-6, -1e-6):
                value[at] += step
                ends.append(score(v, c, q, x, h, e))
                value[at] -= step
            np.testing.assert_allclose(found[key][0, p, at], (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-10)
        ends = [score(v, c + step, q, x, h, e) for step in (1e-6, -1e-6)]
        np.testing.assert_allclose(found[bias][0, p], (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("units", [0, 2])
@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_outputs_learn_by_the_delta_rule(units: int, offset: float) -> None:
    run = grown(units, prime_offset=offset)
    assert run.world.state["phase"].tolist() == [0]
    found, params = wanted_of(run), {k: v.numpy() for k, v in run.world.params.items()}
    x = run.feed.x.numpy()
    h, z, _ = net(params, x)
    e = errors(z, targets(run.feed.y.numpy(), CLASSES), offset)
    seen = np.concatenate([x, h], 1)
    np.testing.assert_allclose(found["forward/1/weight"][0], -(e.T @ seen) / ROWS, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(found["forward/1/bias"][0], -e.mean(0), rtol=1e-10, atol=1e-13)


def test_without_offset_the_delta_rule_is_the_gradient_of_the_loss() -> None:
    run = grown(2, prime_offset=0.0)
    params = {k: v.clone().requires_grad_(k.startswith("forward/1")) for k, v in run.world.params.items()}
    out = run.model.networks["forward"].forward(params, run.feed.x.unsqueeze(0)).out
    loss = run.model.task.loss(out, run.feed.y.unsqueeze(0))
    expected = torch.autograd.grad(loss.sum(), [params["forward/1/weight"], params["forward/1/bias"]])
    found = wanted_of(run)
    for key, value in zip(("forward/1/weight", "forward/1/bias"), expected):
        torch.testing.assert_close(found[key], -value)


def test_prediction_is_the_chain_of_units() -> None:
    run = grown(3)
    _, _, y = net({k: v.numpy() for k, v in run.world.params.items()}, run.feed.x.numpy())
    np.testing.assert_allclose(predict(run.model, run.world, run.seen().batch)[0], y, rtol=1e-12)
    units = run.model.networks["forward"].layers[0]
    q = run.world.params[units.chain][0]
    assert q.shape == (3, 3) and not q.triu().any() and (q.tril(-1) != 0).sum() == 3


def test_the_error_at_the_input_is_that_of_autograd() -> None:
    """For attacks and probes, the chain among units included; learning uses none of it."""
    run = grown(3)
    layer, params = run.model.networks["forward"].layers[0], run.world.params
    x = run.feed.x.unsqueeze(0).clone().requires_grad_()
    trace = layer.forward(Scope(params), x)
    error = torch.randn(trace.out.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (expected,) = torch.autograd.grad(trace.out, x, error)
    at, changes = layer.wanted(trace, error)
    assert changes == {} and torch.equal(at, layer.pull(trace, error))
    torch.testing.assert_close(layer.give_back(trace, at, params[layer.weight])[0], expected)


def test_targets_loss_and_error() -> None:
    """Two classes, outputs (.5, .1) and (-.2, .2), the right ones 0 and 1: squares 0 + .36, and .09 + .09."""
    task, out, y = SymmetricTargets(2), torch.tensor([[[0.5, 0.1], [-0.2, 0.2]]], dtype=torch.float64), torch.tensor([[0, 1]])
    assert task.target(y, torch.float64).tolist() == [[[0.5, -0.5], [-0.5, 0.5]]]
    torch.testing.assert_close(task.loss(out, y), torch.tensor([(0.36 + 0.18) / 4], dtype=torch.float64))
    torch.testing.assert_close(task.error(out, y), torch.tensor([[[0.0, -0.3], [-0.15, 0.15]]], dtype=torch.float64))


def test_a_plain_step_is_the_rate_times_what_is_wanted() -> None:
    run = drive(make(plasticity=Sgd(SgdConfig()), lr=0.3))
    run.start()
    before, found = run.world.params["forward/1/weight"].clone(), wanted_of(run)
    run.go(1)
    torch.testing.assert_close(run.world.params["forward/1/weight"], before + 0.3 * found["forward/1/weight"])
