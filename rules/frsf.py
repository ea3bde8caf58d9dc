"""Sign-concordant feedback of fixed random magnitude: ``B = |M| * sign(W)``, M drawn once (Liao et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bioplaus.fields import replica
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.rules.alignment import LOCKED, Aligned, backward_weight, recipes, with_twin
from bioplaus.rules.base import Group, Plausibility, RuleConfig
from bioplaus.view import View

__all__ = ["FixedRandomSign", "FixedRandomSignConfig"]


@dataclass
class FixedRandomSignConfig(RuleConfig):
    """Settings of sign symmetry with fixed magnitudes; M is drawn like the forward weight of its layer."""

    name: str = "frsf"
    lr: float = replica(0.1)


class FixedRandomSign(Aligned):
    """The error travels down through fixed random magnitudes with the signs of the forward weights."""

    Config = FixedRandomSignConfig
    reference = "Liao, Leibo & Poggio 2016, AAAI, arXiv:1510.05067"
    plausibility = Plausibility(
        honoured=("feedback synapses have magnitudes of their own",),
        violated=("weight transport of signs: each feedback synapse copies the sign of its forward twin at every step", *LOCKED),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
    recipes = recipes(digits=0.8, synthetic=0.1, images=0.1, conv=0.03)

    def build(self, network: Network) -> dict[str, Network]:
        return with_twin(network)

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        return super().groups(networks) | {name: Group(tuple(net.leaves), None) for name, net in networks.items() if name == "backward"}

    def matrix(self, view: View, layer: Layer) -> Tensor:
        return view.params[backward_weight(layer)].abs().mul_(view.params[layer.weight].sign())
