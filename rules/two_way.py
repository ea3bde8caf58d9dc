"""What rules share that use one set of synapses in two directions: upwards as a classifier, downwards as a generator of inputs.

With weights W_l between populations l-1 and l, both directions over the same W::

    upwards      h_0 = x,  h_l = f(h_{l-1} W_l^T + b_l),           scores z = h_{L-1} W_L^T + b_L
    downwards    g_L = code,  g_{l-1} = f(g_l W_l + c_{l-1}),      input logits q = g_1 W_1 + c_0,  generated input sigmoid(q)

Biases b and c, and norms, belong to one direction each. The network "generator" ends in the logits q, as the classifier does in its scores. Each
direction has a group of its own, so that an optimiser keeps moments for W twice.

Source: Pontes-Filho & Liwicki 2018, arXiv:1805.08006.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Wanted
from bioplaus.fields import choice, replica
from bioplaus.network import Network
from bioplaus.neurons.smooth import Identity
from bioplaus.passes import downward
from bioplaus.pictures import Findings
from bioplaus.rules.base import Group, Learned, Learning, Rule, RuleConfig, plastic_leaves
from bioplaus.rules.generated import generated_findings
from bioplaus.rules.unit_range import check_unit_range
from bioplaus.view import Batch, Edits, View

__all__ = ["Done", "Half", "TwoWay", "TwoWayConfig"]


@dataclass(frozen=True)
class Done:
    """What one direction's step leaves: metrics, and new running means."""

    metrics: Mapping[str, Tensor]
    running: Mapping[str, Tensor]


#: One direction's step: yields what it wants.
Half = Generator[Wanted, None, Done]


@dataclass
class TwoWayConfig(RuleConfig):
    """Settings of rules that learn in two directions."""

    lr: float = replica(0.003)
    """Rate of the classifier's step, >= 0."""
    schedule: str = choice("bl", "bl", "half", "bp")
    """When the generator learns: bl (always) | half (in the first half of all updates) | bp (never: the classifier alone)."""


class TwoWay(Rule):
    """A rule whose classifier and generator are one set of synapses, run in both directions."""

    Config = TwoWayConfig
    tasks = ("classification",)
    prepares = True

    def generator_of(self, network: Network) -> Network:
        """Return the way down through the network's own synapses."""
        return network.transposed("generator", Identity())

    def build(self, network: Network) -> dict[str, Network]:
        return {"forward": network, "generator": self.generator_of(network)}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        found = {"forward": Group(plastic_leaves(networks["forward"]), self.config.lr)}
        if self.config.schedule != "bp":
            found["generator"] = Group(plastic_leaves(networks["generator"]), self.generator_rate())
        return found

    def generator_rate(self) -> Any:
        """Return the rate of the generator's step: that of the classifier, unless given."""
        return self.config.lr if self.config.lr_generator is None else self.config.lr_generator

    def generates(self, view: View) -> bool:
        """Return whether the generator learns from this batch."""
        half = self.config.schedule == "half" and view.clock.step < view.clock.steps_total // 2
        return bool(half or self.config.schedule == "bl")

    @abstractmethod
    def steps(self, view: View) -> Sequence[Callable[[View], Half]]:
        """Return the steps of a batch in which the generator learns, in order."""

    def learn(self, view: View) -> Learning:
        metrics: dict[str, Tensor] = {}
        running: dict[str, Tensor] = {}
        for step in self.steps(view) if self.generates(view) else (self.classify,):
            done = yield from step(view)
            metrics |= done.metrics
            running |= done.running
        return Learned(metrics, running=running)

    def classify(self, view: View) -> Half:
        """One step of the classifier's loss, by exact gradient descent."""
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        loss, error = view.task.loss_and_error(run.out, view.batch.y)
        yield Wanted("forward", downward(network, view.params, run, error))
        return Done({"loss": loss}, run.running)

    def boundary(
        self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]
    ) -> Edits | None:
        """At the start look at the training set: its pixels must lie in [0, 1], and its mean of each class is what a generator may show."""
        if event != "start":
            return None
        check_unit_range(feed(), f"rule={self.config.name} generates pixels in 0..1")
        means = class_means(feed(), view)
        return Edits(state={"class_mean": means.expand(len(view.streams.seeds), *means.shape[1:])})

    def findings(self, views: Sequence[View]) -> Findings:
        return generated_findings(views)


def class_means(batches: Any, view: View) -> Tensor:
    """Return the mean input of each class, ``[R or 1, K, *shape]``, added up in double precision."""
    total: Tensor | None = None
    count: Tensor | None = None
    for batch in batches:
        found, seen = _sums(batch, view)
        total, count = (found, seen) if total is None or count is None else (total + found, count + seen)
    assert total is not None and count is not None  # a training set is never empty
    shape = (*total.shape[:2], *view.batch.x.shape[2:])
    return (total / count.clamp(min=1)).view(shape).to(view.batch.x.dtype)


def _sums(batch: Batch, view: View) -> tuple[Tensor, Tensor]:
    _, match = view.task.codes(batch.y, torch.float64)
    assert match is not None  # classes
    return torch.matmul(match.mT, batch.x.double().flatten(2)), match.sum(1).unsqueeze(-1)

