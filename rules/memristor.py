"""Learning under the limits of memristive devices: what a synapse wants to change is turned into pulses, which move its conductance as they can.

On ordinary networks bits go up, ternary errors down, and a pair of row and column that are both active gets a pulse: `bioplaus.rules.crossbar`.
The perceptron of NeuroSim (``network=neurosim``) runs compiled, one image at a time: `bioplaus.rules.neurosim`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from torch import Tensor

from bioplaus import data
from bioplaus.data.base import DataConfig
from bioplaus.errors import BioplausError, ConfigError
from bioplaus.fields import ranged, replica
from bioplaus.network import Network
from bioplaus.pictures import Findings
from bioplaus.recipes import Recipe
from bioplaus.rules import crossbar, neurosim
from bioplaus.rules.base import Group, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.rules.unit_range import check_unit_range
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = ["Memristor", "MemristorConfig"]


@dataclass
class MemristorConfig(RuleConfig):
    """Settings of learning on devices. NeuroSim's network reads `lr` alone; its devices and its two rates are settings of the network."""

    name: str = "memristor"
    lr: float = replica(0.25)
    """What an active pair of row and column wants of a weight, >= 0, on average over the batch. With plasticity.pulses=sign a device gets its
    one pulse where that is more than plasticity.theta pulses: the smaller the rate, the more samples have to agree. On network=neurosim a
    factor on its rates, 1 as published. A list gives each seed its own."""
    binarise: float | None = ranged(0.5)
    """Inputs from here up drive their row with 1, others with 0; null: inputs as they are."""
    active: float = ranged(0.5)
    """Rows whose signal is at least this take part in an update, others do not: one bit of what a hidden unit sends."""
    theta_output: float = ranged(0.3, 0, 1)
    """Dead zone of the output's error, a difference of a bit and a sigmoid, in [0, 1]: it is sent on as its sign beyond."""
    theta_hidden: float = ranged(0.05, 0)
    """Dead zone of a hidden unit's summed error, >= 0, in units of weights."""
    gain_hidden: float = ranged(40.0, above=0)
    """Amplification of a hidden layer's currents times its fan-in, > 0; 40 is about 1/20 at 784 rows."""
    gain_output: float = ranged(100.0, above=0)
    """The same of the output layer; 100 is 1 at 100 rows."""


PLAUSIBILITY = Plausibility(
    honoured=(
        "a change uses the two signals at the device and the device's own state",
        "on devices (plasticity=memristor, network=neurosim): conductances are bounded and never negative; the sign is that of a difference, of "
        "two devices or to a reference column",
        "on devices: whole pulses only, each as large as the device makes it",
        "few bits on the wires: inputs, gates and ternary errors (network=neurosim: what hidden units send)",
    ),
    violated=(
        "weight transport: the error comes down through the conductances of the way up, though read from the same devices",
        "backward locking: a layer waits for the error of the layer above",
        "two phases, and an error signal separate from activity; the output's error is computed outside the crossbars",
    ),
    weight_transport=True,
    backward_locking=True,
    update_locking=True,
    phases=2,
)
_SIGNS: dict[str, Any] = {
    "neuron": "clip",
    "data.standardise": "none",
    "batch_size": 100,
    "plasticity": "memristor",
    "plasticity.device": "ag_asi",
    "plasticity.update": "uni",
    "plasticity.pulses": "sign",
    "plasticity.scale": 1.0,
    "plasticity.start": 0.1,
    "rule.lr": 0.25,
    "probes": [],
}
DEEP = (
    "Note: more than one hidden layer. Signs of signs carry little: with the recipe's numbers nothing is learned; on digits two hidden layers "
    "came to 60 % validation accuracy at best (rule.gain_hidden=400 rule.theta_hidden=1)."
)
_ANY = ("mlp", "cnn5", "lenet")
RECIPES = (
    Recipe(_SIGNS, "ours, after the abstract of Lim et al. 2019; rate, refresh and batches of 100 by validation", network=_ANY),
    Recipe({"network.hidden": [100], "epochs": 5}, "ours", network=("mlp",)),
    Recipe({"epochs": 40, "batch_size": 50, "rule.lr": 0.06}, "ours, by validation", data=("digits",), network=_ANY),
)


class Memristor(Rule):
    """Errors become pulses on memristive devices with few, nonlinear and noisy levels."""

    Config = MemristorConfig
    tasks = ("classification", "classification on devices")
    own_error = True
    conditions = ("neuron", "network.hidden", "data.standardise", "batch_size", "epochs")
    reference = f"after Lim et al. 2019, Neural Comput. & Applic. 31:8101, arXiv:1707.06381; {neurosim.REFERENCE}"
    plausibility = PLAUSIBILITY
    recipes = (*RECIPES, *neurosim.RECIPES)

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        return {"data": "mnist" if _is_there("mnist", given) else "digits"}

    def statement(self) -> Plausibility:
        if self.config.binarise is not None:
            return self.plausibility
        known, meant = "inputs, gates and ternary errors", "gates and ternary errors, inputs as they are"
        told = tuple(line.replace(known, meant) for line in PLAUSIBILITY.honoured)
        return replace(self.plausibility, honoured=told)

    def build(self, network: Network) -> dict[str, Network]:
        if network.compiled:
            usual = type(self.config)()
            idle = [f.name for f in fields(usual) if f.name not in ("name", "lr") and getattr(self.config, f.name) != getattr(usual, f.name)]
            if idle:
                raise ConfigError(f"rule.{idle[0]} belongs to crossbars of ordinary networks; network=neurosim reads rule.lr alone")
        return {"forward": network if network.compiled else crossbar.crossbars(network, self.config)}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        """Return one group. A compiled network has rate 1, or 0 where nothing is to be learned: there rates act before pulses are counted."""
        network, lr = networks["forward"], self.config.lr
        if network.compiled:
            lr = tuple(float(one > 0) for one in lr) if isinstance(lr, tuple) else float(lr > 0)
        return {"forward": Group(plastic_leaves(network), lr)}

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        return neurosim.start(networks["forward"], streams) if networks["forward"].compiled else {}

    def boundary(self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]) -> None:
        if event == "start" and view.networks["forward"].compiled:
            check_unit_range(feed(), "network=neurosim wants pixels in 0..1")

    def learn(self, view: View) -> Learning:
        if view.networks["forward"].compiled:
            return (yield from neurosim.learning(view, self.config.lr))
        return (yield from crossbar.learning(view, self.config))

    def predict(self, view: View, *, mode: str = "default") -> Tensor:
        return neurosim.predicted(view) if view.networks["forward"].compiled else super().predict(view, mode=mode)

    def findings(self, views: Sequence[View]) -> Findings:
        network = views[0].networks["forward"]
        if not network.compiled:  # what devices have to say is said by plasticity
            return Findings(text=DEEP) if len(network.layers) > 2 else super().findings(views)
        from bioplaus.rules.neurosim_findings import neurosim_findings

        return neurosim_findings(views)


def _is_there(name: str, given: Mapping[str, Any]) -> bool:
    """Return whether a data set lies where the user's keys say, or may be fetched."""
    try:
        data.locate(DataConfig(name, root=given.get("data.root"), download=given.get("data.download") is True))
    except BioplausError:
        return False
    return True
