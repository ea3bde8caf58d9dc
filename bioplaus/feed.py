"""Data as one tensor, batches by index: no per-sample Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bioplaus.data.augment import flip_crop
from bioplaus.data.encodings import Encoding
from bioplaus.streams import Streams
from bioplaus.view import Batch

__all__ = ["Feed"]


@dataclass(frozen=True)
class Feed:
    """A set of samples x ``[N, *shape]`` with targets y ``[N, ...]``, shared by the replicas, or one set for each of them.

    Parameters
    ----------
    augment
        "none", or "flip_crop" (random horizontal flip, random crop of the image padded by 4 replicated pixels).
    echo
        Whether the target of a sample is the sample itself (autoencoding).
    apart
        Whether x and y have the replica axis in front.
    encoding
        How inputs become time, for spiking units.
    draws
        An epoch is so many samples drawn at random with replacement; 0: every sample once.
    """

    x: Tensor
    y: Tensor
    augment: str = "none"
    echo: bool = False
    apart: bool = False
    encoding: Encoding | None = None
    draws: int = 0

    def __len__(self) -> int:
        return self.x.shape[1 if self.apart else 0]

    def select(self, replicas: Sequence[int]) -> Feed:
        """Return the feed of some replicas."""
        if not self.apart:
            return self
        first, last = replicas[0], replicas[-1]
        if list(replicas) == list(range(first, last + 1)):  # as packs are: a view, nothing is copied
            return replace(self, x=self.x[first : last + 1], y=self.y[first : last + 1])
        rows = torch.tensor(replicas, device=self.x.device)
        return replace(self, x=self.x[rows], y=self.y[rows])

    def first(self, size: int) -> Feed:
        """Return the feed of the first samples."""
        return replace(self, x=self.x[:, :size], y=self.y[:, :size]) if self.apart else replace(self, x=self.x[:size], y=self.y[:size])

    @property
    def per_epoch(self) -> int:
        """Samples that a replica is shown in an epoch."""
        return self.draws or len(self)

    def order(self, streams: Streams, epoch: int) -> Tensor:
        """Return which samples come in an epoch, ``[R, per_epoch]``: a permutation, or draws, per replica from the stream ``order``."""
        if self.draws:
            return streams.at(epoch).integers("order", (self.draws,), 0, len(self))
        return streams.at(epoch).permutation("order", len(self))

    def batch(self, index: Tensor, streams: Streams | None = None) -> Batch:
        """Return the samples at index ``[R or 1, B]``; with streams (of the present step) they are augmented."""
        if self.apart:
            # whole rows of all sets as one: copied ten times as fast as one number after the other
            rows = (index + len(self) * torch.arange(self.x.shape[0], device=index.device).unsqueeze(1)).reshape(-1)
            shape = (self.x.shape[0], index.shape[1])
            x, y = (one.flatten(0, 1).index_select(0, rows).view(*shape, *one.shape[2:]) for one in (self.x, self.y))
            return Batch(self.encoded(x, streams), y, index)
        flat = index.reshape(-1)
        x = self.x.index_select(0, flat).view(*index.shape, *self.x.shape[1:])
        if streams is not None and self.augment == "flip_crop":
            size = index.shape[1]
            flips = streams.integers("augment/flip", (size,), 0, 2).bool()
            x = flip_crop(x, flips, streams.integers("augment/crop", (size, 2), 0, 9))
        y = x if self.echo else self.y.index_select(0, flat).view(*index.shape, *self.y.shape[1:])
        return Batch(self.encoded(x, streams), y, index)

    def encoded(self, x: Tensor, streams: Streams | None = None, at: int = 0) -> Tensor:
        """Return inputs ``[R or 1, B, *shape]`` as the units take them; without streams random codes follow from the position alone."""
        if self.encoding is None:
            return x
        return self.encoding(x, streams or Streams((0,) * x.shape[0], device=x.device, dtype=x.dtype).at(at))

    def chunks(self, size: int) -> Iterator[Batch]:
        """Yield all samples in order, ``[1 or R, size, ...]`` at a time."""
        every_x, every_y = (self.x, self.y) if self.apart else (self.x.unsqueeze(0), self.y.unsqueeze(0))
        for start in range(0, len(self), size):
            x = every_x[:, start : start + size]
            y = x if self.echo else every_y[:, start : start + size]
            yield Batch(self.encoded(x, at=start), y, torch.arange(start, start + x.shape[1], device=x.device).unsqueeze(0))
