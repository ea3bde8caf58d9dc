"""Continual learning with binary weights: variational learning of the fields behind stochastic synapses, an annealed temperature, a KL pull.

::

    theta <- theta + lr beta sigma^2 ( -dL/dm - g beta (theta - theta') ),   m = tanh(beta theta),   sigma^2 = 1 - m^2

down the loss L and ``KL(Q_theta || Q_theta')`` between factorised laws of binary weights, whose derivative in theta is exactly
``beta^2 sigma^2 (theta - theta')``. Source: Li, Huang, Zou & Huang 2022, arXiv:2212.02846, Phys. Rev. E 108, 014309. The published code adds up
over a batch of B; here everything is divided by B, so a rate of stochastic gradient descent is the published one times B (Adam does not notice).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.binary_layer import BinaryLayer, BinaryTrace
from bioplaus.changes import Change, Dense, Wanted
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged, replica
from bioplaus.network import Network
from bioplaus.operations import Scope
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Learned, Learning, Plausibility, Rule, RuleConfig
from bioplaus.shapes import per_weight
from bioplaus.streams import Streams
from bioplaus.view import Clock, Edits, View

__all__ = ["VclBinary", "VclBinaryConfig", "annealed"]

IMAGES = ("digits", "permuted_digits", "split_digits", "mnist", "permuted_mnist", "split_mnist", "fashion_mnist", "mnist_fashion")


@dataclass
class VclBinaryConfig(RuleConfig):
    """Settings of variational learning of binary weights."""

    name: str = "vcl_binary"
    lr: float = replica(0.01)
    beta: float = ranged(10.0, above=0)
    """Inverse temperature of the synapses (its ceiling, where it is annealed), unitless, > 0."""
    anneal: bool = True
    """Whether it rises with the epochs, ``beta tanh(0.1 + rise (e + 1)/E)``, e of E epochs over all tasks, from 0; else it is constant."""
    rise: float = ranged(2.0, 0)
    """How far it rises: 2 as published for permuted images, 1 for two data sets."""
    kl: str = choice("step", "step", "task", "none")
    """What fields are pulled towards: step (where they were one update ago) | task (where the last task left them) | none."""
    gamma: float = ranged(1.0, 0)
    """Strength of the pull: per update with kl=step, per pass over the training set with kl=task."""
    first_prior: str = choice("none", "none", "zero")
    """kl=task: the first task is pulled towards none | zero (weights of no preference)."""
    noise: bool = True
    """Whether currents are sampled while learning; else only their means are sent on. A decision is never sampled."""
    prediction: str = choice("mean", "mean", "stochastic", "sign")
    """What a finished network says: mean (no noise) | stochastic (one sample) | sign (every synapse at its likelier value)."""
    start: float = ranged(1.0, 0)
    """Standard deviation of the fields at the start, in place of network.init."""


class VclBinary(Rule):
    """Binary weights that harden where they are sure: variational continual learning in the space of fields."""

    Config = VclBinaryConfig
    tasks = ("classification", "decision")
    reference = "Li, Huang, Zou & Huang 2022, arXiv:2212.02846"
    plausibility = Plausibility(
        honoured=(
            "a synapse stores one field and transmits +1 or -1, at random",
            "each change uses the synapse's own field, the activity before it, the error and one noise value behind it",
            "metaplasticity of each synapse's own: one that is sure of its sign hardly changes",
            "no earlier samples are kept",
        ),
        violated=(
            "weight transport: the error travels down through means and variances of the synapses above (not where there is one layer)",
            "backward locking: a layer waits for the error of all layers above it (not where there is one layer)",
            "two phases, and an error signal separate from activity",
            "an inverse temperature shared by all synapses, which rises by the clock",
        ),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=2,
        modulators=("inverse temperature",),
    )
    recipes = (
        Recipe({"neuron": "relu", "plasticity": "adam", "plasticity.beta2": 0.99, "rule.lr": 0.01}, "Li et al. 2022, published code"),
        Recipe({"batch_size": 64, "data.standardise": "none"}, "Li et al. 2022, published code", data=IMAGES),
        Recipe(
            {
                "plasticity": "sgd",
                "plasticity.momentum": 0.9,
                "rule.lr": 1.5,
                "rule.beta": 1.0,
                "rule.anneal": False,
                "rule.kl": "task",
                "batch_size": 50,
            },
            "Li et al. 2022, published code, single layer: 0.03 summed over batches of P/20 = 50",
            data=("teacher",),
        ),
    )

    def build(self, network: Network) -> dict[str, Network]:
        """Return the network with binary synapses in place of its weights.

        Raises
        ------
        ConfigError
            It has normalisation, dendrites or recurrence.
        """
        if any(layer.norms or layer.dendrites or len(layer.leaves) > (2 if layer.bias else 1) for layer in network.layers):
            raise ConfigError("rule=vcl_binary knows weights and biases alone; use network.norm=none network.dendrites=false")
        beta = annealed(self.config, Clock())
        last = network.layers[-1]
        decides = network.out_shape == (1,)
        layers = [BinaryLayer(layer, self.config.start, beta, odds=decides and layer is last) for layer in network.layers]
        return {"forward": Network("forward", network.in_shape, layers)}

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        """Return what the pull needs: nothing, the fields of the last task, or the pull of the last update."""
        kind = {"step": "pull", "task": "prior"}.get(self.config.kl)
        return {f"{kind}/{key}": torch.zeros_like(params[key]) for key in (one.weight for one in networks["forward"].layers)} if kind else {}

    def learn(self, view: View) -> Learning:
        layers = _layers(view)
        beta = annealed(self.config, view.clock)
        running = {layer.beta: torch.full_like(view.buffers[layer.beta], beta) for layer in layers}
        traces = self._run(view, Scope(view.params, {**view.buffers, **running}, train=True), "noisy" if self.config.noise else "mean")
        loss, error = view.task.loss_and_error(traces[-1].out, view.batch.y)
        changes: dict[str, Change] = {}
        for layer, trace in zip(reversed(layers), reversed(traces)):
            at_current, found = layer.wanted(trace, error)
            changes |= found
            if layer is not layers[0]:
                error, _ = layer.give_back(trace, at_current, view.params[layer.weight])
        for key, pull in self._pulls(view, traces, layers).items():
            changes[key] = Dense(changes[key].dense() - pull / view.batch.size)
        before = {layer.weight: view.params[layer.weight].clone() for layer in layers} if self.config.kl == "step" else {}
        yield Wanted("forward", changes)
        # the published code works out the pull right behind the step, with the moments that it left
        state = {f"pull/{key}": _pull(view.params[key], old, beta) for key, old in before.items()}
        return Learned({"loss": loss}, state, running)

    def _run(self, view: View, scope: Scope, way: str, where: str = "noise") -> list[BinaryTrace]:
        x, traces = view.batch.x, []
        for layer in _layers(view):
            own = layer.way if layer.way == "odds" and way != "sign" else way
            shape = (x.shape[1], *layer.connection.out_shape)
            noise = view.streams.normal(f"{where}/{layer.name}", shape) if own == "noisy" else None
            traces.append(layer.run(scope, x, own, noise))
            x = traces[-1].out
        return traces

    def _pulls(self, view: View, traces: list[BinaryTrace], layers: list[BinaryLayer]) -> dict[str, Tensor]:
        """Return the gradient of the KL term with the weight that one update has, times the batch size."""
        gamma, kl = self.config.gamma, self.config.kl
        if kl == "none" or (kl == "task" and view.clock.task == 0 and self.config.first_prior == "none"):
            return {}
        if kl == "step":
            return {layer.weight: gamma * view.state[f"pull/{layer.weight}"] for layer in layers}
        share = gamma / view.clock.steps_per_epoch
        found = {}
        for layer, trace in zip(layers, traces):
            assert trace.moments is not None
            stiff = per_weight(trace.moments.beta, trace.moments.m) ** 2 * trace.moments.variance
            found[layer.weight] = share * stiff * (view.params[layer.weight] - view.state[f"prior/{layer.weight}"])
        return found

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        way = {"stochastic": "noisy"}.get(self.config.prediction, self.config.prediction)
        first = 0 if view.batch.index is None else int(view.batch.index.reshape(-1)[0])  # so that chunks have noise of their own
        return self._run(view, Scope(view.params, view.buffers), way, f"predict/{first}")[-1].out

    def boundary(self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]) -> Edits | None:
        """At the end of a task, remember where it left the fields."""
        if event != "task" or self.config.kl != "task":
            return None
        return Edits(state={f"prior/{layer.weight}": view.params[layer.weight] for layer in _layers(view)})


def annealed(config: VclBinaryConfig, clock: Clock) -> float:
    """Return the inverse temperature of an epoch: ``beta tanh(0.1 + rise (e + 1)/E)``; before learning that of e = -1."""
    if not config.anneal:
        return config.beta
    epochs = clock.steps_total / clock.steps_per_epoch
    done = (clock.epoch + 1) / epochs if clock.steps_total > 1 else 0.0
    return config.beta * math.tanh(0.1 + config.rise * min(done, 1.0))


def _pull(theta: Tensor, old: Tensor, beta: float) -> Tensor:
    """Return ``beta^2 sigma^2 (theta - old)``, the gradient of the KL divergence between the two laws."""
    m = torch.tanh(beta * theta)
    return beta**2 * (1 - m * m) * (theta - old)


def _layers(view: View) -> list[BinaryLayer]:
    return [layer for layer in view.networks["forward"].layers if isinstance(layer, BinaryLayer)]
