"""What cells that fire once are asked for: spikes at given times."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.tasks import Task, one_hot

__all__ = ["SpikeTimes"]


@dataclass(frozen=True)
class SpikeTimes(Task):
    """K classes as times of output spikes ``[R, B, M]``, ms; the loss is ``E = sum_j (t_j - t^d_j)^2 / 2``, mean over the batch, ms^2.

    With one cell per class (M = K) the right one shall fire early and the others late; the answer is the first to fire, the lowest class
    of equals. With a single cell the last class fires early, the first late and others in between; the answer is the class of the nearest time.

    Parameters
    ----------
    classes
        K, at least 2.
    early, late
        Wanted times, ms.
    single
        Whether there is one output cell for all classes.
    """

    classes: int
    early: float
    late: float
    single: bool
    has_score: bool = True

    def rows(self, dtype: torch.dtype, device: torch.device | None = None) -> Tensor:
        """Return the wanted times of each class, ``[K, M]``."""
        if self.single:
            return torch.linspace(self.late, self.early, self.classes, dtype=dtype, device=device).unsqueeze(1)
        return self.late + (self.early - self.late) * torch.eye(self.classes, dtype=dtype, device=device)

    def loss(self, out: Tensor, y: Tensor) -> Tensor:
        return (out - self.target(y, out.dtype)).square().sum(-1).mean(-1) / 2

    def error(self, out: Tensor, y: Tensor) -> Tensor:
        return (self.target(y, out.dtype) - out) / out.shape[1]

    def predicted(self, out: Tensor) -> Tensor:
        """Return the class of each sample, ``[R, B]``."""
        if self.single:
            return (out - self.rows(out.dtype, out.device).squeeze(1)).abs().argmin(-1)
        return out.argmin(-1)

    def score(self, out: Tensor, y: Tensor) -> Tensor:
        return (self.predicted(out) == y).double().mean(-1)

    def codes(self, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        return self.rows(dtype, y.device).unsqueeze(0), one_hot(y, self.classes, dtype)

    def target(self, y: Tensor, dtype: torch.dtype) -> Tensor:
        return self.rows(dtype, y.device)[y]
