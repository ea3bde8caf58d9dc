"""The control `top`: only the output layer learns, on fixed random features.

``dW_L = (-dL/dz_L)^T h_{L-1}``; every other weight keeps its start. What a rule gains over this is what it teaches its hidden layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bioplaus.changes import Wanted
from bioplaus.fields import replica
from bioplaus.network import Network
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.view import View

__all__ = ["TopConfig", "TopLayer"]


@dataclass
class TopConfig(RuleConfig):
    """Settings of the control."""

    name: str = "top"
    lr: float = replica(0.2)


class TopLayer(Rule):
    """The delta rule at the output and nothing below."""

    Config = TopConfig
    reference = "control; the delta rule is Widrow & Hoff 1960"
    plausibility = Plausibility(
        honoured=("local: error of the own cell times presynaptic activity", "no feedback weights, no locking"),
        violated=("no credit assignment at all below the output",),
        needs_labels=False,
    )
    recipes = (
        Recipe(
            {"rule.lr": 0.2, "plasticity.clip": "per_network", "plasticity.clip_norm": 1.0},
            "as in the reference run of the benchmark",
        ),
        Recipe({"rule.lr": 16.0, "epochs": 40, "batch_size": 64}, "ours: lowest validation loss of 0.2 .. 32", data=("digits",)),
        Recipe({"epochs": 40, "batch_size": 64}, "ours", data=("synthetic",)),
        Recipe({"epochs": 100, "batch_size": 256}, "as for ccl", data=("mnist", "fashion_mnist", "cifar10", "cifar100")),
    )

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        last = networks["forward"].layers[-1]
        leaves = tuple(key for key in plastic_leaves(networks["forward"]) if key in last.leaves)
        return {"forward": Group(leaves, self.config.lr)}

    def learn(self, view: View) -> Learning:
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        last = network.layers[-1]
        _, changes = last.wanted(run.traces[-1], view.task.error(run.out, view.batch.y))
        yield Wanted("forward", changes)
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, running=run.running)
