"""Sign-concordant feedback whose random magnitudes are drawn anew for each batch: ``B = |M| * sign(W)`` (Liao et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bioplaus.fields import replica
from bioplaus.layer import Layer
from bioplaus.rules.alignment import LOCKED, SIGNS, Aligned, recipes
from bioplaus.rules.base import Plausibility, RuleConfig
from bioplaus.view import View

__all__ = ["BatchRandomSign", "BatchRandomSignConfig"]


@dataclass
class BatchRandomSignConfig(RuleConfig):
    """Settings of sign symmetry with magnitudes drawn for each batch, as the forward weight's start is drawn."""

    name: str = "brsf"
    lr: float = replica(0.1)


class BatchRandomSign(Aligned):
    """The error travels down through fresh random magnitudes with the signs of the forward weights."""

    Config = BatchRandomSignConfig
    reference = "Liao, Leibo & Poggio 2016, AAAI, arXiv:1510.05067"
    plausibility = Plausibility(
        honoured=("feedback synapses need no magnitude of any forward synapse, nor a stable one of their own",),
        violated=(SIGNS, *LOCKED),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
    recipes = recipes(digits=0.8, synthetic=0.1, images=0.1, conv=0.03)

    def matrix(self, view: View, layer: Layer) -> Tensor:
        magnitudes = layer.leaves[layer.weight].usual.draw(f"brsf/{layer.weight}", view.streams)
        return magnitudes.abs_().mul_(view.params[layer.weight].sign())
