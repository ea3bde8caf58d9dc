"""Kolen-Pollack learning: forward and feedback synapse receive the same decayed increment, and so become equal (Akrout et al. 2019).

``change of W = D^T h - decay W``, ``change of B = D^T h - decay B``: each step multiplies ``B - W`` by ``1 - lr decay`` (under plain gradient
steps), although neither synapse ever sees the other. The product ``D^T h`` is that of the two cells, which both synapses join.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bioplaus.changes import Change, Dense
from bioplaus.fields import ranged, replica
from bioplaus.network import Network, Pass
from bioplaus.rules.alignment import LOCKED, Twin, backward_weight, recipes
from bioplaus.rules.base import Group, Plausibility, RuleConfig, plastic_leaves
from bioplaus.view import View

__all__ = ["KolenPollack", "KolenPollackConfig"]


@dataclass
class KolenPollackConfig(RuleConfig):
    """Settings of Kolen-Pollack learning."""

    name: str = "kp"
    lr: float = replica(0.1)
    decay: float = ranged(0.001, 0)
    """Decay of both synapses, per unit of rate: each step takes lr * decay of the weight; >= 0, dimensionless."""


class KolenPollack(Twin):
    """Forward and feedback synapses receive the same decayed increments and grow alike.

    Notes
    -----
    Both stand in one group, so that clipping and moments treat them alike; otherwise their increments would not be the same.
    """

    Config = KolenPollackConfig
    reference = "Akrout et al. 2019, NeurIPS, arXiv:1904.05391; Kolen & Pollack 1994"
    plausibility = Plausibility(
        honoured=("no weight transport: feedback synapses learn from the same two cells as their forward twins",),
        violated=LOCKED,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
    recipes = recipes(digits=0.8, synthetic=0.1, images=0.1, conv=0.03)

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        return {"forward": Group(tuple(leaf for network in networks.values() for leaf in plastic_leaves(network)), self.config.lr)}

    def changes(self, view: View, run: Pass, error: Tensor) -> dict[str, Change]:
        params, changes = view.params, super().changes(view, run, error)
        for layer in view.networks["forward"].layers:
            shared = changes[layer.weight].dense()
            for key in (layer.weight, backward_weight(layer)):
                if key in params:
                    changes[key] = Dense(shared.sub(params[key], alpha=self.config.decay))
        return changes
