"""Which devices of an array get pulses now: only they cost time, and only they draw noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bioplaus.streams import Streams

__all__ = ["Touched", "listed", "where"]


@dataclass(frozen=True)
class Touched:
    """Some of the weights of a leaf.

    Parameters
    ----------
    index
        Flat positions in ``[R, ...]``, ascending, int64 ``[K]``.
    each
        Weights of one replica.
    replicas
        R.
    """

    index: Tensor
    each: int
    replicas: int

    @cached_property
    def row(self) -> Tensor:
        """Replica of each, int64 ``[K]``."""
        return torch.div(self.index, self.each, rounding_mode="floor")

    @cached_property
    def sizes(self) -> list[int]:
        """How many there are in each replica."""
        return [len(self.index)] if self.replicas == 1 else torch.bincount(self.row, minlength=self.replicas).tolist()

    def of(self, per_replica: Tensor) -> Tensor:
        """Return a number per replica ``[R]`` for each, ``[K]``, or ``[1]`` where all are of one replica."""
        return per_replica if self.replicas == 1 else per_replica[self.row]

    def sums(self, values: Tensor) -> Tensor:
        """Return the sums per replica of one value for each, float64 ``[R]``."""
        if self.replicas == 1:
            return values.sum(dtype=torch.float64).view(1)
        return torch.zeros(self.replicas, dtype=torch.float64, device=values.device).index_add_(0, self.row, values.double())

    def some(self, keep: Tensor) -> Touched:
        """Return those that a bool ``[K]`` keeps."""
        return Touched(self.index[keep], self.each, self.replicas)

    def noise(self, streams: Streams, scope: str) -> Callable[[str], Tensor]:
        """Return a source of standard normal numbers ``[K]``: a replica's depend on its own touched devices alone."""

        def draw(name: str) -> Tensor:
            if self.replicas == 1:
                return streams.normal(f"{scope}/{name}", self.sizes)[0]
            return torch.cat([streams.select([r]).normal(f"{scope}/{name}", (size,))[0] for r, size in enumerate(self.sizes)])

        return draw

    def uniform(self, streams: Streams, name: str) -> Tensor:
        """Draw U(0, 1), ``[K]``."""
        return torch.cat([streams.select([r]).uniform(name, (size,))[0] for r, size in enumerate(self.sizes)])


def listed(fill: Callable[[Any, Any, Any], int], like: Tensor) -> tuple[Touched, Tensor]:
    """Return the places that a compiled loop lists of an array ``[R, ...]`` on the CPU, and its number for each.

    Parameters
    ----------
    fill
        Puts flat positions, numbers, and how many there are of each replica into its three arrays, and returns how many there are. The first two
        have one place more than the array, so that a loop may write before it knows whether to keep it.
    """
    size = like.numel()
    index, numbers, sizes = np.empty(size + 1, np.int64), torch.empty(size + 1, dtype=like.dtype), np.zeros(like.shape[0], np.int64)
    found = fill(index, numbers.numpy(), sizes)
    return Touched(torch.from_numpy(index[:found]), like[0].numel(), like.shape[0]), numbers[:found]


def where(mask: Tensor) -> Touched:
    """Return the true positions of a bool array ``[R, ...]``."""
    return Touched(mask.reshape(-1).nonzero().squeeze(1), mask[0].numel(), mask.shape[0])
