"""Direct random target projection: hidden layers hear the label, not the error, through fixed random weights (Frenkel et al. 2021).

Change of hidden ``W_l = [(T R_l) * phi'(z_l)]^T h_{l-1} / B``, T the one-hot label, R_l ``K x d_l``; the output layer learns by its own error.
A layer can change as soon as its own activity is there. It needs a neuron that saturates: nothing else ends the growth of hidden weights.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bioplaus.rules.alignment import recipes
from bioplaus.rules.base import Plausibility
from bioplaus.rules.direct import Direct, DirectConfig
from bioplaus.view import View

__all__ = ["TargetProjection", "TargetProjectionConfig"]


@dataclass
class TargetProjectionConfig(DirectConfig):
    """Settings of direct random target projection."""

    name: str = "drtp"


class TargetProjection(Direct):
    """Every hidden layer hears the label through fixed random weights of its own; no error is sent anywhere."""

    Config = TargetProjectionConfig
    reference = "Frenkel, Lefebvre & Bol 2021, Frontiers in Neuroscience 15:629892, arXiv:1909.01311"
    published_neuron = "tanh"
    plausibility = Plausibility(
        honoured=(
            "no weight transport: labels are broadcast through separate, random, fixed weights",
            "no backward locking and no update locking: a layer changes as soon as its own activity is there",
            "one phase, no error signal below the output",
        ),
        violated=("the label reaches every hidden layer",),
        modulators=("label",),
    )
    recipes = recipes(digits=0.4, synthetic=0.1, images=0.1, conv=0.03, plasticity__clip="none", neuron="tanh")

    def signal(self, view: View, error: Tensor) -> Tensor:
        label = view.task.target(view.batch.y, error.dtype) / view.batch.size
        # where units have time, the label is there at every step
        return label if label.dim() == error.dim() else label.unsqueeze(2).expand(-1, -1, error.shape[2], -1)
