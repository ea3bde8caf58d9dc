"""Hebbian multitasking: a Hopfield network whose patterns have blanks, so that one state may recall several of them at once.

Examples ``eta = chi xi`` of diluted patterns xi (entries +1, -1, 0 for a blank) are stored by Hebb's product, which uses the activities of
the two cells of a synapse and nothing else, adds up over examples in any order, and needs no second pass::

    storing, supervised     etabar_mu = mean of the examples of mu,   J = (g / (N R)) sum_mu etabar_mu etabar_mu^T
    unsupervised            J = (g / (N R M)) sum over all examples eta eta^T                            R = r^2 + (1 - r^2)/M

The network relaxes as an Ising system in the energy ``-s J s / 2``; g = 1/(1 - d) puts the critical temperature at 1 (g = 1 with
``rule.normalise=false``). With a network of memory cells (``network=memory``) an example is added to the synapses of its pattern's cell,
``W_mu <- W_mu + eta``, and J = W^T W is never formed; with ``network=recurrent`` every pair of neurons has a synapse, which unsupervised
learning needs.
What is stored are bare sums; g, R and the number of examples are applied when they are used, and only rescale the temperature.

Source: Agliari, Alessandrelli, Barra & Ricci-Tersenghi 2023, J. Stat. Mech., arXiv:2308.04106.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from bioplaus.changes import Outer, Wanted
from bioplaus.connections import RecurrentConnection
from bioplaus.disorder import STARTS
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, replica
from bioplaus.network import Network
from bioplaus.neurons.ising import Ising
from bioplaus.pictures import Findings
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Learned, Learning, Plausibility, Rule, RuleConfig
from bioplaus.rules.recall import Memories
from bioplaus.rules.recall_findings import recall_findings
from bioplaus.streams import Streams
from bioplaus.tasks import Retrieval, one_hot
from bioplaus.view import View

__all__ = ["Multitasking", "MultitaskingConfig"]


@dataclass
class MultitaskingConfig(RuleConfig):
    """Settings of Hebbian multitasking."""

    name: str = "multitasking"
    lr: float = replica(1.0)
    """Weight of one example, >= 0; 1 stores bare sums, anything else rescales the temperature."""
    learning: str = choice("storing", "storing", "supervised", "unsupervised")
    """storing (of the patterns themselves) | supervised (means of the examples of each pattern) | unsupervised (example by example)."""
    normalise: bool = True
    """Whether couplings carry g = 1/(1 - d), which puts the critical temperature at 1; else g = 1, and it is 1 - d."""
    start: str = choice("hierarchical", *STARTS)
    """The cue that recall is shown from: hierarchical (first pattern that is not blank) | pure (pattern 1) | parallel (majority) | random."""


class Multitasking(Rule):
    """Hebb's product over diluted patterns; one state recalls several at once."""

    Config = MultitaskingConfig
    reference = "Agliari, Alessandrelli, Barra & Ricci-Tersenghi 2023, J. Stat. Mech., arXiv:2308.04106"
    tasks = ("retrieval",)
    aliases = {  # noqa: RUF012
        **{key: f"data.{key}" for key in ("K", "d", "N", "M", "r", "images")},
        **{key: f"neuron.{key}" for key in ("T", "sweeps", "burn_in", "update")},
        **{key: f"rule.{key}" for key in ("learning", "normalise", "start")},
    }
    plausibility = Plausibility(
        honoured=(
            "local: a synapse uses the activities of its two cells, and adds up examples in any order",
            "no weight transport, no backward pass, no error, one phase",
            "symmetric synapses by construction: Hebb's product is the same both ways",
        ),
        violated=(
            "normalisers (dilution, quality and number of examples) are known to the whole network; they only rescale the temperature",
            "supervised: the label chooses the memory cell (unsupervised learning does without)",
        ),
    )
    recipes = (
        Recipe(
            {"neuron": "ising", "plasticity": "sgd", "plasticity.clip": "none", "epochs": 1, "batch_size": 64, "probes": []},
            "one pass: Hebb's sum needs no second one",
        ),
    )

    def statement(self) -> Plausibility:
        return replace(self.plausibility, needs_labels=self.config.learning != "unsupervised")

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        unsupervised = "unsupervised" in (given.get("learning"), given.get("rule.learning"))
        return {"data": "patterns", "network": "recurrent" if unsupervised else "memory"}

    def build(self, network: Network) -> dict[str, Network]:
        if not isinstance(network.layers[-1].neuron, Ising):
            raise ConfigError(f"rule={self.config.name} relaxes Ising units; use neuron=ising")
        if self.config.learning == "unsupervised" and not _pairwise(network):
            raise ConfigError("learning=unsupervised has no label to choose a memory cell by; use network=recurrent")
        if self.config.learning != "unsupervised" and _pairwise(network):
            raise ConfigError(
                f"learning={self.config.learning} keeps each pattern in a memory cell; use network=memory, or learning=unsupervised, which "
                "stores the patterns themselves where M=1 and r=1"
            )
        return {"forward": network}

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        weight = params[networks["forward"].layers[0].weight]
        return {"seen": weight.new_zeros(weight.shape[0], 1 if _pairwise(networks["forward"]) else weight.shape[1])}

    def learn(self, view: View) -> Learning:
        task = _task(view)
        if self.config.learning == "storing" and task.rho > 0:
            raise ConfigError(
                f"learning=storing stores the patterns themselves; for noisy examples (M={task.M}, r={task.r:g}) choose "
                "learning=supervised or learning=unsupervised"
            )
        layer, x = view.networks["forward"].layers[0], view.batch.x
        x = x.expand(view.params[layer.weight].shape[0], *x.shape[1:])
        if _pairwise(view.networks["forward"]):
            cell, seen = x, view.state["seen"] + x.shape[1]
        else:
            cell = one_hot(view.batch.y, task.classes, x.dtype).expand(*x.shape[:2], -1)
            seen = view.state["seen"] + cell.sum(1)
        yield Wanted("forward", {layer.weight: Outer(layer.connection, ((x, cell),))})
        state = {"seen": seen}
        return Learned({"loss": task.loss(self.memories(view, state).step(x), view.batch.y)}, state=state)

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        return self.memories(view, view.state).relaxed(view.batch.x, view.streams.within("predict/"))

    def memories(self, view: View, state: Mapping[str, Tensor]) -> Memories:
        """Return what has been stored, with the normalisers that the number of examples seen, their quality and the dilution ask for."""
        task, w = _task(view), view.params[view.networks["forward"].layers[0].weight]
        g = 1 / (1 - task.d) if self.config.normalise else 1.0
        seen, coupling = state["seen"].clamp(min=1).unsqueeze(-1), g / (task.r**2 * (1 + task.rho))
        neuron = view.networks["forward"].layers[-1].neuron.config
        if not _pairwise(view.networks["forward"]):
            return Memories(w / seen, coupling, neuron)
        return Memories(w * (coupling * task.classes / w.shape[-1]) / seen, None, neuron)

    def findings(self, views: Sequence[View]) -> Findings:
        return recall_findings(self.config, [(view, _task(view), self.memories(view, view.state)) for view in views])


def _pairwise(network: Network) -> bool:
    """Return whether every pair of neurons has a synapse."""
    return isinstance(network.layers[0].connection, RecurrentConnection)


def _task(view: View) -> Retrieval:
    assert isinstance(view.task, Retrieval)  # `tasks` admits no other
    return view.task
