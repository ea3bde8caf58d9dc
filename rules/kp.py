"""Kolen-Pollack learning: forward and feedback synapse receive the same decayed increment, and so become equal (Akrout et al. 2019).

``change of W = D^T h - decay W``, ``change of B = D^T h - decay B``: each step multiplies ``B - W`` by ``1 - lr decay`` (under plain gradient
steps), although neither synapse ever sees the other. The product ``D^T h`` is that of the two cells, which both synapses join.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bioplaus.changes import Change, Dense, Wanted
from bioplaus.fields import ranged, replica
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.passes import downward
from bioplaus.rules.alignment import LOCKED, Aligned, backward_weight, recipes, with_twin
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, RuleConfig, plastic_leaves
from bioplaus.view import View

__all__ = ["KolenPollack", "KolenPollackConfig"]


@dataclass
class KolenPollackConfig(RuleConfig):
    """Settings of Kolen-Pollack learning."""

    name: str = "kp"
    lr: float = replica(0.1)
    decay: float = ranged(0.001, 0)
    """Decay of both synapses, per unit of rate: each step takes lr * decay of the weight; >= 0, dimensionless."""


class KolenPollack(Aligned):
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

    def build(self, network: Network) -> dict[str, Network]:
        return with_twin(network)

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        back = tuple(leaf for name, net in networks.items() if name == "backward" for leaf in net.leaves)
        return {"forward": Group((*plastic_leaves(networks["forward"]), *back), self.config.lr)}

    def matrix(self, view: View, layer: Layer) -> Tensor:
        return view.params[backward_weight(layer)]

    def learn(self, view: View) -> Learning:
        network, params, decay = view.networks["forward"], view.params, self.config.decay
        run = network.forward(params, view.batch.x, view.buffers, train=True)
        error = view.task.error(run.out, view.batch.y)
        changes: dict[str, Change] = downward(network, params, run, error, lambda layer: self.matrix(view, layer))
        for layer in network.layers:
            shared = changes[layer.weight].dense()
            for key in (layer.weight, backward_weight(layer)):
                if key in params:
                    changes[key] = Dense(shared.sub(params[key], alpha=decay))
        yield Wanted("forward", changes)
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, running=run.running)
