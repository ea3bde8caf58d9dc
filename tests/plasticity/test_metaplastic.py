"""Binary weights over hidden ones: the published step written out in NumPy, signs, ties, what is not a weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bioplaus import config, data
from bioplaus.changes import Dense
from bioplaus.plasticity.base import Step
from bioplaus.plasticity.metaplastic import Metaplastic, MetaplasticConfig, SignSynapse
from bioplaus.simulator import Simulator
from bioplaus.streams import Streams

F64 = torch.float64


@pytest.mark.parametrize("m_meta", [0.0, 1.35])
def test_steps_of_adam_meet_resistance_only_towards_zero(m_meta: float) -> None:
    """Laborieux et al. 2021: w <- w - lr * f * mhat / (sqrt(vhat) + eps), f = 1 - tanh(m|w|)^2 where sign(w) mhat > 0 (gradients g), else 1."""
    plasticity = Metaplastic(MetaplasticConfig(m_meta=m_meta, width=2.0))
    streams = Streams((3,), dtype=F64)
    weight = torch.zeros(1, 4, 5, dtype=F64)
    state = plasticity.synapse.init("forward/0/weight", weight, streams)
    h = state["hidden"][0].numpy().copy()
    assert np.abs(h).max() <= 1.0 and np.abs(h).max() > 0.8
    moments = {name: torch.zeros_like(weight) for name in plasticity.optimiser.moments}
    generator, m, v = np.random.default_rng(0), np.zeros((4, 5)), np.zeros((4, 5))
    for t in range(1, 9):
        g = generator.normal(size=(4, 5)) + 0.5
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        mhat, vhat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        factor = np.where(np.sign(h) * mhat > 0, 1 - np.tanh(m_meta * np.abs(h)) ** 2, 1.0)
        h = h - 0.05 * factor * mhat / (np.sqrt(vhat) + 1e-8)
        direction = plasticity.optimiser.direction(-torch.tensor(g).unsqueeze(0), weight, moments, torch.tensor([t]))
        plasticity.synapse.write("forward/0/weight", state, weight, Step(Dense(direction), torch.tensor([0.05], dtype=F64)), streams)
        np.testing.assert_allclose(state["hidden"][0], h, atol=1e-12)
        np.testing.assert_allclose(weight[0], np.where(h < 0, -1, 1) / np.sqrt(5))


def test_the_reading_is_a_sign_of_the_fan_in_or_of_one() -> None:
    for scale, size in (("one", 1.0), ("fan_in", 1 / np.sqrt(18))):
        weight = torch.zeros(2, 3, 2, 3, 3)
        state = SignSynapse(MetaplasticConfig(scale=scale)).init("forward/0/weight", weight, Streams((0, 1)))
        np.testing.assert_allclose(weight.abs(), size, rtol=1e-6)
        assert ((weight < 0) == (state["hidden"] < 0)).all()
        assert float(state["hidden"].abs().max()) <= 0.05
    zero = SignSynapse(MetaplasticConfig(scale="one"))._read(torch.zeros(1, 1, 1))
    assert float(zero) == 1.0


def test_what_is_no_weight_is_stored_as_it_is() -> None:
    synapse, bias = SignSynapse(MetaplasticConfig()), torch.tensor([[0.3, -0.2]])
    assert synapse.init("forward/0/bias", bias, Streams((0,))) == {} and bias.tolist() == [[pytest.approx(0.3), pytest.approx(-0.2)]]
    synapse.write("forward/0/bias", {}, bias, Step(Dense(torch.ones(1, 2)), torch.tensor([0.5])), Streams((0,)))
    assert bias.tolist() == [[pytest.approx(0.8), pytest.approx(0.3)]]


def test_an_assigned_weight_keeps_its_signs() -> None:
    synapse, weight = SignSynapse(MetaplasticConfig(scale="one")), torch.tensor([[[0.7, -0.1]]])
    state = synapse.program("forward/0/weight", weight, Streams((0,)), {"hidden": torch.zeros(1, 1, 2)})
    assert weight.tolist() == [[[1.0, -1.0]]] and state["hidden"].flatten().tolist() == [pytest.approx(0.05), pytest.approx(-0.05)]


def run(**given: Any) -> Simulator:
    usual: dict[str, Any] = {"rule": "bp", "plasticity": "metaplastic", "data": "permuted_digits", "tasks": 2, "epochs": 4, "rule.lr": 0.005}
    usual |= {"network.hidden": [40], "network.norm": "batch", "probes": [], "run.save": False, "data.limit": 600, "plasticity.clip": "none"}
    settings = config.resolve({**usual, **given})
    simulator = Simulator(settings, data.load(settings.data, settings.seed_list, settings.top.tasks))
    simulator.run()
    return simulator


def test_any_rule_learns_with_it_and_reads_signs_alone() -> None:
    simulator = run(rule="fa")
    world = simulator.packs[0].world
    for key in ("forward/0/weight", "forward/1/weight"):
        sizes = world.params[key].abs()
        assert torch.allclose(sizes, sizes.max()) and torch.equal(world.params[key] < 0, world.synapses[f"{key}:hidden"] < 0)
    rows = [row for row in simulator.recorder.rows if row[3] == "test" and row[4] == "task_accuracy"]
    assert rows[2][6] > 0.5  # the first task after it was learned
