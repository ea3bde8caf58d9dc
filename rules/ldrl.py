"""Local difference reconstruction loss: feedback maps whose Jacobian learns to be the transpose of the layer's.

Targets and forward changes as in `rules.targets`. Feedback, for each layer l >= 2, xi and xi' ~ N(0, sigma^2)::

    rec(u) = g_l(u) + h_{l-1} - g_l(h_l),   q = h_{l-1} + xi,   r = h_l + xi'
    loss = -<q - h_{l-1}, rec(f_l(q)) - h_{l-1}> + |rec(r) - h_{l-1}|^2 / 2

For small noise the mean loss is ``sigma^2 (-tr(J_g J_f) + |J_g|^2 / 2)``, which is smallest at ``J_g = J_f^T``: the targets then differ from
the activity by minus beta times the gradient of backpropagation. The difference correction is constant in the loss, as in the published code.

Source: Ernoult et al. 2022, arXiv:2201.13415, in the form of the published code of Shibuya et al. 2023, arXiv:2212.10352.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bioplaus.changes import Change
from bioplaus.rules.reconstruction import LearnedTargetConfig, LearnedTargets, Sweep, plausibility
from bioplaus.rules.targets import summed
from bioplaus.rules.targets_recipes import recipes

__all__ = ["LocalReconstruction", "LocalReconstructionConfig"]


@dataclass
class LocalReconstructionConfig(LearnedTargetConfig):
    """Settings of the local difference reconstruction loss."""

    name: str = "ldrl"


class LocalReconstruction(LearnedTargets):
    """Layer-wise targets through feedback maps that learn each layer's transposed Jacobian."""

    Config = LocalReconstructionConfig
    reference = "Ernoult et al. 2022, ICML, arXiv:2201.13415"
    published_neuron = "tanh"
    plausibility = plausibility("from noise at either side of a layer and what comes back of it")
    recipes = recipes(lr=3.0, beta=0.1, sigma=0.1, lr_feedback=0.1)

    def feedback_changes(self, sweep: Sweep) -> Mapping[str, Change]:
        changes: dict[str, Change] = {}
        size = sweep.view.batch.size
        for layer, g, below, here in self.feedback_of(sweep):
            xi = sweep.noise(layer, below, "below")
            clean = g.forward(sweep.scope(), here).out
            aligned = g.forward(sweep.scope(), sweep.up(layer, below + xi))
            damped = g.forward(sweep.scope(), here + sweep.noise(layer, here, "above"))
            excess = damped.out - clean
            sweep.noted(excess.square() / 2 - xi * (aligned.out - clean))
            changes |= summed(g.wanted(aligned, xi / size)[1], g.wanted(damped, excess * (-1 / size))[1])
        return changes
