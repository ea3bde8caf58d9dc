"""e-prop: eligibility traces that a synapse computes forward in time, times a learning signal that comes from the output of the same step.

::

    e_ji[t]  = dz_j[t]/dv_j[t] * dv_j[t]/dw_ji, what cells i and j know (`bioplaus.rules.eligibility`)
    L_j[t]   = sum_k B_jk err_k[t]                       err = -dE/dy_k at this step: y*_k - y_k, or pi*_k - pi_k behind a softmax
    change of w_ji  = sum_t L_j[t] ebar_ji[t]            ebar: e behind the low-pass kappa of the read-out
    change of W_out = sum_t err_k[t] zbar_j[t]           y_k[t] = kappa y_k[t-1] + sum_j W_out,kj z_j[t]

The factor 1 - kappa that published read-outs carry is left to W_out. feedback: symmetric (B = W_out^T), random (B ~ N(0, 1)/sqrt(N), fixed;
N hidden cells) or adaptive (B receives the increments of W_out, both with decay). With one hidden layer, symmetric e-prop is the gradient of the
network with spikes taken as given where they are recurrent current. In a stack each hidden layer has a B of its own; only the topmost has
synapses on the output, so the layers below it have random, fixed B under every setting.

Rate regulariser: ``E_reg = reg sum_j (f_j - rate)^2`` with f_j a running mean of the cell's rate over batches, which the cell itself can know.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged, replica
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.neurons.smooth import Identity
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.rules.books import Book, TopBook
from bioplaus.rules.walk import Walk, check_walkable
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = ["Eprop", "EpropConfig"]

#: share of a cell's running mean rate that is kept per batch
MEMORY = 0.9


@dataclass
class EpropConfig(RuleConfig):
    """Settings of e-prop."""

    name: str = "eprop"
    lr: float = replica(1e-3)
    """Base rate handed to the plasticity, >= 0; a list gives each seed its own."""
    feedback: str = choice("random", "random", "symmetric", "adaptive")
    """How the output error reaches hidden cells: random | symmetric (through the transposed output weights) | adaptive."""
    form: str = choice("factored", "factored", "online", "stepwise")
    """Traces: factored (products, memory O(T)) | online (flat in T) | stepwise (online, synapses change at every step,
    T times a sample: with a rate about a twentieth)."""
    decay: float = ranged(0.001, 0)
    """Adaptive feedback: decay of it and of the output weights, per unit of rate, >= 0."""
    reg: float = ranged(0.0, 0)
    """Factor on the regulariser of firing rates, >= 0; 0 for none."""
    rate: float = ranged(0.01, 0, 1)
    """Spikes per step that the regulariser pulls a cell to, in [0, 1]; 0.01 is 10 Hz at steps of 1 ms."""


class Eprop(Rule):
    """Eligibility traces forward in time, times a learning signal broadcast from the output at every step."""

    Config = EpropConfig
    tasks = ("spiking", "recurrent spiking")
    reference = "Bellec et al. 2020, Nature Communications 11:3625"
    aliases = {  # noqa: RUF012
        "steps": "neuron.steps",
        "kappa": "neuron.readout_beta",
        "encode": "data.encode",
    }
    plausibility = Plausibility(
        honoured=(
            "forward in time: a synapse keeps traces of its two cells, nothing is stored to be gone through backwards",
            "no weight transport: the error is broadcast through separate, random, fixed weights",
            "no backward locking: all layers may change at once, in any order, when the output error of a step is known",
            "cells send spikes alone",
        ),
        violated=(
            "update locking: hidden layers wait for the output error of each step",
            "an error signal separate from activity, a learning signal of its own for every cell",
            "a global loss",
        ),
        update_locking=True,
        phases=2,
        modulators=("output error",),
    )
    recipes = (
        Recipe(
            {
                "neuron": "lif",
                "neuron.beta": 0.95,
                "neuron.steps": 25,
                "neuron.loss": "membrane",
                "data.standardise": "none",
                "network.hidden": [1000],
                "network.bias": True,
                "plasticity": "adam",
                "plasticity.clip": "none",
                "batch_size": 128,
                "epochs": 1,
                "probes": ["angle", "feedback", "spikes"],
            },
            "network and data as in tutorial 5 of snnTorch 1.0, as for surrogate",
        ),
        Recipe(
            {"network.hidden": [128], "epochs": 20, "rule.lr": 2e-2},
            "ours, rate of highest validation accuracy of 0.001 .. 0.04 for random feedback",
            data=("digits",),
        ),
        Recipe({"rule.lr": 1e-2}, "ours, not tuned", data=("synthetic",)),
        # random feedback drives a wide layer up until a third of its cells fire at every step; held at 0.05 it learns as well as any
        Recipe(
            {"rule.lr": 2e-3, "rule.reg": 1.0, "rule.rate": 0.05},
            "ours, best validation accuracy of rates .0005, .002 and regularisers 0, .1, 1, 10 for random feedback",
            data=("mnist", "fashion_mnist"),
        ),
    )

    def statement(self) -> Plausibility:
        if self.config.feedback == "random":
            return self.plausibility
        honoured = list(self.plausibility.honoured)
        if self.config.feedback == "adaptive":
            honoured[1] = "no weight transport: feedback synapses learn from the same two cells as their forward twins"
            return replace(self.plausibility, honoured=tuple(honoured))
        del honoured[1]
        copied = "weight transport: the learning signal of the topmost hidden layer comes through the transposed output weights"
        return replace(self.plausibility, honoured=tuple(honoured), violated=(copied, *self.plausibility.violated), weight_transport=True)

    def build(self, network: Network) -> dict[str, Network]:
        check_walkable(network, "eprop")
        out = network.layers[-1].neuron.online()  # type: ignore[attr-defined]
        if out.decay is None or out.slow:
            raise ConfigError("rule=eprop reads out through one low-pass; use neuron=lif, or neuron=alif with neuron.readout=leaky")
        hidden = network.layers[:-1]
        told = hidden[:-1] if self.config.feedback == "symmetric" else hidden
        if not told:
            return {"forward": network}
        outputs = network.layers[-1].connection.out_shape
        layers = []
        for i, layer in enumerate(told):
            # a start is divided by the root of the fan-in, the number of outputs; here it is to be that of the hidden cells
            start = Init("normal", math.sqrt(outputs[0] / layer.out_shape[0]))
            layers.append(Layer(f"direct/{i}", DenseConnection(outputs, layer.out_shape), Identity(), init=start))
        return {"forward": network, "direct": Network("direct", outputs, layers)}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        leaves, direct = plastic_leaves(networks["forward"]), tuple(networks["direct"].leaves) if "direct" in networks else ()
        if self.config.feedback == "adaptive" and direct:
            # in one group with its forward twin, so that clipping and moments treat them alike
            leaves, direct = (*leaves, direct[-1]), direct[:-1]
        fixed = {"direct": Group(direct, None)} if direct else {}
        return {"forward": Group(leaves, self.config.lr)} | fixed

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        if not self.config.reg:
            return {}
        replicas = torch.ones(len(streams.seeds), 1, dtype=streams.dtype, device=streams.device)
        hidden = networks["forward"].layers[:-1]
        return {f"rate/{layer.name}": (self.config.rate * replicas).repeat(1, *layer.out_shape) for layer in hidden}

    def learn(self, view: View) -> Learning:
        stepwise = self.config.form == "stepwise"
        walk = Walk(view.networks["forward"], view.params, view.batch.x, still=not stepwise)
        *hidden, last = walk.layers
        kappa = walk.units[-1].decay
        assert kappa is not None
        books = [Book(layer, walk, i, kappa, self.config.form) for i, layer in enumerate(hidden)]
        top = TopBook(last, walk.units[-1], self.config.form)
        extras = [self._pull_of_rate(view, layer, walk.steps) for layer in hidden]
        total: Tensor | float = 0.0
        for t in range(walk.steps):
            states = [walk.advance(i, t) for i in range(len(walk.layers))]
            loss, error = view.task.at_step(states[-1].membrane, view.batch.y, t, walk.steps)  # type: ignore[attr-defined]
            total = total + loss
            for i, book in enumerate(books):
                book.add(states[i], self._signal(view, i, error), extras[i])
            top.add(walk.pre[-1], error)
            if stepwise:
                yield Wanted("forward", self._gathered(view, books, top))
        if not stepwise:
            yield Wanted("forward", self._gathered(view, books, top))
        assert isinstance(total, Tensor)
        return Learned({"loss": total}, {key: value for book in books for key, value in self._rates(view, book, walk.steps).items()})

    def feedback(self, view: View) -> dict[str, Tensor]:
        network = view.networks["forward"]
        if len(network.layers) < 2:
            return {}
        weight = network.layers[-1].weight
        symmetric = self.config.feedback == "symmetric"
        return {weight: view.params[weight] if symmetric else view.params[view.networks["direct"].layers[-1].weight].mT}

    def _signal(self, view: View, i: int, error: Tensor) -> Tensor:
        """Return the learning signal of hidden layer i, ``[R, B, N]``."""
        *hidden, last = view.networks["forward"].layers
        if self.config.feedback == "symmetric" and i == len(hidden) - 1:
            return last.connection.give_back(view.params[last.weight], error)
        way = view.networks["direct"].layers[i]
        return way.connection.send(view.params[way.weight], error)

    def _gathered(self, view: View, books: list[Book], top: TopBook) -> dict[str, Change]:
        changes = {key: change for book in books for key, change in book.take().items()} | top.take()
        if self.config.feedback == "adaptive" and books:
            forward, back = top.layer.weight, view.networks["direct"].layers[-1].weight
            shared = changes[forward].dense()
            changes[forward] = Dense(shared.sub(view.params[forward], alpha=self.config.decay))
            changes[back] = Dense(shared.mT.sub(view.params[back], alpha=self.config.decay))
        return changes

    def _pull_of_rate(self, view: View, layer: Layer, steps: int) -> Tensor | None:
        """Return what the regulariser adds per unit of eligibility, ``[R, N]``."""
        if not self.config.reg:
            return None
        missing = self.config.rate - view.state[f"rate/{layer.name}"]
        return missing * (2 * self.config.reg / (steps * view.batch.size))

    def _rates(self, view: View, book: Book, steps: int) -> dict[str, Tensor]:
        if not self.config.reg:
            return {}
        key = f"rate/{book.layer.name}"
        return {key: view.state[key].lerp(book.spikes.mean(1) / steps, 1 - MEMORY)}
