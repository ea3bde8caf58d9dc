"""Direct feedback alignment: every hidden layer hears the output error through fixed random weights of its own (Nokland 2016).

``D_l = (e R_l) * phi'(z_l)``, e the output error, R_l ``K x d_l``.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bioplaus.rules.alignment import recipes
from bioplaus.rules.base import Plausibility
from bioplaus.rules.direct import Direct, DirectConfig
from bioplaus.view import View

__all__ = ["DirectFeedback", "DirectFeedbackConfig"]


@dataclass
class DirectFeedbackConfig(DirectConfig):
    """Settings of direct feedback alignment."""

    name: str = "dfa"


class DirectFeedback(Direct):
    """Every hidden layer hears the output error through fixed random weights of its own."""

    Config = DirectFeedbackConfig
    reference = "Nokland 2016, NeurIPS, arXiv:1609.01596"
    published_neuron = "tanh"
    plausibility = Plausibility(
        honoured=(
            "no weight transport: the error is broadcast through separate, random, fixed weights",
            "no backward locking: all layers may change at once, in any order, when the output error is known",
        ),
        violated=(
            "update locking: hidden layers wait for the output error of this batch",
            "two phases, and an error signal separate from activity",
            "a global loss",
        ),
        update_locking=True,
        phases=2,
        modulators=("output error",),
    )
    recipes = recipes(digits=0.2, synthetic=0.1, images=0.1, conv=0.03)

    def signal(self, view: View, error: Tensor) -> Tensor:
        return error
