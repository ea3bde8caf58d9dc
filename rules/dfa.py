"""Direct feedback alignment: every hidden layer hears the output error through fixed random weights of its own (Nokland 2016).

``D_l = (e R_l) * phi'(z_l)``, e the output error, R_l ``K x d_l``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bioplaus.changes import Wanted
from bioplaus.fields import ranged, replica
from bioplaus.network import Network
from bioplaus.rules.alignment import recipes
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig
from bioplaus.rules.direct import broadcast, direct_groups, with_direct
from bioplaus.view import View

__all__ = ["DirectFeedback", "DirectFeedbackConfig"]


@dataclass
class DirectFeedbackConfig(RuleConfig):
    """Settings of direct feedback alignment."""

    name: str = "dfa"
    lr: float = replica(0.1)
    feedback_scale: float = ranged(1.0, above=0)
    """Factor on R, which is drawn from U(-1, 1)/sqrt(K), K the number of outputs; > 0, dimensionless."""


class DirectFeedback(Rule):
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

    def build(self, network: Network) -> dict[str, Network]:
        return with_direct(network, self.config.feedback_scale)

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        return direct_groups(networks, self.config.lr)

    def learn(self, view: View) -> Learning:
        run = view.networks["forward"].forward(view.params, view.batch.x, view.buffers, train=True)
        error = view.task.error(run.out, view.batch.y)
        yield Wanted("forward", broadcast(view.networks, view.params, run, error, error))
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, running=run.running)
