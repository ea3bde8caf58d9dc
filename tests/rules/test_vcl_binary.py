"""Binary synapses with fields: worked numbers, enumeration over all weights, finite differences, pulls written out, freezing, memory."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_ndtr
from torch import Tensor

from bioplaus import config, data
from bioplaus.binary_layer import BinaryLayer
from bioplaus.changes import Wanted
from bioplaus.connections import DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Scope
from bioplaus.rules.vcl_binary import VclBinary, VclBinaryConfig, annealed
from bioplaus.simulator import Simulator
from bioplaus.tasks import Decision
from bioplaus.view import Clock
from bioplaus.world import view

F64 = torch.float64


def one_unit(n: int, *, odds: bool) -> BinaryLayer:
    return BinaryLayer(Layer("forward/0", DenseConnection((n,), (1,)), Identity()), 1.0, 1.0, odds=odds)


def scope_of(m: list[float], beta: float = 1.0) -> Scope:
    theta = torch.atanh(torch.tensor(m, dtype=F64)) / beta
    return Scope({"forward/0/weight": theta.view(1, 1, -1)}, {"forward/0/beta": torch.full((1, 1), beta, dtype=F64)})


def rows(*values: float) -> Tensor:
    return torch.tensor(values, dtype=F64).view(1, 1, -1)


def test_single_decision_by_hand_and_by_enumeration_of_all_weights() -> None:
    """m = (.5, -.2, .8), x = (1, -1, 1), label +1: the numbers of the derivation, and the exact probability of a right answer."""
    layer, m, x = one_unit(3, odds=True), [0.5, -0.2, 0.8], [1.0, -1.0, 1.0]
    trace = layer.run(scope_of(m), rows(*x), "odds")
    k = float(trace.out)
    assert k == pytest.approx(1.0425720703, abs=1e-9)
    assert trace.spread is not None and float(trace.spread) ** 2 * 3 == pytest.approx(2.07, abs=1e-8)
    task, y = Decision(), torch.ones(1, 1, dtype=torch.int64)
    assert float(task.loss(trace.out, y)) == pytest.approx(0.1608418251, abs=1e-9)
    _, changes = layer.wanted(trace, task.error(trace.out, y))
    np.testing.assert_allclose(changes[layer.weight].dense().flatten(), [0.19323599, -0.20787259, 0.10755433], atol=1e-8)
    right = sum(
        math.prod((1 + s * one) / 2 for s, one in zip(w, m))
        for w in itertools.product((-1, 1), repeat=3)
        if sum(s * one for s, one in zip(w, x)) > 0
    )
    assert right == pytest.approx(0.855) and math.exp(log_ndtr(k)) == pytest.approx(0.8514267, abs=1e-7)


def test_moments_of_a_current_by_hand() -> None:
    trace = one_unit(3, odds=False).run(scope_of([0.5, -0.2, 0.8]), rows(1.0, 2.0, 0.5), "noisy", rows(2.0))
    assert trace.mean is not None and trace.spread is not None
    assert float(trace.mean) == pytest.approx(0.2886751346) and float(trace.spread) == pytest.approx(1.2489996, abs=1e-7)
    assert float(trace.out) == pytest.approx(0.2886751346 + 2 * 1.2489996, abs=1e-6)


def test_moments_are_those_of_sampled_weights() -> None:
    m, x = np.array([0.5, -0.2, 0.8]), np.array([1.0, 2.0, 0.5])
    every = [(w, math.prod((1 + s * one) / 2 for s, one in zip(w, m))) for w in itertools.product((-1, 1), repeat=3)]
    mean = sum(p * (np.array(w) @ x) / math.sqrt(3) for w, p in every)
    variance = sum(p * ((np.array(w) @ x) / math.sqrt(3) - mean) ** 2 for w, p in every)
    trace = one_unit(3, odds=False).run(scope_of(m.tolist(), beta=4.0), rows(*x), "noisy", rows(0.0))
    assert trace.spread is not None
    assert float(trace.out) == pytest.approx(mean) and float(trace.spread) ** 2 == pytest.approx(variance, abs=1e-9)


def test_signs_are_read_with_zero_as_plus_one() -> None:
    scope = Scope({"forward/0/weight": rows(0.0, -0.1, 3.0)}, {"forward/0/beta": torch.ones(1, 1, dtype=F64)})
    assert float(one_unit(3, odds=False).run(scope, rows(1.0, 10.0, 100.0), "sign").out) == pytest.approx(91 / math.sqrt(3))


def _divergence(theta: Any, old: Any, beta: float) -> float:
    m, o = np.tanh(beta * theta), np.tanh(beta * old)
    return float(((1 + m) / 2 * np.log((1 + m) / (1 + o)) + (1 - m) / 2 * np.log((1 - m) / (1 - o))).sum())


def test_the_pull_is_the_derivative_of_the_divergence() -> None:
    """KL(.5 || .2) and its derivative; a rule that forgot beta or sigma would miss the differences at beta = 3."""
    from bioplaus.rules.vcl_binary import _pull

    a, b = np.arctanh(0.5), np.arctanh(0.2)
    assert _divergence(a, b, 1.0) == pytest.approx(0.0498567562, abs=1e-10) and _divergence(a, a, 1.0) == 0
    assert float(_pull(torch.tensor(a), torch.tensor(b), 1.0)) == pytest.approx(0.2599301927, abs=1e-9)
    for beta, theta, old in ((3.0, 0.3, -0.2), (0.7, -0.5, 0.9)):
        step = 1e-6
        slope = (_divergence(theta + step, old, beta) - _divergence(theta - step, old, beta)) / (2 * step)
        found = float(_pull(torch.tensor(theta, dtype=F64), torch.tensor(old, dtype=F64), beta))
        assert found == pytest.approx(slope, rel=1e-7) and _divergence(theta, old, beta) > 0


def test_the_schedule_of_the_inverse_temperature() -> None:
    wanted = {1: 1.7808, 5: 4.6212, 10: 7.1630, 15: 8.6172, 20: 9.3541, 25: 9.7045}
    for epochs, beta in wanted.items():
        assert annealed(VclBinaryConfig(), Clock(0, epochs - 1, 0, 10, 250)) == pytest.approx(beta, abs=5e-5)
    assert annealed(VclBinaryConfig(rise=1.0), Clock(0, 79, 1, 10, 800)) == pytest.approx(10 * math.tanh(1.1))
    assert annealed(VclBinaryConfig(anneal=False, beta=3.0), Clock(0, 7, 0, 10, 250)) == 3.0


def made(**given: Any) -> Simulator:
    """Return a small run in double precision: 64-6-5-10 unless told otherwise."""
    usual = {"rule": "vcl_binary", "data": "permuted_digits", "tasks": 2, "epochs": 1, "network.hidden": [6, 5], "dtype": "float64"}
    usual |= {"probes": [], "run.save": False, "data.limit": 96, "batch_size": 32, "plasticity": "sgd", "rule.lr": 0.5}
    if given.get("network") == "perceptron":
        usual.pop("network.hidden")
    settings = config.resolve({**usual, **given})
    return Simulator(settings, data.load(settings.data, settings.seed_list, settings.top.tasks))


def wanted_of(simulator: Simulator, world: Any = None, step: int = 0) -> tuple[dict[str, Tensor], Any]:
    pack = simulator.packs[0]
    batch = simulator.feeds.train.batch(torch.arange(5).unsqueeze(0))
    seen = view(pack.model, world or pack.world, batch, simulator.course.clock(step))
    learning = pack.model.rule.learn(seen)
    found: Wanted = next(learning)
    return {key: change.dense() for key, change in found.changes.items()}, (seen, learning)


@pytest.mark.parametrize("noise", [True, False])
def test_changes_are_the_slope_of_the_loss_with_the_noise_frozen(noise: bool) -> None:
    """The loss written out in NumPy, float64, differenced along every array in random directions."""
    simulator = made(**{"rule.noise": noise, "rule.kl": "none", "tasks": 1, "data": "digits", "network.bias": True})
    changes, (seen, _) = wanted_of(simulator)
    pack, generator = simulator.packs[0], np.random.default_rng(0)
    keys = [layer.weight for layer in pack.model.networks["forward"].layers]
    theta = {key: value[0].numpy().copy() for key, value in pack.world.params.items()}
    beta = annealed(pack.model.rule.config, seen.clock)
    eps = [seen.streams.normal(f"noise/forward/{i}", (5, len(theta[key])))[0].numpy() for i, key in enumerate(keys)]
    x, y = seen.batch.x[0].reshape(5, -1).numpy(), seen.batch.y[0].numpy()

    def loss(fields: dict[str, Any]) -> float:
        a = x
        for i, key in enumerate(keys):
            m, n = np.tanh(beta * fields[key]), a.shape[1]
            z = a @ m.T / math.sqrt(n) + fields[key.replace("weight", "bias")]
            if noise:
                z = z + eps[i] * np.sqrt(a**2 @ (1 - m**2).T / n)
            a = np.maximum(z, 0) if i < 2 else z
        return float((np.log(np.exp(a).sum(1)) - a[np.arange(5), y]).mean())

    for key in theta:
        for _ in range(3):
            along = generator.normal(size=theta[key].shape)
            up, down = ({**theta, key: theta[key] + s * 1e-6 * along} for s in (1, -1))
            slope = (loss(up) - loss(down)) / 2e-6
            assert float((changes[key][0].numpy() * along).sum()) == pytest.approx(-slope, rel=2e-5, abs=1e-9)


def test_the_step_pull_is_that_of_the_update_before() -> None:
    """Two updates: the pull of the first is nothing; of the second it is beta^2 sigma^2 (new - old), a batch's share of it."""
    simulator = made(**{"rule.gamma": 0.7})
    pack = simulator.packs[0]
    changes, (seen, learning) = wanted_of(simulator)
    old = {key: pack.world.params[key].clone() for key in changes}
    for key, change in changes.items():  # what plasticity does at the yield
        pack.world.params[key] += 0.1 * change
    with pytest.raises(StopIteration) as stop:
        next(learning)
    beta = annealed(pack.model.rule.config, seen.clock)
    pack.world.state.update(stop.value.value.state)
    with_pull, _ = wanted_of(simulator)
    pack.world.state.update({key: torch.zeros_like(value) for key, value in pack.world.state.items()})
    without, _ = wanted_of(simulator)
    for key in changes:
        new = pack.world.params[key].numpy()
        expected = 0.7 * beta**2 / np.cosh(beta * new) ** 2 * (new - old[key].numpy()) / 5
        np.testing.assert_allclose(without[key] - with_pull[key], expected, atol=1e-12)
        assert np.abs(expected).max() > 1e-5


def test_the_task_pull_begins_with_the_second_task_and_adds_up_to_gamma_an_epoch() -> None:
    simulator = made(**{"rule.kl": "task", "rule.gamma": 2.0, "rule.anneal": False, "rule.beta": 1.5, "rule.noise": False})
    first = {k: v.clone() for k, v in simulator.packs[0].world.params.items()}
    pack = simulator.packs[0]
    key = "forward/1/weight"
    plain = made(**{"rule.kl": "none", "rule.anneal": False, "rule.beta": 1.5, "rule.noise": False})
    a, b = wanted_of(simulator)[0][key], wanted_of(plain)[0][key]
    assert torch.equal(a, b)
    prior = {f"prior/{k}": v - 0.3 for k, v in first.items()}
    pack.world.state.update(prior)
    later = wanted_of(simulator, step=3)[0][key]  # 3 updates an epoch, one epoch a task
    m = np.tanh(1.5 * first[key].numpy())
    expected = 2.0 / 3 * 1.5**2 * (1 - m**2) * 0.3 / 5
    np.testing.assert_allclose(b - later, expected, atol=1e-12)


def test_the_boundary_remembers_where_the_task_left_the_fields() -> None:
    simulator = made(**{"rule.kl": "task", "rule.gamma": 0.0})
    seen: dict[str, Tensor] = {}
    own = VclBinary.boundary

    def watched(self: VclBinary, event: str, view: Any, scores: Any, feed: Any) -> Any:
        if event == "task":
            seen.update({key: value.clone() for key, value in view.params.items()})
        return own(self, event, view, scores, feed)

    VclBinary.boundary = watched  # type: ignore[method-assign]
    try:
        simulator.run()
    finally:
        VclBinary.boundary = own  # type: ignore[method-assign]
    state = simulator.packs[0].world.state
    assert seen and all(torch.equal(state[f"prior/{key}"], value) for key, value in seen.items())
    assert any(not torch.equal(simulator.packs[0].world.params[key], value) for key, value in seen.items())


def test_memory_is_the_fields_one_copy_and_the_moments_however_many_samples() -> None:
    sizes = {}
    for kl in ("none", "step", "task"):
        for limit in (64, 160):
            pack = made(**{"rule.kl": kl, "data.limit": limit, "plasticity": "adam"}).packs[0]
            sizes[kl, limit] = sum(value.numel() for value in pack.world.arrays().values())
        assert sizes[kl, 64] == sizes[kl, 160]
    weights = 64 * 6 + 6 * 5 + 5 * 10
    assert sizes["step", 64] == sizes["task", 64] == sizes["none", 64] + weights
    assert sizes["none", 64] - 3 * weights < 10  # fields and two moments; three temperatures, counters


def test_a_synapse_that_is_sure_does_not_move() -> None:
    simulator = made(**{"rule.kl": "none"})
    world = simulator.packs[0].world
    sure = torch.zeros(1, 6, 64, dtype=torch.bool)
    sure[0, 2, :40] = True
    world.params["forward/0/weight"][sure] = 40.0
    change = wanted_of(simulator)[0]["forward/0/weight"]
    assert (change[sure] == 0).all() and (change[~sure] != 0).any()


def test_predictions_with_and_without_noise() -> None:
    """A sample differs from the mean, and the mean of many is not far from it; sign reads every synapse at its likelier value."""
    simulator = made(**{"network.hidden": [], "tasks": 1, "data": "digits"})
    pack = simulator.packs[0]
    batch = simulator.feeds.train.batch(torch.arange(4).unsqueeze(0))
    x = batch.x[0].reshape(4, -1).numpy()
    theta, beta = pack.world.params["forward/0/weight"][0].numpy(), float(pack.world.buffers["forward/0/beta"])

    def said(way: str, step: int = 0) -> Any:
        rule = VclBinary(VclBinaryConfig(prediction=way))
        return rule.predict(view(pack.model, pack.world, batch, Clock(step)))[0].numpy()

    m = np.tanh(beta * theta)
    np.testing.assert_allclose(said("mean"), x @ m.T / 8)
    np.testing.assert_allclose(said("sign"), x @ np.sign(theta).T / 8)
    samples = np.stack([said("stochastic", step) for step in range(400)])
    spread = np.sqrt(x**2 @ (1 - m**2).T / 64)
    assert np.abs(samples.mean(0) - said("mean")).max() < 5 * spread.max() / 20
    np.testing.assert_allclose(samples.std(0), spread, rtol=0.25)


def test_the_perceptron_learns_a_teacher_and_tells_two_classes() -> None:
    given = {"data": "teacher", "network": "perceptron", "data.N": 101, "data.alpha": 4.0, "epochs": 60, "tasks": 1, "data.limit": None}
    given |= {"data.checked": 400, "plasticity.momentum": 0.9, "rule.lr": 0.6, "batch_size": 20, "rule.prediction": "sign"}
    simulator = made(**given)
    simulator.run()
    from bioplaus.data.teacher import teachers

    theta = simulator.packs[0].world.params["forward/0/weight"][0, 0].numpy()
    overlap = (np.where(theta < 0, -1, 1) * teachers(simulator.settings.data, 0, 1)[0]).mean()
    assert overlap > 0.95  # four samples a weight: far above where the teacher is found
    with pytest.raises(ConfigError, match="decides between two classes"):
        made(network="perceptron", data="digits", tasks=1)


@pytest.mark.parametrize("given", [{"network.norm": "batch"}, {"network.dendrites": True}])
def test_what_has_no_field_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="knows weights and biases alone"):
        made(**given)
