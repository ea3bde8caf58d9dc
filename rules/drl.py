"""Difference reconstruction loss: feedback maps learn to undo the whole way from their layer to the output.

Targets and forward changes as in `rules.targets`. Feedback, for each layer l >= 2, xi ~ N(0, sigma^2)::

    q = h_{l-1} + xi,   up = f_L(... f_l(q)),   back = rec_l(... rec_L(up))
    rec_j(u) = g_j(u) + h_{j-1} - g_j(h_j)
    loss = |back - q|^2,   only V_l learns

What comes back passes the maps of all layers above, difference-corrected, so that V_l learns for the targets it will be given. The correction
at l itself is constant in the loss.

The published comparison's code compares with the clean activity instead, ``|back - h_{l-1}|^2`` (``rule.reconstruct=clean``). Its minimum is
a map that lets no noise through, ``J_g = 0``: such feedback learns to fall silent.

Source: Meulemans et al. 2020, NeurIPS, arXiv:2006.14331; compared as in Shibuya et al. 2023, arXiv:2212.10352.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bioplaus.changes import Change
from bioplaus.fields import choice
from bioplaus.rules.reconstruction import LearnedTargetConfig, LearnedTargets, Sweep, plausibility
from bioplaus.rules.targets_recipes import recipes

__all__ = ["DifferenceReconstruction", "DifferenceReconstructionConfig"]


@dataclass
class DifferenceReconstructionConfig(LearnedTargetConfig):
    """Settings of the difference reconstruction loss."""

    name: str = "drl"
    reconstruct: str = choice("noisy", "noisy", "clean")
    """What is to come back: noisy (the activity with its noise; Meulemans et al.) | clean (without; the published comparison's code)."""


class DifferenceReconstruction(LearnedTargets):
    """Layer-wise targets through feedback maps that learn to undo the whole way up.

    Notes
    -----
    All maps learn at once from the maps as the last update left them; the published code updates them one after the other, from the top.
    """

    Config = DifferenceReconstructionConfig
    reference = "Meulemans et al. 2020, NeurIPS, arXiv:2006.14331"
    published_neuron = "tanh"
    plausibility = plausibility("from noise that travels to the output and back")
    recipes = recipes(lr=1.0, beta=0.3, sigma=0.1, lr_feedback=0.03)

    def feedback_changes(self, sweep: Sweep) -> Mapping[str, Change]:
        changes: dict[str, Change] = {}
        ways = self.feedback_of(sweep)
        offsets = [below - g.forward(sweep.scope(), here).out for _, g, below, here in ways]
        for i, (layer, g, below, _) in enumerate(ways):
            signal = noisy = below + sweep.noise(layer, below, "reconstruction")
            for above, *_ in ways[i:]:
                signal = sweep.up(above, signal)
            for (_, above_g, *_), offset in zip(reversed(ways[i + 1 :]), reversed(offsets[i + 1 :])):
                signal = above_g.forward(sweep.scope(), signal).out + offset
            back = g.forward(sweep.scope(), signal)
            missing = (noisy if self.config.reconstruct == "noisy" else below) - back.out - offsets[i]
            sweep.noted(missing.square())
            changes |= g.wanted(back, missing * (2 / sweep.view.batch.size))[1]
        return changes
