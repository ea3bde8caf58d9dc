"""Elastic weight consolidation: backprop, and a quadratic pull of each weight to where earlier tasks left it, as stiff as they depend on it.

``dw = -dL/dw - lambda sum_k F_k (w - w_k)``, F_k the diagonal of the Fisher information of task k at its end, w_k the weights there
(Kirkpatrick et al. 2017). The sum over tasks needs two numbers per weight, ``sum F_k`` and ``sum F_k w_k``, whatever their number; no earlier
samples are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Wanted
from bioplaus.fields import choice, ranged, replica
from bioplaus.network import Network
from bioplaus.passes import downward
from bioplaus.rules.base import Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.streams import Streams
from bioplaus.view import Batch, Edits, View

__all__ = ["Ewc", "EwcConfig", "fisher_diagonal"]


@dataclass
class EwcConfig(RuleConfig):
    """Settings of elastic weight consolidation."""

    name: str = "ewc"
    lr: float = replica(0.1)
    strength: float = replica(100.0)
    """lambda, >= 0, unitless: strength of the pull; a list gives each seed its own."""
    samples: int = ranged(500, 1)
    """Training samples, the first ones, over which the Fisher information of a task is averaged, one after the other."""
    fisher: str = choice("labels", "labels", "model")
    """Whose labels the squared gradients have: labels (those of the data) | model (drawn from the network's own softmax)."""


class Ewc(Rule):
    """Exact gradient descent with elastic weight consolidation."""

    Config = EwcConfig
    tasks = ("classification",)
    reference = "Kirkpatrick et al. 2017, PNAS 114:3521, arXiv:1612.00796"
    plausibility = Plausibility(
        honoured=("each synapse has a stiffness of its own, from its own squared changes", "no earlier samples are kept"),
        violated=(
            "weight transport: the error travels down through the transposed forward weights",
            "backward locking: a layer waits for the error of all layers above it",
            "two phases, and an error signal separate from activity",
            "it is told where a task ends, and then goes through samples one by one without learning",
        ),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        """Return ``sum F_k`` and ``sum F_k w_k`` of every weight, at zero."""
        leaves = plastic_leaves(networks["forward"])
        return {f"{kind}/{key}": torch.zeros_like(params[key]) for kind in ("fisher", "anchor") for key in leaves}

    def learn(self, view: View) -> Learning:
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        loss, error = view.task.loss_and_error(run.out, view.batch.y)
        changes = downward(network, view.params, run, error)
        yield Wanted("forward", {key: self._pulled(view, key, change) for key, change in changes.items()} if view.clock.task else changes)
        return Learned({"loss": loss}, running=run.running)

    def _pulled(self, view: View, key: str, change: Change) -> Change:
        pull = view.state[f"fisher/{key}"] * view.params[key] - view.state[f"anchor/{key}"]
        strength = torch.as_tensor(self.config.strength, dtype=pull.dtype, device=pull.device).view(-1, *([1] * (pull.dim() - 1)))
        return Dense(change.dense() - strength * pull)

    def boundary(self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]) -> Edits | None:
        """At the end of a task, add its Fisher information."""
        if event != "task":
            return None
        found = fisher_diagonal(view, feed(), self.config.samples, drawn=self.config.fisher == "model")
        state = {f"fisher/{key}": view.state[f"fisher/{key}"] + F for key, F in found.items()}
        state |= {f"anchor/{key}": view.state[f"anchor/{key}"] + F * view.params[key] for key, F in found.items()}
        return Edits(state=state)


def fisher_diagonal(view: View, chunks: Iterator[Batch], samples: int, *, drawn: bool = False) -> dict[str, Tensor]:
    """Return the mean of ``(d ln p(y | x) / dw)^2`` over the first samples, for every weight ``[R, ...]``, one sample at a time: any network.

    Parameters
    ----------
    chunks
        Training samples.
    drawn
        Whether y is drawn from the network's softmax; else it is the label.
    """
    network, sums, count = view.networks["forward"], dict[str, Tensor](), 0
    for batch in chunks:
        for i in range(min(batch.size, samples - count)):
            run = network.forward(view.params, batch.x[:, i : i + 1], view.buffers)
            y = _drawn(run.out, view.streams, count) if drawn else batch.y[:, i : i + 1]
            for key, change in downward(network, view.params, run, view.task.error(run.out, y)).items():
                square = change.dense().square()
                sums[key] = sums[key].add_(square) if key in sums else square
            count += 1
        if count == samples:
            break
    return {key: value / count for key, value in sums.items()}


def _drawn(out: Tensor, streams: Streams, number: int) -> Tensor:
    """Return labels ``[R, 1]`` drawn from the softmax of outputs ``[R, 1, K]``."""
    below = torch.softmax(out, -1).cumsum(-1) < streams.uniform(f"fisher/{number}", (1, 1))
    return below.sum(-1).clamp_(max=out.shape[-1] - 1)
