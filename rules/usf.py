"""Uniform sign-concordant feedback: every feedback synapse knows the sign of its forward twin, and has one size (Liao et al. 2016).

``B = q sign(W)``, rebuilt at each step, q the standard deviation of W's start (scaling as in Xiao et al. 2019): unscaled signs explode in deep
networks.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bioplaus.fields import ranged, replica
from bioplaus.layer import Layer
from bioplaus.rules.alignment import LOCKED, SIGNS, Aligned, recipes
from bioplaus.rules.base import Plausibility, RuleConfig
from bioplaus.view import View

__all__ = ["UniformSign", "UniformSignConfig"]


@dataclass
class UniformSignConfig(RuleConfig):
    """Settings of uniform sign symmetry."""

    name: str = "usf"
    lr: float = replica(0.1)
    feedback_scale: float = ranged(1.0, above=0)
    """Factor on q, the standard deviation of the forward weight's start (1/sqrt(3 fan_in) by default); > 0, dimensionless."""


class UniformSign(Aligned):
    """The error travels down through the signs of the forward weights, all of one size."""

    Config = UniformSignConfig
    reference = "Liao, Leibo & Poggio 2016, AAAI, arXiv:1510.05067; Xiao et al. 2019, ICLR, arXiv:1811.03567"
    plausibility = Plausibility(
        honoured=("feedback synapses need no magnitude of any forward synapse",),
        violated=(SIGNS, *LOCKED),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
    recipes = recipes(digits=1.6, synthetic=0.1, images=0.1, conv=0.03)

    def matrix(self, view: View, layer: Layer) -> Tensor:
        q = layer.leaves[layer.weight].usual.std
        return view.params[layer.weight].sign().mul_(q * self.config.feedback_scale)
