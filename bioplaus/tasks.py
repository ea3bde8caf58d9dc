"""A task owns the loss, the error at the output and the score, so that "the same loss" means one thing for rules and for probes.

The error points down the loss, ``-dL/d out``, and is already divided by the batch size: what is added up along it needs no further mean.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Classification", "Decision", "Labelling", "Regression", "Retrieval", "SymmetricTargets", "Task", "one_hot"]


class Task(ABC):
    """What the network is asked to do."""

    has_score: bool

    @abstractmethod
    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss over the batch, ``[R]``; out ``[R, B, ...]``, y with replica axis R or 1."""

    @abstractmethod
    def error(self, out: Tensor, y: Tensor) -> Tensor:
        """Return ``-d loss / d out``, of the shape of out."""

    def loss_and_error(self, out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return both; tasks override it where they share work."""
        return self.loss(out, y), self.error(out, y)

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


def one_hot(y: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    """Return ``[..., classes]`` with 1 at each label and 0 elsewhere."""
    return torch.zeros(*y.shape, classes, dtype=dtype, device=y.device).scatter_(-1, y.unsqueeze(-1), 1)


@dataclass(frozen=True)
class Classification(Task):
    """Softmax cross-entropy over K classes; the score is the accuracy in [0, 1]; y holds class numbers ``[R or 1, B]``."""

    classes: int
    has_score: bool = True

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        y = y.expand(out.shape[0], -1)
        return (torch.logsumexp(out, -1) - out.gather(-1, y.unsqueeze(-1)).squeeze(-1)).mean(-1)

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        return (one_hot(y, self.classes, out.dtype) - F.softmax(out, -1)).div_(out.shape[-2])

    def score(self, out: Tensor, y: Tensor) -> Tensor:
        return (out.argmax(-1) == y).double().mean(-1)  # exact counts: float32 would round k/n

    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        rows = torch.eye(self.classes, dtype=dtype, device=y.device).unsqueeze(0)
        return rows, one_hot(y, self.classes, dtype)


@dataclass(frozen=True)
class Decision(Task):
    """Two classes told by the sign of one output u ``[R, B, 1]``; loss ``-ln Phi(t u)``, t = +1 for class 1 and -1 for class 0; 0 counts as +1.

    Phi is the normal distribution function: with ``u = k``, mean over spread of a Gaussian current, ``Phi(t k)`` is the probability that the
    current has the right sign. Everything in logarithms: ``phi/Phi = exp(-u^2/2 - ln Phi) / sqrt(2 pi)``.

    Parameters
    ----------
    teachers
        Who labelled the samples of each task, ``[R, T, N]`` of +1 and -1, where that is known; for probes alone.
    """

    has_score: bool = True
    teachers: Tensor | None = None

    def _margin(self, out: Tensor, y: Tensor) -> Tensor:
        return out.squeeze(-1) * self.target(y, out.dtype).squeeze(-1)

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        return -torch.special.log_ndtr(self._margin(out, y)).mean(-1)

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        u = self._margin(out, y)
        ratio = torch.exp(-u * u / 2 - torch.special.log_ndtr(u)) / math.sqrt(2 * math.pi)
        return (ratio / out.shape[1]).unsqueeze(-1) * self.target(y, out.dtype)

    def score(self, out: Tensor, y: Tensor) -> Tensor:
        return ((out.squeeze(-1) >= 0) == (y > 0)).double().mean(-1)

    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        rows = torch.tensor([[[-1.0], [1.0]]], dtype=dtype, device=y.device)
        return rows, one_hot(y, 2, dtype)

    def target(self, y: Tensor, dtype: torch.dtype) -> Tensor:
        return (2 * y - 1).to(dtype).unsqueeze(-1)


@dataclass(frozen=True)
class SymmetricTargets(Classification):
    """K classes as targets t: 1/2 for the right class, -1/2 for the others. Loss ``1/2 sum_k (t_k - out_k)^2``, a mean over the batch."""

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        return (self.target(y, out.dtype) - out).square().sum(-1).mean(-1) / 2

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        return (self.target(y, out.dtype) - out) / out.shape[-2]

    def target(self, y: Tensor, dtype: torch.dtype) -> Tensor:
        return super().target(y, dtype) - 0.5


@dataclass(frozen=True)
class Labelling(Task):
    """K classes that a network was not taught: an output is the mean spike count of the neurons labelled with each class, ``[R, B, K]``.

    The loss is the probability of a wrong class where ties are broken by a fair coin, ``1 - [out_y = max] / #{k: out_k = max}``: 1 - 1/K for a
    network that says nothing. It is flat almost everywhere, so its error is 0: nothing can be sent down from it. The score is the accuracy,
    with the lowest class of a tie.
    """

    classes: int
    has_score: bool = True

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        winners = out == out.amax(-1, keepdim=True)
        right = winners.gather(-1, y.expand(out.shape[0], -1).unsqueeze(-1)).squeeze(-1)
        return (1 - right.double() / winners.sum(-1)).mean(-1)

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        return torch.zeros_like(out)

    def score(self, out: Tensor, y: Tensor) -> Tensor:
        return (out.argmax(-1) == y).double().mean(-1)

    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        rows = torch.eye(self.classes, dtype=dtype, device=y.device).unsqueeze(0)
        return rows, one_hot(y, self.classes, dtype)


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


@dataclass(frozen=True, eq=False)
class Retrieval(Task):
    """Recall of patterns xi ``[R, K, N]`` (entries +1, -1, 0) from noisy examples of them; an output is a state ``[R, B, N]`` of the network.

    The loss of a state s is its two-sided squared error to every pattern, ``sum_mu L+ L-`` with ``L+- = ||xi_mu +- s||^2 / (2 N)``, which for
    states of +1 and -1 is the energy of the Hopfield network that stores the patterns, up to a constant and a factor (Agliari et al. 2023,
    arXiv:2308.04106). The score is the share of states that recall the pattern of their example, y ``[R or 1, B]``: that agree with it, or with
its negative, on at least three quarters of its entries (one state may recall several patterns).

    Parameters
    ----------
    classes
        K, the number of patterns.
    xi
        The patterns.
    d, M, r, model, image
        As in `bioplaus.data.base.Patterns`.
    """

    classes: int
    xi: Tensor
    d: float
    M: int = 1
    r: float = 1.0
    model: bool = True
    image: tuple[int, int] | None = None
    has_score: bool = True

    @property
    def rho(self) -> float:
        """Entropy of the examples, ``(1 - r^2)/(M r^2)``; 0 for perfect ones."""
        return (1 - self.r**2) / (self.M * self.r**2)

    def overlaps(self, out: Tensor) -> Tensor:
        """Return ``m_mu = xi_mu . s / N``, ``[R, B, K]``."""
        return torch.matmul(out, self.xi.mT) / self.xi.shape[-1]

    def _sizes(self, out: Tensor) -> Tensor:
        """Return ``c_mu = (||xi_mu||^2 + ||s||^2) / (2 N)``, the mean of L+ and L-."""
        squares = self.xi.square().sum(-1).unsqueeze(1) + out.square().sum(-1, keepdim=True)
        return squares / (2 * self.xi.shape[-1])

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        return (self._sizes(out).square() - self.overlaps(out).square()).sum(-1).mean(-1)

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        size = self._sizes(out).sum(-1, keepdim=True)
        return (torch.matmul(self.overlaps(out), self.xi) - size * out).mul_(2 / (self.xi.shape[-1] * out.shape[1]))

    def score(self, out: Tensor, y: Tensor) -> Tensor:
        found = self.overlaps(out).abs() / self.xi.square().mean(-1).unsqueeze(1)
        return (found.gather(-1, y.expand(out.shape[0], -1).unsqueeze(-1)).squeeze(-1) >= 0.5).double().mean(-1)

    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        return self.xi.to(dtype), one_hot(y, self.classes, dtype)

    def target(self, y: Tensor, dtype: torch.dtype) -> Tensor:
        rows, match = self.codes(y, dtype)
        assert match is not None
        return torch.matmul(match, rows)
