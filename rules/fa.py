"""Feedback alignment: the error travels down through fixed random weights (Lillicrap et al. 2016).

``D_l = (D_{l+1} B_{l+1}) * phi'(z_l)`` with B drawn once. The forward weights come to agree with B, not the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bioplaus.fields import ranged, replica
from bioplaus.layer import Layer
from bioplaus.rules.alignment import LOCKED, Twin, recipes
from bioplaus.rules.base import Plausibility, RuleConfig
from bioplaus.view import View

__all__ = ["FeedbackAlignment", "FeedbackAlignmentConfig"]


@dataclass
class FeedbackAlignmentConfig(RuleConfig):
    """Settings of feedback alignment."""

    name: str = "fa"
    lr: float = replica(0.1)
    feedback_scale: float = ranged(1.0, above=0)
    """Factor on B, which is drawn like the forward weight of its layer (U(-1, 1)/sqrt(fan_in) by default); > 0, dimensionless."""


class FeedbackAlignment(Twin):
    """The error travels down through fixed random weights."""

    Config = FeedbackAlignmentConfig
    reference = "Lillicrap, Cownden, Tweed & Akerman 2016, Nature Communications 7:13276"
    published_neuron = "tanh"
    plausibility = Plausibility(
        honoured=("no weight transport: feedback synapses are separate, random and fixed",),
        violated=LOCKED,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
    recipes = recipes(digits=0.4, synthetic=0.1, images=0.1, conv=0.03)

    def matrix(self, view: View, layer: Layer) -> Tensor:
        b, scale = super().matrix(view, layer), self.config.feedback_scale
        return b if scale == 1 else b * scale
