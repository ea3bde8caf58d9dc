"""Predictive coding: every layer predicts the one above it, the output is clamped, and states settle before weights move.

States x_l are what arrives at the cells of layer l (currents), ``mu_l = W_l phi(x_{l-1})`` what the layer below predicts of them, with the
input itself in place of ``phi(x_0)``; ``eps_l = x_l - mu_l``. From ``x_l = mu_l`` (the forward pass) the states run down the energy

    F = sum_{0<l<L} 1/2 |eps_l|^2 + C(mu_L)
    x_l <- x_l + gamma ( -eps_l + phi'(x_l) * (eps_{l+1} W_{l+1}) )        T times
    change of W_l = eps_l^T phi(x_{l-1}) / B

``eps_L = -dC/d mu_L``: target minus prediction for ``C = 1/2 |T - mu_L|^2`` (an output clamped to the target, as published), and
``T - softmax(mu_L)`` for cross-entropy (an output that is a softmax population clamped to the label), so that rules share one loss.

Z-IL reads layer L - k after k steps at gamma = 1; its changes are those of backpropagation, to rounding.

Sources: Whittington & Bogacz 2017, Neural Comput. 29:1229; Song et al. 2020, NeurIPS (Z-IL, exact limit).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Change, Wanted
from bioplaus.fields import choice, ranged, replica
from bioplaus.layer import Layer, Trace
from bioplaus.network import Network
from bioplaus.operations import Scope
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.rules.currents import currents, wanted_of
from bioplaus.view import View

__all__ = ["PredictiveCoding", "PredictiveCodingConfig"]


@dataclass
class PredictiveCodingConfig(RuleConfig):
    """Settings of predictive coding."""

    name: str = "pc"
    lr: float = replica(0.1)
    lr_feedback: float | None = replica(None)
    """Base rate of separate feedback weights, >= 0; lr if not given; unused with feedback=transpose."""
    inference: str = choice("relax", "relax", "zil")
    """How states settle: relax (`steps` steps of size `gamma`) | zil (exact limit: gamma 1, each layer read as the error reaches it)."""
    steps: int = ranged(10, 0)
    """Inference steps T of one batch, >= 0."""
    gamma: float = ranged(0.2, above=0, high=1)
    """Size of an inference step, dimensionless, in (0, 1]."""
    output: str = choice("task", "task", "squared")
    """What the clamped output costs: task (the task's own loss) | squared (1/2 squared distance to one-hot target, as published)."""
    feedback: str = choice("transpose", "transpose", "separate")
    """What errors travel down through: transpose (the forward weights) | separate (weights of their own, changed by the same product)."""


_ERRORS = "error cells beside each cell, and an output clamped to the target: layers wait for it (update locking)"
_SETTLES = (
    "settles for many steps per batch; an error reaches a layer only after as many steps as there are layers above it"
)
_LOCAL = "local: each change is a product of an error cell and the presynaptic activity, each state sees its own layer and the next"
_UNLOCKED = "all layers settle at once: no layer waits for another to finish"


class PredictiveCoding(Rule):
    """Inference by relaxation of an energy of prediction errors, then a Hebbian step.

    Notes
    -----
    On a network without hidden layers nothing settles and the rule is the delta rule. Batch normalisation is taken as a part of phi.
    """

    Config = PredictiveCodingConfig
    reference = "Whittington & Bogacz 2017, Neural Comput. 29:1229; Song et al. 2020, NeurIPS"
    plausibility = Plausibility(
        honoured=(_LOCAL, _UNLOCKED),
        violated=("weight transport: errors run down through the transposed forward weights", _ERRORS, _SETTLES),
        weight_transport=True,
        update_locking=True,
        phases=2,
    )
    recipes = (
        Recipe({"rule.lr": 0.3, "plasticity.clip": "per_network", "plasticity.clip_norm": 1.0}, "ours"),
        Recipe({"epochs": 20, "batch_size": 64}, "ours", data=("digits", "synthetic")),
        Recipe({"epochs": 10, "batch_size": 64}, "ours", data=("mnist", "fashion_mnist"), network=("mlp",)),
    )

    def statement(self) -> Plausibility:
        stated = self.plausibility
        if self.config.feedback == "separate":
            honoured = "separate feedback weights, changed by the same local product: no weight transport"
            stated = replace(
                stated, honoured=(*stated.honoured, honoured), violated=stated.violated[1:], weight_transport=False
            )
        if self.config.inference == "zil":
            locked = "backward locking: changes are read layer by layer, as the error comes down"
            kept = tuple(point for point in stated.honoured if point is not _UNLOCKED)
            stated = replace(stated, honoured=kept, violated=(*stated.violated, locked), backward_locking=True)
        return stated

    def build(self, network: Network) -> dict[str, Network]:
        if self.config.feedback == "transpose" or len(network.layers) < 2:
            return {"forward": network}
        return {"forward": network, "backward": network.twin("backward", 1)}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        found = {"forward": Group(plastic_leaves(networks["forward"]), self.config.lr)}
        if "backward" in networks:
            rate = self.config.lr if self.config.lr_feedback is None else self.config.lr_feedback
            found["backward"] = Group(plastic_leaves(networks["backward"]), rate)
        return found

    def feedback(self, view: View) -> dict[str, Tensor]:
        if "backward" not in view.networks:
            return {layer.weight: view.params[layer.weight] for layer in view.networks["forward"].layers[1:]}
        above = zip(view.networks["forward"].layers[1:], view.networks["backward"].layers)
        return {layer.weight: view.params[back.weight] for layer, back in above}

    def learn(self, view: View) -> Learning:
        chain = _Chain(view, self.config.output, self.feedback(view))
        start = chain.energy()
        changes: dict[str, Change] = {}
        depth = len(chain.layers)
        if self.config.inference == "zil":
            for at in reversed(range(depth)):
                changes |= chain.changes(at)
                chain.relax(1.0)
        else:
            for _ in range(self.config.steps):
                chain.relax(self.config.gamma)
            for at in reversed(range(depth)):
                changes |= chain.changes(at)
        yield Wanted("forward", changes)
        if "backward" in view.networks:
            layers = zip(view.networks["forward"].layers[1:], view.networks["backward"].layers)
            yield Wanted("backward", {back.weight: changes[layer.weight] for layer, back in layers})
        metrics = {"loss": chain.loss, "energy_start": start, "energy": chain.energy()}
        return Learned(metrics, running=chain.running)


class _Chain:
    """States of one batch on their way to rest."""

    def __init__(self, view: View, output: str, down: Mapping[str, Tensor]) -> None:
        self.view, self.output, self.down = view, output, down
        self.layers: tuple[Layer, ...] = currents(view.networks["forward"])
        self.neurons = [layer.neuron for layer in view.networks["forward"].layers]
        self.traces: list[Trace] = []
        self.x: list[Tensor] = []  # states of the hidden layers
        self.caches: list[Any] = []
        scope, h = Scope(view.params, view.buffers, train=True), view.batch.x
        for layer, neuron in zip(self.layers, self.neurons):
            trace = layer.forward(scope, h)
            h, cache = neuron.forward(trace.out)
            self.traces.append(trace)
            self.x.append(trace.out)
            self.caches.append(cache)
        self.running = scope.running
        self.loss = view.task.loss(h, view.batch.y)
        self._out = h

    def error(self, at: int) -> Tensor:
        """Return eps of a layer, of the size of one sample (not divided by the batch)."""
        if at < len(self.layers) - 1:
            return self.x[at] - self.traces[at].out
        out, task = self._out, self.view.task
        wanted = (
            task.error(out, self.view.batch.y) * self.view.batch.size
            if self.output == "task"
            else task.target(self.view.batch.y, out.dtype) - out
        )
        return self.neurons[at].pull(self.caches[at], wanted)

    def relax(self, gamma: float) -> None:
        """Move all hidden states at once, then renew what each layer predicts."""
        eps, top = [self.error(i) for i in range(len(self.layers))], len(self.layers) - 1
        for i in range(top):
            above = self.layers[i + 1]
            at_current = above.pull(self.traces[i + 1], eps[i + 1])
            sent, _ = above.give_back(self.traces[i + 1], at_current, self.down[above.weight])
            force = self.neurons[i].pull(self.caches[i], sent).sub_(eps[i])
            self.x[i] = torch.add(self.x[i], force, alpha=gamma)
        scope = Scope(self.view.params, self.view.buffers, train=True)
        for i in range(top):
            h, self.caches[i] = self.neurons[i].forward(self.x[i])
            self.traces[i + 1] = self.layers[i + 1].forward(scope, h)
        self._out, self.caches[top] = self.neurons[top].forward(self.traces[top].out)

    def energy(self) -> Tensor:
        """Return F, the mean over the batch, ``[R]``."""
        task, y, out = self.view.task, self.view.batch.y, self._out
        total = task.loss(out, y) if self.output == "task" else _half_squares(task.target(y, out.dtype) - out)
        for i in range(len(self.layers) - 1):
            total = total + _half_squares(self.error(i))
        return total

    def changes(self, at: int) -> dict[str, Change]:
        """Return the changes of a layer's leaves: -dF/dW at the present states."""
        layer, error = self.layers[at], self.error(at) / self.view.batch.size
        return wanted_of(layer, self.traces[at], error, self.view.params[layer.weight])


def _half_squares(eps: Tensor) -> Tensor:
    return eps.square().flatten(2).sum(-1).mean(-1) / 2
