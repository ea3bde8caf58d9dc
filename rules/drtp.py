"""Direct random target projection: hidden layers hear the label, not the error, through fixed random weights (Frenkel et al. 2021).

Change of hidden ``W_l = [(T R_l) * phi'(z_l)]^T h_{l-1} / B``, T the one-hot label, R_l ``K x d_l``; the output layer learns by its own error.
A layer can change as soon as its own activity is there. It needs a neuron that saturates: nothing else ends the growth of hidden weights.
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

__all__ = ["TargetProjection", "TargetProjectionConfig"]


@dataclass
class TargetProjectionConfig(RuleConfig):
    """Settings of direct random target projection."""

    name: str = "drtp"
    lr: float = replica(0.1)
    feedback_scale: float = ranged(1.0, above=0)
    """Factor on R, which is drawn from U(-1, 1)/sqrt(K), K the number of outputs; > 0, dimensionless."""


class TargetProjection(Rule):
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

    def build(self, network: Network) -> dict[str, Network]:
        return with_direct(network, self.config.feedback_scale)

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        return direct_groups(networks, self.config.lr)

    def learn(self, view: View) -> Learning:
        run = view.networks["forward"].forward(view.params, view.batch.x, view.buffers, train=True)
        error, labels = view.task.error(run.out, view.batch.y), view.task.target(view.batch.y, view.batch.x.dtype)
        yield Wanted("forward", broadcast(view.networks, view.params, run, labels / view.batch.size, error))
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, running=run.running)
