"""A task owns the loss, the error at the output and the score, so that "the same loss" means one thing for rules and for probes.

The error points down the loss, ``-dL/d out``, and is already divided by the batch size: what is added up along it needs no further mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Classification", "Regression", "Task"]


class Task(ABC):
    """What the network is asked to do."""

    has_score: bool

    @abstractmethod
    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss over the batch, ``[R]``; out ``[R, B, ...]``, y with replica axis R or 1."""

    @abstractmethod
    def error(self, out: Tensor, y: Tensor) -> Tensor:
        """Return ``-d loss / d out``, of the shape of out."""

    @abstractmethod
    def score(self, out: Tensor, y: Tensor) -> Tensor:
        """Return the mean score over the batch, ``[R]``, higher is better; NaN where the task has none."""

    @abstractmethod
    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Return (rows, match): what a feedback network is driven with, and which row belongs to which sample.

        For classes the rows are the K unit vectors ``[1, K, K]`` and match is one-hot ``[R or 1, B, K]``; where each sample is its own
        target the rows are the targets and match is None (row b belongs to sample b).
        """

    def target(self, y: Tensor, dtype: torch.dtype) -> Tensor:
        """Return what the output of each sample should be, ``[R or 1, B, ...]``: one-hot for classes, the sample's own target otherwise."""
        rows, match = self.codes(y, dtype)
        return rows if match is None else match


@dataclass(frozen=True)
class Classification(Task):
    """Softmax cross-entropy over K classes; the score is the accuracy in [0, 1]; y holds class numbers ``[R or 1, B]``."""

    classes: int
    has_score: bool = True

    def _one_hot(self, y: Tensor, dtype: torch.dtype) -> Tensor:
        return torch.zeros(*y.shape, self.classes, dtype=dtype, device=y.device).scatter_(-1, y.unsqueeze(-1), 1)

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        y = y.expand(out.shape[0], -1)
        return (torch.logsumexp(out, -1) - out.gather(-1, y.unsqueeze(-1)).squeeze(-1)).mean(-1)

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        return (self._one_hot(y, out.dtype) - F.softmax(out, -1)).div_(out.shape[-2])

    def score(self, out: Tensor, y: Tensor) -> Tensor:
        return (out.argmax(-1) == y).double().mean(-1)  # exact counts: float32 would round k/n

    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        rows = torch.eye(self.classes, dtype=dtype, device=y.device).unsqueeze(0)
        return rows, self._one_hot(y, dtype)


@dataclass(frozen=True)
class Regression(Task):
    """Mean squared error over batch and output values, ``mean (out - y)^2``; no score; y has the shape of the output."""

    has_score: bool = False

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        return (out - y).square().flatten(1).mean(1)

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        values = out[0].numel()
        return (y - out).mul_(2 / values)

    def score(self, out: Tensor, y: Tensor) -> Tensor:
        return torch.full((out.shape[0],), float("nan"), dtype=out.dtype, device=out.device)

    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        return y.to(dtype), None
