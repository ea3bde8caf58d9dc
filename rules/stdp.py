"""Spike-timing-dependent plasticity: a synapse changes by the times of the spikes of its two cells, and by nothing else.

In the network of Diehl & Cook 2015 (``network=diehl_cook``) it runs as they have it: see `bioplaus.rules.diehl_cook`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bioplaus.fields import replica
from bioplaus.network import Network
from bioplaus.pictures import Findings
from bioplaus.rules import diehl_cook
from bioplaus.rules.base import Learning, Rule, RuleConfig
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = ["Stdp", "StdpConfig"]


@dataclass
class StdpConfig(RuleConfig):
    """Settings of STDP; those of the synapses of Diehl & Cook are the network's."""

    name: str = "stdp"
    lr: float = replica(1.0)
    """Factor on every change, >= 0; 1 is what the synapses ask for. A list gives each seed its own."""


class Stdp(Rule):
    """Spike-timing-dependent plasticity under lateral inhibition; classes are read off the neurons' responses."""

    Config = StdpConfig
    tasks = ("labelling",)
    reference = diehl_cook.REFERENCE
    plausibility = diehl_cook.PLAUSIBILITY
    recipes = diehl_cook.RECIPES

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        return {"network": "diehl_cook"}

    def init(
        self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams
    ) -> dict[str, Tensor]:
        return diehl_cook.start(networks["forward"], streams)

    def boundary(self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]) -> None:
        if event == "start":
            diehl_cook.check_images(feed())

    def learn(self, view: View) -> Learning:
        return (yield from diehl_cook.learning(view))

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        return diehl_cook.predicted(view)

    def findings(self, views: Sequence[View]) -> Findings:
        from bioplaus.rules.diehl_cook_findings import diehl_cook_findings

        return diehl_cook_findings(views)
