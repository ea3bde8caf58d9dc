"""Spike-timing-dependent plasticity: a synapse changes by the times of the spikes of its two cells, and by nothing else.

In the network of Diehl & Cook 2015 (``network=diehl_cook``) it runs as they have it: see `bioplaus.rules.diehl_cook`. In layered networks of
spiking units (``network=mlp``) hidden layers learn by pairs or triplets of spikes, below an output layer that reads them out: see
`bioplaus.rules.layered_stdp` and, for the synapse, `bioplaus.rules.spike_timing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.fields import choice, replica
from bioplaus.network import Network
from bioplaus.networks.diehl_cook import DiehlCookNetwork
from bioplaus.pictures import Findings
from bioplaus.recipes import Recipe
from bioplaus.rules import diehl_cook, layered_stdp
from bioplaus.rules.base import Group, Learning, Rule
from bioplaus.rules.spike_timing import SpikeTimingConfig
from bioplaus.rules.unit_range import check_unit_range
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = ["Stdp", "StdpConfig"]


@dataclass
class StdpConfig(SpikeTimingConfig):
    """Settings of STDP; all but lr are those of layered networks, the synapses of Diehl & Cook being the network's."""

    name: str = "stdp"
    lr: float = replica(1.0)
    """Factor on every change in network=diehl_cook (1 is what its synapses ask for), else rate of the output layer; >= 0. A list: per seed."""
    readout: str = choice("delta", "delta", "resume")
    """How the output layer learns: delta (the task's error at its membrane) | resume (desired less actual spikes)."""


class Stdp(Rule):
    """Spike timing alone: layers under lateral inhibition with a trained read-out, or the network of Diehl & Cook."""

    Config = StdpConfig
    tasks = ("labelling", "spiking")
    reference = f"{diehl_cook.REFERENCE}; Song, Miller & Abbott 2000, Nat. Neurosci. 3:919; Pfister & Gerstner 2006, J. Neurosci. 26:9673"
    aliases = {"steps": "neuron.steps", "encode": "data.encode"}  # noqa: RUF012
    plausibility = replace(
        diehl_cook.PLAUSIBILITY,
        honoured=(
            "local: a synapse changes by the spike times of its two cells",
            "no error below the output layer, no weight transport, no backward pass, one phase",
            "cells send spikes alone; excitatory synapses keep their sign, inhibition is separate",
            "no labels in learning below the output layer; in network=diehl_cook they name neurons afterwards",
        ),
        violated=(
            "inhibition is fixed and reaches every other cell of a layer",
            "network=diehl_cook: the sum of a cell's input weights is restored before each image, by division, and an image is shown again, "
            "stronger, until the network as a whole has fired often enough",
            "other networks: the output layer is told the error of each class, and its synapses may change sign",
        ),
    )
    recipes = (
        *diehl_cook.RECIPES,
        Recipe(layered_stdp.RUN, "ours, not tuned", network=("mlp",)),
        Recipe({**layered_stdp.DIGITS, "rule.lr": 0.03}, "ours, best validation accuracy of a dozen", data=("digits",), network=("mlp",)),
        Recipe({**layered_stdp.MNIST, "rule.lr": 0.01}, "ours, not tuned", data=("mnist", "fashion_mnist"), network=("mlp",)),
        Recipe({"rule.lr": 0.02}, "ours, not tuned", data=("synthetic",), network=("mlp",)),
    )

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        return {"network": "diehl_cook"}

    def build(self, network: Network) -> dict[str, Network]:
        if not isinstance(network, DiehlCookNetwork):
            return {"forward": layered_stdp.excitatory(network, self.config)}
        usual = self.Config()
        own = [f.name for f in fields(usual) if not f.name.startswith(("name", "lr"))]
        given = [name for name in own if getattr(self.config, name) != getattr(usual, name)]
        if given:
            raise ConfigError(
                f"rule.{given[0]}={getattr(self.config, given[0])} is for layered networks, and network=diehl_cook has its own "
                "(network.rate_pre, network.rate_post, ...); add network=mlp or leave it out"
            )
        return {"forward": network}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        network = networks["forward"]
        return super().groups(networks) if isinstance(network, DiehlCookNetwork) else layered_stdp.groups_of(network, self.config)

    def init(
        self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams
    ) -> dict[str, Tensor]:
        return diehl_cook.start(networks["forward"], streams) if isinstance(networks["forward"], DiehlCookNetwork) else {}

    def boundary(self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]) -> None:
        if event == "start" and isinstance(view.networks["forward"], DiehlCookNetwork):
            check_unit_range(feed(), "rule=stdp in network=diehl_cook wants pixels in 0..1")

    def learn(self, view: View) -> Learning:
        if isinstance(view.networks["forward"], DiehlCookNetwork):
            return (yield from diehl_cook.learning(view))
        return (yield from layered_stdp.learning(view, self.config))

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        return diehl_cook.predicted(view) if isinstance(view.networks["forward"], DiehlCookNetwork) else super().predict(view, mode=mode)

    def findings(self, views: Sequence[View]) -> Findings:
        if not isinstance(views[0].networks["forward"], DiehlCookNetwork):
            return Findings()
        from bioplaus.rules.diehl_cook_findings import diehl_cook_findings

        return diehl_cook_findings(views)
