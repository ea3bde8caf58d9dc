"""Reward-modulated spike timing: eligibility, dopamine and change integrated step by step, and what a reward does and does not tell."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from timing_kit import asked, layered, steps_of, weights

from bioplaus import api
from bioplaus.engines.loop import learn_batch
from bioplaus.errors import ConfigError
from bioplaus.rules.rstdp import Rstdp, RstdpConfig
from bioplaus.rules.spike_timing import timing
from bioplaus.rules.stdp import Stdp, StdpConfig
from bioplaus.spiking.activity import activity
from bioplaus.view import Clock


def simulated(pre: list[int], post: list[int], reward: float, steps: int, c: Any) -> float:
    """One synapse, traces, eligibility and dopamine advanced in time from rest until both are gone; the reward comes behind the last step."""
    k, r, o, eligible, dopamine, w = timing(c), 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(steps + 40 * int(c.tau_d)):
        dopamine += reward if t == steps else 0.0
        w += eligible * dopamine
        if t < steps:
            eligible += k.a_plus * r * (t in post) - k.a_minus * o * (t in pre)
            r, o = r + (t in pre), o + (t in post)
        r, o = r * math.exp(-1 / k.tau_plus), o * math.exp(-1 / k.tau_minus)
        eligible, dopamine = eligible * math.exp(-1 / c.tau_c), dopamine * math.exp(-1 / c.tau_d)
    return w


@pytest.mark.parametrize("readout", ["reward", "delta"])
def test_a_change_is_that_of_eligibility_and_dopamine_in_time(readout: str) -> None:
    c = RstdpConfig(expected="nothing", tau_c=40.0, tau_d=15.0, reward=0.7, penalty=-0.4, readout=readout)
    model, world, batch = layered(Rstdp(c), samples=3, seeds=(3,))
    run = model.networks["forward"].forward(world.params, batch.x)
    right = model.task.predicted(run.out)[0] == batch.y[0]
    unit = 1 / (1 - math.exp(-1 / 1000 - 1 / 200))
    spikes = {0: run.traces[0].out, 1: (run.out > 1).double()}
    found = asked(model, world, batch)
    for i, layer in enumerate(model.networks["forward"].layers[: 2 if readout == "reward" else 1]):
        got = weights(found, layer.weight)
        for j, k in ((0, 1), (2, 5), (1, 3)):
            pairs = [(steps_of(run.traces[i].pre[0, b, :, k]), steps_of(spikes[i][0, b, :, j])) for b in range(3)]
            each = [simulated(*pair, 0.7 if right[b] else -0.4, batch.x.shape[2], c) for b, pair in enumerate(pairs)]
            assert float(got[0, j, k]) == pytest.approx(sum(each) / 3 / unit, rel=1e-9, abs=1e-15)
    assert weights(found, "forward/0/weight").abs().max() > 0


@pytest.mark.parametrize("form", ["pair", "triplet"])
def test_without_reward_no_weight_changes(form: str) -> None:
    model, world, batch = layered(Rstdp(RstdpConfig(expected="nothing", reward=0.0, penalty=0.0, form=form, readout="reward")))
    start = {key: value.clone() for key, value in world.params.items()}
    with torch.no_grad():
        learn_batch(model, world, batch, Clock())
    assert all(torch.equal(world.params[key], start[key]) for key in start if key.endswith("/weight"))
    other, world, batch = layered(Rstdp(RstdpConfig(expected="nothing", form=form)))
    assert weights(asked(other, world, batch), "forward/0/weight").abs().max() > 0


def test_all_synapses_are_told_one_number_per_trial() -> None:
    """With slow eligibility a rewarded trial is STDP times a constant, a punished one its negative, in every layer that STDP has."""
    c = RstdpConfig(expected="nothing", tau_c=1e9, tau_d=200.0)
    model, world, batch = layered(Rstdp(c), (6, 7, 5, 3), samples=1, seeds=(3,))
    plain, other, _ = layered(Stdp(StdpConfig()), (6, 7, 5, 3), samples=1, seeds=(3,))
    answer = model.task.predicted(model.networks["forward"].forward(world.params, batch.x).out)
    alone = asked(plain, other, batch)
    for y, sign in ((answer[:1], 1.0), ((answer[:1] + 1) % 3, -1.0)):
        found = asked(model, world, replace(batch, y=y))
        for i in (0, 1):
            key, ratio = f"forward/{i}/weight", (1 - math.exp(-1 / 1000 - 1 / 200)) / (1 - math.exp(-1 / 200))
            torch.testing.assert_close(weights(found, key), sign * ratio * weights(alone, key), rtol=1e-6, atol=1e-9)


def test_an_expected_reward_teaches_nothing() -> None:
    """The running mean comes to what is usual, here the penalty of every trial."""
    model, world, batch = layered(Rstdp(RstdpConfig(lr=0.0, lr_hidden=0.0, lr_threshold=0.0, reward=0.3, penalty=0.3)))
    sizes = []
    with torch.no_grad():
        for _ in range(60):
            sizes.append(float(weights(asked(model, world, batch), "forward/0/weight").abs().max()))
            learn_batch(model, world, batch, Clock())
    torch.testing.assert_close(world.state["usual"], torch.full((2,), 0.3 * (1 - 0.9**60)).double())
    assert sizes[0] > 0 and sizes[-1] == pytest.approx(sizes[0] * 0.9**59, rel=1e-6)


def test_a_leaky_output_gives_no_answer() -> None:
    with pytest.raises(ConfigError, match=r"rule=rstdp answers by spikes"):
        layered(Rstdp(RstdpConfig(readout="reward")), readout="leaky")


def test_reward_alone_teaches_digits(tmp_path: Path) -> None:
    """Ten classes: one in ten by chance, as without reward; the rule is told of its own answer only whether it was right."""
    found = []
    for reward in (1.0, 0.0):
        keys = {"rule": "rstdp", "rule.reward": reward, "rule.penalty": -reward, "epochs": 6, "seeds": 2, "probes": []}
        run = api.simulate({**keys, "run.root": str(tmp_path), "run.figures": False})
        found.append(run.summary["validation_accuracy"]["values"])
    assert min(found[0]) > 0.5 and max(found[1]) < 0.3


def test_spikes_of_competing_outputs_are_counted_as_operations() -> None:
    """Without hidden layer nothing lies behind the first layer but inhibition: K - 1 synapses per output spike, less those of the last step."""
    model, world, batch = layered(Rstdp(RstdpConfig()), (6, 3))
    network = model.networks["forward"]
    run = network.forward(world.params, batch.x)
    spikes = (run.out > 1).double()
    found = activity(network, run, model.task)["synaptic_operations"]
    assert spikes.sum() > 0
    torch.testing.assert_close(found, 2 * spikes[:, :, :-1].sum((2, 3)).mean(1))
