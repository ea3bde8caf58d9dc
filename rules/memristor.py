"""Learning under the limits of memristive devices: what a synapse wants to change is turned into pulses, which move its conductance as they can.

In the perceptron of NeuroSim (``network=neurosim``) it runs compiled, one image at a time: see `bioplaus.rules.neurosim`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bioplaus import data
from bioplaus.data.base import DataConfig
from bioplaus.errors import BioplausError
from bioplaus.fields import replica
from bioplaus.network import Network
from bioplaus.pictures import Findings
from bioplaus.rules import neurosim
from bioplaus.rules.base import Group, Learning, Rule, RuleConfig, plastic_leaves
from bioplaus.rules.unit_range import check_unit_range
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = ["Memristor", "MemristorConfig"]


@dataclass
class MemristorConfig(RuleConfig):
    """Settings of learning on devices; those of NeuroSim's devices and its two rates are the network's."""

    name: str = "memristor"
    lr: float = replica(1.0)
    """Factor on the rates of the network, >= 0; 1 is what is published. A list gives each seed its own."""


class Memristor(Rule):
    """Errors become counted pulses on memristive devices with few, nonlinear and noisy levels."""

    # Networks whose loop is compiled do their own reading and writing. A form for ordinary networks, with devices as a plasticity, adds
    # "classification" here and takes the other branch in each method, where `network.compiled` is False.
    Config = MemristorConfig
    tasks = ("classification on devices",)
    reference = neurosim.REFERENCE
    plausibility = neurosim.PLAUSIBILITY
    recipes = neurosim.RECIPES

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        return {"network": "neurosim", "data": "mnist" if _is_there("mnist", given) else "digits"}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        """Return one group whose rate is 1, or 0 where nothing is to be learned: rates act before pulses are counted, not after."""
        lr = self.config.lr
        rate = tuple(float(one > 0) for one in lr) if isinstance(lr, tuple) else float(lr > 0)
        return {"forward": Group(plastic_leaves(networks["forward"]), rate)}

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        return neurosim.start(networks["forward"], streams)

    def boundary(self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]) -> None:
        if event == "start":
            check_unit_range(feed(), "network=neurosim wants pixels in 0..1")

    def learn(self, view: View) -> Learning:
        return (yield from neurosim.learning(view, self.config.lr))

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        return neurosim.predicted(view)

    def findings(self, views: Sequence[View]) -> Findings:
        from bioplaus.rules.neurosim_findings import neurosim_findings

        return neurosim_findings(views)


def _is_there(name: str, given: Mapping[str, Any]) -> bool:
    """Return whether a data set lies where the user's keys say, or may be fetched."""
    try:
        data.locate(DataConfig(name, root=given.get("data.root"), download=given.get("data.download") is True))
    except BioplausError:
        return False
    return True
