"""Sign-concordant feedback of fixed random magnitude: ``B = |M| * sign(W)``, M drawn once (Liao et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bioplaus.fields import replica
from bioplaus.layer import Layer
from bioplaus.rules.alignment import LOCKED, SIGNS, Twin, recipes
from bioplaus.rules.base import Plausibility, RuleConfig
from bioplaus.view import View

__all__ = ["FixedRandomSign", "FixedRandomSignConfig"]


@dataclass
class FixedRandomSignConfig(RuleConfig):
    """Settings of sign symmetry with fixed magnitudes; M is drawn like the forward weight of its layer."""

    name: str = "frsf"
    lr: float = replica(0.1)


class FixedRandomSign(Twin):
    """The error travels down through fixed random magnitudes with the signs of the forward weights."""

    Config = FixedRandomSignConfig
    reference = "Liao, Leibo & Poggio 2016, AAAI, arXiv:1510.05067"
    plausibility = Plausibility(
        honoured=("feedback synapses have magnitudes of their own",),
        violated=(SIGNS, *LOCKED),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
    recipes = recipes(digits=0.8, synthetic=0.1, images=0.1, conv=0.03)

    def matrix(self, view: View, layer: Layer) -> Tensor:
        return super().matrix(view, layer).abs().mul_(view.params[layer.weight].sign())
