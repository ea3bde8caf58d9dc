"""What the target rules share that learn their feedback: several feedback updates per batch, epochs of feedback alone, noise.

Each layer's feedback map g_l learns from noisy activity, by a loss that changes V_l alone; the rules differ in that loss.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from bioplaus.changes import Change, Wanted
from bioplaus.fields import ranged, replica
from bioplaus.layer import Layer
from bioplaus.network import Pass
from bioplaus.operations import Scope
from bioplaus.rules.base import Learned, Learning, Plausibility, Rate
from bioplaus.rules.targets import TargetConfig, TargetRule, feedback_layer
from bioplaus.view import View

__all__ = ["LOCKED", "LearnedTargetConfig", "LearnedTargets", "Sweep", "plausibility"]

#: what every rule of this kind still does as backpropagation does
LOCKED = (
    "backward locking: a layer waits for the targets of all layers above it",
    "two phases, and a target beside the activity of each cell",
    "the top target needs the error of a global loss",
)


@dataclass
class LearnedTargetConfig(TargetConfig):
    """Settings of the target rules with learned feedback."""

    lr_feedback: float = replica(0.03)
    """Rate of the feedback weights, >= 0; 0 freezes them."""
    sigma: float = ranged(0.1, 0)
    """Standard deviation of the noise that the feedback learns from, >= 0, in units of the activity."""
    feedback_steps: int = ranged(5, 0)
    """Feedback updates before each forward update, >= 0."""
    pretrain_epochs: int = ranged(0, 0)
    """Epochs at the start in which the feedback weights alone learn, one update per batch; >= 0."""


@dataclass
class Sweep:
    """One update of all feedback maps: what there is to learn from, and noise that differs in every sweep."""

    view: View
    run: Pass
    turn: int
    sigma: float
    losses: list[Tensor] = field(default_factory=list)

    def scope(self) -> Scope:
        """A scope whose running means nobody keeps: noisy passes are no evidence of the activity's."""
        return Scope(self.view.params, self.view.buffers, train=True)

    def up(self, layer: Layer, x: Tensor) -> Tensor:
        """Return f_l(x)."""
        return layer.forward(self.scope(), x).out

    def noise(self, layer: Layer, like: Tensor, name: str) -> Tensor:
        """Draw N(0, sigma^2) of the shape of an activity ``[R, B, ...]``."""
        drawn = self.view.streams.normal(f"{name}/{layer.weight}/{self.turn}", like.shape[1:])
        return drawn.mul_(self.sigma)

    def noted(self, per_value: Tensor) -> None:
        """Add a layer's loss, given value by value, to the sum over layers: mean over the batch."""
        self.losses.append(per_value.flatten(1).sum(1) / self.view.batch.size)


class LearnedTargets(TargetRule):
    """A target rule whose feedback maps learn by a loss of their own."""

    def feedback_rate(self) -> Rate | None:
        rate: Rate = self.config.lr_feedback
        return rate

    @abstractmethod
    def feedback_changes(self, sweep: Sweep) -> Mapping[str, Change]:
        """Return minus the gradient of each feedback map's loss, mean over the batch."""

    def learn(self, view: View) -> Learning:
        run = view.networks["forward"].forward(view.params, view.batch.x, view.buffers, train=True)
        pretraining = view.clock.epoch < self.config.pretrain_epochs
        metrics: dict[str, Tensor] = {}
        if "feedback" in view.networks:
            for turn in range(1 if pretraining else self.config.feedback_steps):
                sweep = Sweep(view, run, turn, self.config.sigma)
                yield Wanted("feedback", self.feedback_changes(sweep))
                metrics["feedback_loss"] = sum(sweep.losses[1:], sweep.losses[0])
        if pretraining:
            return Learned({"loss": view.task.loss(run.out, view.batch.y), **metrics}, running=run.running)
        return (yield from self.learn_forward(view, run, metrics))

    def feedback_of(self, sweep: Sweep) -> list[tuple[Layer, Layer, Tensor, Tensor]]:
        """Return (layer l, its feedback map, h_{l-1}, h_l) for l = 2..L."""
        layers, traces = sweep.view.networks["forward"].layers, sweep.run.traces
        return [
            (layer, feedback_layer(sweep.view, layer), traces[i].out, traces[i + 1].out) for i, layer in enumerate(layers[1:])
        ]


def plausibility(how: str) -> Plausibility:
    """Return the statement of a rule whose feedback learns from noise in the way described."""
    return Plausibility(
        honoured=(
            "separate feedback weights, learned: no weight transport",
            f"feedback weights learn locally, {how}",
            "local losses: each layer compares its output with its own target",
        ),
        violated=(*LOCKED, "noise is sent up and its reconstruction down between the updates, several times per batch"),
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
