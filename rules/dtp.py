"""Difference target propagation: layer-wise targets through feedback maps that learn to undo each layer.

Targets and forward changes as in `rules.targets`. Feedback, for each layer l >= 2, xi ~ N(0, sigma^2)::

    q = h_{l-1} + xi,   loss = |g_l(f_l(q)) - q|^2,   only V_l learns

Lee et al. set the first target one layer lower (at the last hidden layer) and train the output layer by its gradient; here the first target is
the output's own, as in the published comparison.

Source: Lee et al. 2015, arXiv:1412.7525, in the form of Shibuya et al. 2023, arXiv:2212.10352, and its published code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bioplaus.changes import Change
from bioplaus.rules.reconstruction import LearnedTargetConfig, LearnedTargets, Sweep, plausibility
from bioplaus.rules.targets_recipes import recipes

__all__ = ["DifferenceTargets", "DifferenceTargetsConfig"]


@dataclass
class DifferenceTargetsConfig(LearnedTargetConfig):
    """Settings of difference target propagation."""

    name: str = "dtp"


class DifferenceTargets(LearnedTargets):
    """Layer-wise targets through feedback maps that learn to undo each layer."""

    Config = DifferenceTargetsConfig
    reference = "Lee et al. 2015, ECML-PKDD, arXiv:1412.7525"
    published_neuron = "tanh"
    plausibility = plausibility("from the noisy activity that a layer passes on and its reconstruction")
    recipes = recipes(lr=3.0, beta=0.1, sigma=0.3, lr_feedback=0.03)

    def feedback_changes(self, sweep: Sweep) -> Mapping[str, Change]:
        changes: dict[str, Change] = {}
        for layer, g, below, _ in self.feedback_of(sweep):
            q = below + sweep.noise(layer, below, "reconstruction")
            back = g.forward(sweep.scope(), sweep.up(layer, q))
            missing = q - back.out
            sweep.noted(missing.square())
            changes |= g.wanted(back, missing * (2 / sweep.view.batch.size))[1]
        return changes
