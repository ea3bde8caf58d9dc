"""Reward-modulated STDP: spike timing marks a synapse as eligible, and a reward that comes later turns the mark into a change.

::

    c' = -c / tau_c + STDP(t)        eligibility of each synapse: spike timing adds to it
    d' = -d / tau_d + reward         dopamine, one number for all synapses
    w' = c d

A sample is a trial that starts from rest. The reward comes at its end, T, when the network has answered by the spikes of its output
layer: `reward` if it was right, `penalty` if not, less what is usual if ``expected=mean`` (a prediction error, Schultz, Dayan & Montague 1997).
Nothing fires between trials, so both decay alone, and the whole change is

    dw = c(T) reward sum_{k >= 0} e^{-k dt (1/tau_c + 1/tau_d)},        c(T) = sum_t STDP[t] e^{-(T - t) dt / tau_c}

which is a sum of products of the two cells' spikes and traces, like STDP itself, times a number per sample; the sum over k is a constant, and
is counted in units of its value for tau_c = 1 s, tau_d = 0.2 s, dt = 1 ms, 167.2. Without reward, or rather with one of 0, no weight changes.

Hidden layers are those of `bioplaus.rules.layered_stdp`. The output layer has signed weights; its cells inhibit each other, so that one answer
at a time earns the reward, and their thresholds follow their rates, so that none falls silent and none answers always: without the second,
reward alone taught nothing on digits. With ``readout=delta`` the output layer learns by the delta rule instead.

Source: Izhikevich 2007, Cereb. Cortex 17:2443.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged, replica
from bioplaus.layer import Layer, Trace
from bioplaus.network import Network
from bioplaus.operations import Scope
from bioplaus.recipes import Recipe
from bioplaus.rules import layered_stdp
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule
from bioplaus.rules.spike_timing import SpikeTimingConfig
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = ["Rstdp", "RstdpConfig"]

#: sum over k with Izhikevich's time constants and steps of 1 ms: the unit of a change
UNIT = 1 / -math.expm1(-(1 / 1000 + 1 / 200))
#: pixels as spikes, straight onto the cells that answer
_PIXELS: dict[str, Any] = {
    "network.hidden": [],
    "data.standardise": "none",
    "data.encode": "rate",
    "rule.a_minus": 0.0,
    "rule.lr_threshold": 1.0,
}
#: share of the usual reward that is kept per batch
MEMORY = 0.9


@dataclass
class RstdpConfig(SpikeTimingConfig):
    """Settings of reward-modulated STDP."""

    name: str = "rstdp"
    lr: float = replica(1.0)
    """Factor on the changes of the output layer, >= 0; a list gives each seed its own."""
    tau_c: float = ranged(1000.0, above=0)
    """Time constant of eligibility, ms, > 0."""
    tau_d: float = ranged(200.0, above=0)
    """Time constant of dopamine, ms, > 0."""
    reward: float = ranged(1.0)
    """What a right answer is worth, dimensionless."""
    penalty: float = ranged(-1.0)
    """What a wrong answer is worth, dimensionless."""
    rate_output: float = ranged(0.03, 0, 1)
    """Spikes per step that an output cell's threshold pulls it to with readout=reward, in [0, 1]."""
    inhibition_output: float = ranged(1.0, 0)
    """What a spike takes from every other output cell in the next step with readout=reward, >= 0: one answer at a time earns the reward."""
    expected: str = choice("mean", "mean", "nothing")
    """What is taken from a reward: mean (a running mean of past rewards) | nothing."""
    readout: str = choice("reward", "reward", "delta")
    """How the output layer learns: reward (as the others: nothing but the scalar enters) | delta (the task's error at its membrane)."""


class Rstdp(Rule):
    """Spike timing made lasting by one scalar: a reward for the network's answer."""

    Config = RstdpConfig
    tasks = ("spiking",)
    reference = "Izhikevich 2007, Cerebral Cortex 17:2443"
    aliases = {"steps": "neuron.steps", "encode": "data.encode"}  # noqa: RUF012
    plausibility = Plausibility(
        honoured=(
            "local: a synapse keeps an eligibility made of the spikes of its two cells",
            "one scalar for all synapses, which says whether the answer was right and nothing of what it should have been",
            "no weight transport, no backward pass; cells send spikes alone, hidden synapses keep their sign",
        ),
        violated=(
            "update locking: a change waits for the network's answer",
            "output synapses may change sign",
            "inhibition within a layer does not learn, and reaches every cell alike",
        ),
        update_locking=True,
        phases=2,
        modulators=("output error", "reward"),
    )
    recipes = (
        # the loss is only looked at, to choose an epoch: it is that of the spikes which answer
        Recipe({**layered_stdp.RUN, "neuron.loss": "rate"}, "ours, not tuned"),
        Recipe(
            {"network.init_scale": 4.0, "rule.rate": 0.2, "rule.inhibition": 0.2, "rule.lr": 0.02},
            "ours, not tuned; outputs fire",
            data=("synthetic",),
        ),
        Recipe(
            {**_PIXELS, "rule.lr": 0.2, "epochs": 12},
            "ours, best validation accuracy among ten settings, two seeds: potentiation alone, no hidden layer",
            data=("digits",),
        ),
        Recipe({**_PIXELS, "rule.lr": 0.05, "epochs": 1}, "ours, not tuned", data=("mnist", "fashion_mnist")),
    )

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        return {"network": "mlp"}

    def statement(self) -> Plausibility:
        if self.config.readout == "reward":
            return self.plausibility
        return replace(self.plausibility, violated=(*self.plausibility.violated, "output synapses are told the error of each class"))

    def build(self, network: Network) -> dict[str, Network]:
        task = network.layers[-1].neuron.config
        if self.config.readout == "reward" and task.readout == "leaky":
            raise ConfigError("rule=rstdp answers by spikes, and neuron.readout=leaky sends none; use neuron.readout=spiking")
        built = layered_stdp.excitatory(network, self.config)
        return {"forward": layered_stdp.competing(built, self.config.inhibition_output) if self.config.readout == "reward" else built}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        return layered_stdp.groups_of(networks["forward"], self.config)

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        return {"usual": torch.zeros(len(streams.seeds), dtype=streams.dtype, device=streams.device)} if self.config.expected == "mean" else {}

    def learn(self, view: View) -> Learning:
        *hidden, last = view.networks["forward"].layers
        scope, runs, x = Scope(view.params, view.buffers, True), [], view.batch.x
        for layer in (*hidden, last):
            runs.append(layer.forward(scope, x))
            x = runs[-1].out
        reward, state = self._reward(view, x)
        lasting = self._lasting(reward, runs[-1], last) / view.batch.size
        for layer, run in zip(hidden, runs):
            yield layered_stdp.synapses(layer, view.params, run, self.config, lasting)
            yield layered_stdp.homeostasis(layer, run.out, self.config.rate)
        if self.config.readout == "reward":
            spikes = view.task.spikes(x)  # type: ignore[attr-defined]
            yield layered_stdp.synapses(last, view.params, runs[-1], replace(self.config, mu=0.0), lasting, spikes)
            yield layered_stdp.homeostasis(last, spikes, self.config.rate_output)
        else:
            yield layered_stdp.readout(last, view, runs[-1], "delta")
        return Learned({"loss": view.task.loss(x, view.batch.y), "reward": reward.mean(1)}, state, scope.running)

    def _reward(self, view: View, out: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the reward of each trial ``[R, B]``, and the moved mean."""
        c, right = self.config, view.task.predicted(out) == view.batch.y  # type: ignore[attr-defined]
        reward = right.to(out.dtype) * (c.reward - c.penalty) + c.penalty
        if c.expected == "nothing":
            return reward, {}
        usual = view.state["usual"]
        return reward - usual.unsqueeze(1), {"usual": usual.lerp(reward.mean(1), 1 - MEMORY)}

    def _lasting(self, reward: Tensor, run: Trace, layer: Layer) -> Tensor:
        """Return what becomes of a unit of STDP at each step of each trial, ``[R, B, T, 1]``."""
        c, steps = self.config, run.out.shape[2]
        dt: float = getattr(layer.neuron.config, "dt", 1.0)
        left = torch.arange(steps, 0, -1, dtype=reward.dtype, device=reward.device) * (-dt / c.tau_c)
        total = 1 / -math.expm1(-dt * (1 / c.tau_c + 1 / c.tau_d)) / UNIT
        return (reward.unsqueeze(2) * (left.exp() * total)).unsqueeze(3)
