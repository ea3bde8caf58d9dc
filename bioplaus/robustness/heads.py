"""What an output says: scores of classes, and the slopes of loss and margin at the output.

The margin of an image is ``max_{j != y} z_j - z_y``: the largest score of a wrong class less that of the right one, above 0 where the answer is
wrong. Softmax is no part of it, so it keeps its slope where probabilities are 0 and 1 to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bioplaus.neurons.spiking import torch_derivative
from bioplaus.spiking.task import SpikingClassification
from bioplaus.spiking.time_task import SpikeTimes
from bioplaus.tasks import Classification, Labelling, Task, one_hot

__all__ = ["Head", "head_of", "margins", "own_target", "true_target"]


class Head(Protocol):
    """How scores ``[R, B, K]`` are read from an output, and slopes there; the largest score is the answer, the lowest class of equals."""

    #: whether scores are logits, so that sigmoid and softmax of them mean something
    logits: bool

    def scores(self, out: Tensor) -> Tensor:
        """Return the scores."""

    def of_loss(self, out: Tensor, target: Tensor) -> Tensor:
        """Return the gradient of the task's loss, summed over images, at the output; target ``[R, B, K]`` are shares of classes."""

    def of_margin(self, out: Tensor, y: Tensor, rival: Tensor | None = None) -> Tensor:
        """Return the gradient of the margins, summed over images, at the output; over the given wrong class ``[R, B]`` if there is one."""


def margins(scores: Tensor, y: Tensor) -> Tensor:
    """Return the margins ``[R, B]``; y ``[R or 1, B]``."""
    y = y.expand(scores.shape[:2]).unsqueeze(-1)
    return scores.scatter(-1, y, -torch.inf).amax(-1) - scores.gather(-1, y).squeeze(-1)


def _of_margin(scores: Tensor, y: Tensor, rival: Tensor | None) -> Tensor:
    """Return the gradient of the margins at the scores: +1 at the rival, by default the best wrong class, -1 at the right one."""
    y = y.expand(scores.shape[:2])
    if rival is None:
        rival = scores.scatter(-1, y.unsqueeze(-1), -torch.inf).argmax(-1)
    return one_hot(rival, scores.shape[-1], scores.dtype) - one_hot(y, scores.shape[-1], scores.dtype)


def true_target(scores: Tensor, y: Tensor) -> Tensor:
    """Return 1 at the right class of each image, ``[R, B, K]``."""
    return one_hot(y.expand(scores.shape[:2]), scores.shape[-1], scores.dtype)


def own_target(scores: Tensor) -> Tensor:
    """Return 1 at the class that the network itself names, shared equally between classes that are level."""
    top = (scores == scores.amax(-1, keepdim=True)).to(scores.dtype)
    return top / top.sum(-1, keepdim=True)


class Logits:
    """Outputs are the scores; the loss is softmax cross-entropy, of slope ``softmax(z) - target``."""

    logits = True

    def scores(self, out: Tensor) -> Tensor:
        return out

    def of_loss(self, out: Tensor, target: Tensor) -> Tensor:
        return out.softmax(-1) - target

    def of_margin(self, out: Tensor, y: Tensor, rival: Tensor | None = None) -> Tensor:
        return _of_margin(out, y, rival)


class Counts(Logits):
    """Mean spike counts per class: scores, but no logits, and nobody sends anything down from them."""

    logits = False


@dataclass(frozen=True)
class Membranes:
    """The membrane over time of a spiking output layer, ``[R, B, T, K]``; spikes have the slope of the run's surrogate."""

    task: SpikingClassification
    logits = False

    def scores(self, out: Tensor) -> Tensor:
        return self.task.evidence(out)

    def of_loss(self, out: Tensor, target: Tensor) -> Tensor:
        return -out.shape[1] * self.task.error(out, target.argmax(-1))

    def of_margin(self, out: Tensor, y: Tensor, rival: Tensor | None = None) -> Tensor:
        at_scores = _of_margin(self.scores(out), y, rival).unsqueeze(2)
        if self.task.unit.loss in ("max_membrane", "mse_membrane") or not self.task.fires:
            return torch.zeros_like(out).scatter_(2, out.argmax(2, keepdim=True), at_scores)
        return at_scores * torch_derivative(self.task.unit, out)


@dataclass(frozen=True)
class Times:
    """Times of output spikes ``[R, B, M]``: the earlier the better, or the nearer to the time of a class where one cell speaks for all."""

    task: SpikeTimes
    logits = False

    def scores(self, out: Tensor) -> Tensor:
        return -(out - self._rows(out)).square() if self.task.single else -out

    def of_loss(self, out: Tensor, target: Tensor) -> Tensor:
        return -out.shape[1] * self.task.error(out, target.argmax(-1))

    def of_margin(self, out: Tensor, y: Tensor, rival: Tensor | None = None) -> Tensor:
        at_scores = _of_margin(self.scores(out), y, rival)
        return (-2 * at_scores * (out - self._rows(out))).sum(-1, keepdim=True) if self.task.single else -at_scores

    def _rows(self, out: Tensor) -> Tensor:
        return self.task.rows(out.dtype, out.device).squeeze(1)


def head_of(task: Task) -> Head | None:
    """Return how a task reads classes from an output; None if it names none."""
    if isinstance(task, Classification):
        return Logits()
    if isinstance(task, SpikingClassification):
        return Membranes(task)
    if isinstance(task, SpikeTimes):
        return Times(task)
    return Counts() if isinstance(task, Labelling) else None
