"""Data as one tensor, batches by index: no per-sample Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.data.augment import flip_crop
from bioplaus.streams import Streams
from bioplaus.view import Batch

__all__ = ["Feed"]


@dataclass(frozen=True)
class Feed:
    """A set of samples x ``[N, *shape]`` with targets y ``[N, ...]``.

    Parameters
    ----------
    augment
        "none", or "flip_crop" (random horizontal flip, random crop of the image padded by 4 replicated pixels).
    echo
        Whether the target of a sample is the sample itself (autoencoding).
    """

    x: Tensor
    y: Tensor
    augment: str = "none"
    echo: bool = False

    def __len__(self) -> int:
        return self.x.shape[0]

    def order(self, streams: Streams, epoch: int) -> Tensor:
        """Return the order of one epoch, ``[R, N]``: a permutation per replica from the stream ``order``."""
        return streams.at(epoch).permutation("order", len(self))

    def batch(self, index: Tensor, streams: Streams | None = None) -> Batch:
        """Return the samples at index ``[R or 1, B]``; with streams (of the present step) they are augmented."""
        flat = index.reshape(-1)
        x = self.x.index_select(0, flat).view(*index.shape, *self.x.shape[1:])
        if streams is not None and self.augment == "flip_crop":
            size = index.shape[1]
            flips = streams.integers("augment/flip", (size,), 0, 2).bool()
            x = flip_crop(x, flips, streams.integers("augment/crop", (size, 2), 0, 9))
        y = x if self.echo else self.y.index_select(0, flat).view(*index.shape, *self.y.shape[1:])
        return Batch(x, y, index)

    def chunks(self, size: int) -> Iterator[Batch]:
        """Yield all samples in order, ``[1, size, ...]`` at a time, shared by the replicas."""
        for start in range(0, len(self), size):
            x = self.x[start : start + size].unsqueeze(0)
            y = x if self.echo else self.y[start : start + size].unsqueeze(0)
            yield Batch(x, y, torch.arange(start, start + x.shape[1], device=x.device).unsqueeze(0))
