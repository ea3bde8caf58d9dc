"""Equilibrium propagation: one network settles twice, freely and nudged towards the target; synapses compare the two.

States s_l, activity ``h_l = phi(s_l)``, the input in place of ``h_0``, energy of a sample and cost of its output::

    E = sum_l ( 1/2 |s_l|^2 - h_l . c_l(h_{l-1}) ),   c_l(h) = W_l h + b_l,   F = E + beta C(s_L)
    ds_l/dt = -dF/ds_l = phi'(s_l) * ( c_l(h_{l-1}) + h_{l+1} W_{l+1} ) - s_l  (- beta dC/ds_L at the output)
    change of W_l = [ h_l^beta (h_{l-1}^beta)^T - h_l^0 (h_{l-1}^0)^T ] / beta,     the mean over the batch

With dynamics=activity cells relax to phi of their drive, ``h_l = phi(c_l(h_{l-1}) + h_{l+1} W_{l+1})``: the same contrast with the integral
of phi^-1(h_l) in place of 1/2 |s_l|^2. For clip the two have the same fixed points, for other units they do not.

It tends to ``-dC/dW`` at the free fixed point as beta -> 0. The symmetric form compares +beta with -beta and divides by 2 beta.

The output cells are linear (phi is the identity, as in every network here), and C is the task's loss, so that rules share one loss; the
published squared error 1/2 |s_L - T|^2 is an option. The published unit is ``clip``, phi(s) = min(max(s, 0), 1).

A convolution with max-pooling has the same energy with the pooled current for c_l: the synapse of the position that won takes part.

Sources: Scellier & Bengio 2017, Front. Comput. Neurosci. 11:24; Laborieux et al. 2021, arXiv:2006.03824 (symmetric form, convolutions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged, replica
from bioplaus.layer import Layer, Trace
from bioplaus.network import Network
from bioplaus.operations import Scope
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Learned, Learning, Plausibility, Rule, RuleConfig
from bioplaus.rules.currents import currents, wanted_of
from bioplaus.view import View

__all__ = ["EquilibriumPropagation", "EquilibriumPropagationConfig"]


@dataclass
class EquilibriumPropagationConfig(RuleConfig):
    """Settings of equilibrium propagation."""

    name: str = "ep"
    lr: float = replica(0.1)
    beta: float = ranged(0.5, above=0, per_replica=True)
    """Strength of the nudge, > 0; a list gives each seed its own."""
    nudge: str = choice("symmetric", "symmetric", "positive", "random")
    """Which nudges are compared: symmetric (-beta and +beta) | positive (0 and +beta) | random (0 and +beta or -beta, a coin per batch)."""
    dynamics: str = choice("activity", "activity", "energy")
    """How states move: activity (h <- h + step (phi(drive) - h)) | energy (s <- s - step dF/ds). For clip the fixed points are
    the same, but with steps of finite size `energy` chatters about the upper end."""
    cost: str = choice("task", "task", "squared")
    """What the nudge descends: task (the task's own loss) | squared (1/2 squared distance to one-hot target, as published)."""
    steps: int = ranged(20, 1)
    """Steps of the free phase, >= 1; also those of a prediction."""
    nudged_steps: int = ranged(4, 1)
    """Steps of a nudged phase, >= 1."""
    step: float = ranged(0.5, above=0, high=1)
    """Size of a step, in (0, 1]; units of the cells' time constant."""


class EquilibriumPropagation(Rule):
    """Contrast of a nudged with a free equilibrium of one symmetric network.

    Notes
    -----
    Settling starts at the forward pass. Cells that can grow without bound (elu, relu) have no equilibrium once weights are large: choose
    neuron=clip, tanh or sigmoid. The metric "unsettled" is the largest move of a state in the last free step.
    """

    Config = EquilibriumPropagationConfig
    reference = "Scellier & Bengio 2017, Front. Comput. Neurosci. 11:24"
    published_neuron = "clip"
    plausibility = Plausibility(
        honoured=(
            "local: each change is a difference of products of the synapse's own two activities",
            "one kind of dynamics carries activity and error",
            "all layers settle at once: no layer waits for another to finish",
        ),
        violated=(
            "symmetric weights: each synapse is used in both directions (weight transport)",
            "the output is nudged by the target, and the hidden layers wait for it (update locking)",
            "two phases, each settling for many steps, and a memory of the first one",
        ),
        weight_transport=True,
        update_locking=True,
        phases=2,
    )
    recipes = (
        Recipe({"neuron": "clip", "network.bias": True}, "Scellier & Bengio 2017"),
        Recipe({"plasticity": "adam", "rule.lr": 0.001, "batch_size": 64}, "ours; adam as in Laborieux et al. 2021"),
        Recipe({"epochs": 20}, "ours", data=("digits", "synthetic")),
        Recipe({"rule.lr": 0.004}, "ours, not tuned: few samples want larger steps", data=("synthetic",)),
        Recipe(
            {
                "rule.lr": 0.0005,
                "rule.nudged_steps": 8,
                "epochs": 8,
                "network.hidden": [500],
                "plasticity.schedule": "cosine",
            },
            "ours; widths of Scellier & Bengio 2017, rate of Laborieux et al. 2021",
            data=("mnist", "fashion_mnist"),
            network=("mlp",),
        ),
    )

    def build(self, network: Network) -> dict[str, Network]:
        """Return the network.

        Raises
        ------
        ConfigError
            If the network has dendrites, whose branches have no energy.
        """
        if any(layer.dendrites for layer in network.layers):
            raise ConfigError(
                "rule=ep needs an energy, and dendrites have none; choose network.dendrites=false or another rule"
            )
        return {"forward": network}

    def learn(self, view: View) -> Learning:
        beta = torch.as_tensor(self.config.beta, dtype=view.streams.dtype, device=view.streams.device).expand(
            len(view.streams.seeds)
        )
        if self.config.nudge == "random":
            beta = beta * (view.streams.uniform("nudge/sign", (), -1, 1) >= 0).to(beta).mul_(2).sub_(1)
        free = _Settling(view, self.config, train=True)
        moved = free.run(self.config.steps, None)
        plus = free.copy()
        plus.run(self.config.nudged_steps, beta)
        minus, width = free, beta
        if self.config.nudge == "symmetric":
            minus, width = free.copy(), 2 * beta
            minus.run(self.config.nudged_steps, -beta)
        scale = 1 / (width * view.batch.size)
        changes = {
            leaf: change for i in range(len(free.layers)) for leaf, change in _contrast(i, plus, minus, scale).items()
        }
        yield Wanted("forward", changes)
        metrics = {"loss": view.task.loss(free.out, view.batch.y), "unsettled": moved}
        return Learned(metrics, running=free.running)

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        """Return the output at the end of the free phase."""
        settling = _Settling(view, self.config, train=False)
        settling.run(self.config.steps, None)
        return settling.out


class _Settling:
    """States of one batch on their way to an equilibrium: activity h, and s where the dynamics are those of the energy."""

    def __init__(self, view: View, config: EquilibriumPropagationConfig, *, train: bool) -> None:
        self.view, self.config, self.train = view, config, train
        self.layers: tuple[Layer, ...] = currents(view.networks["forward"])
        self.neurons = [layer.neuron for layer in view.networks["forward"].layers]
        self.traces: list[Trace] = []
        scope, x = Scope(view.params, view.buffers, train), view.batch.x
        self.s, self.h = [], []
        for layer, neuron in zip(self.layers, self.neurons):
            trace = layer.forward(scope, x)
            x = neuron.forward(trace.out)[0]
            self.traces.append(trace)
            self.s.append(trace.out)
            self.h.append(x)
        self.running = scope.running

    @property
    def out(self) -> Tensor:
        """Activity of the output cells."""
        return self.h[-1]

    def copy(self) -> _Settling:
        """Return another that starts where this one is; arrays are never written in place."""
        found = object.__new__(_Settling)
        found.__dict__.update(self.__dict__, traces=list(self.traces), s=list(self.s), h=list(self.h))
        return found

    def run(self, steps: int, beta: Tensor | None) -> Tensor:
        """Make steps under a nudge beta ``[R]`` (None is free); return the largest move of the last one, ``[R]``."""
        last = self.h
        for _ in range(steps):
            last = self.h
            self._move(beta)
        moves = [(new - old).abs().flatten(1).amax(1) for new, old in zip(self.h, last)]
        return torch.stack(moves).amax(0)

    def _move(self, beta: Tensor | None) -> None:
        step, top = self.config.step, len(self.layers) - 1
        drives = [self.traces[i].out + self._from_above(i) if i < top else self.traces[i].out for i in range(top + 1)]
        nudge = None if beta is None else beta.view(-1, *[1] * (self.out.dim() - 1)) * self._pull_of_target()
        if self.config.dynamics == "activity":
            if nudge is not None:
                drives[top] = drives[top] + nudge
            self.h = [torch.lerp(h, neuron.forward(d)[0], step) for h, neuron, d in zip(self.h, self.neurons, drives)]
        else:
            for i, (neuron, drive) in enumerate(zip(self.neurons, drives)):
                force = neuron.pull(neuron.forward(self.s[i])[1], drive) - self.s[i]
                if i == top and nudge is not None:
                    force = force + nudge
                self.s[i] = torch.add(self.s[i], force, alpha=step)
            self.h = [neuron.forward(s)[0] for neuron, s in zip(self.neurons, self.s)]
        self._renew()

    def _from_above(self, i: int) -> Tensor:
        """Return what the layer above sends back along the same synapses."""
        above, trace = self.layers[i + 1], self.traces[i + 1]
        return above.give_back(trace, above.pull(trace, self.h[i + 1]), self.view.params[above.weight])[0]

    def _pull_of_target(self) -> Tensor:
        """Return -dC/ds_L of each sample."""
        out = self.out if self.config.dynamics == "activity" else self.s[-1]
        if self.config.cost == "task":
            return self.view.task.error(out, self.view.batch.y) * self.view.batch.size
        return self.view.task.target(self.view.batch.y, out.dtype) - out

    def _renew(self) -> None:
        """Send the activities on; the input is clamped, so its current stands."""
        scope = Scope(self.view.params, self.view.buffers, self.train)
        for i in range(1, len(self.layers)):
            self.traces[i] = self.layers[i].forward(scope, self.h[i - 1])


def _contrast(i: int, plus: _Settling, minus: _Settling, scale: Tensor) -> dict[str, Change]:
    """Return the changes of a layer's leaves: ``scale`` times the difference of dE/dW between two equilibria."""
    ends: Sequence[tuple[_Settling, Tensor]] = ((plus, scale), (minus, -scale))
    found = []
    for phase, factor in ends:
        layer, trace, h = phase.layers[i], phase.traces[i], phase.h[i]
        changes = wanted_of(layer, trace, h * factor.view(-1, *[1] * (h.dim() - 1)), phase.view.params[layer.weight])
        found.append((trace.pre, changes))
    (pre, first), (other, second) = found
    return {leaf: _joined(first[leaf], second[leaf], shared=pre is other) for leaf in first}


def _joined(a: Change, b: Change, *, shared: bool) -> Change:
    """Add two changes; where both have the same presynaptic side, as at the clamped input, one product is enough."""
    if isinstance(a, Outer) and isinstance(b, Outer):
        if shared:
            return Outer(a.connection, ((a.pairs[0][0], a.pairs[0][1] + b.pairs[0][1]),))
        return Outer(a.connection, (*a.pairs, *b.pairs))
    return Dense(a.dense() + b.dense())
