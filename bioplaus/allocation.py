"""Memory of large arrays, such as the activity of a batch over time, used again by the next batch.

The C library gives such an array back to the system when it is freed; fetching it anew, page by page, took half of the time of a batch. Under
`keeping_memory` the arrays that `room` makes are kept when they are let go, and handed out again where the size is the same.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Pool", "keeping_memory", "room"]

Array = np.ndarray[Any, Any]
#: bytes of an array below which it is the C library's affair
LARGE = 1 << 20
KINDS = {torch.float32: np.float32, torch.float64: np.float64}


class Pool:
    """Blocks of memory that are out, and idle ones. Together they are never more than what was out at once.

    Attributes
    ----------
    out, idle, most
        Bytes handed out, bytes waiting, and the largest number of bytes handed out so far.
    """

    def __init__(self) -> None:
        self.out = self.idle = self.most = 0
        self._waiting: deque[Array] = deque()  # the longest first
        self._returned: deque[Array] = deque()  # let go at some moment, perhaps in another thread

    def take(self, size: int) -> Array:
        """Return a block of so many bytes."""
        self.settle()
        found = next((block for block in self._waiting if block.nbytes == size), None)
        if found is not None:
            self._waiting = deque(block for block in self._waiting if block is not found)
            self.idle -= size
        self.out += size
        self.most = max(self.most, self.out)
        while self._waiting and self.out + self.idle > self.most:
            self.idle -= self._waiting.popleft().nbytes
        block = np.empty(size, np.uint8) if found is None else found
        shown = block[:]  # lives as long as the tensor on it; the block is kept by the finaliser
        weakref.finalize(shown, self._returned.append, block).atexit = False
        return shown

    def settle(self) -> None:
        """Take in what was let go."""
        while self._returned:
            block = self._returned.popleft()
            self.out -= block.nbytes
            self.idle += block.nbytes
            self._waiting.append(block)


_pools: list[Pool] = []  # of the runs that are under way


def room(like: Tensor, shape: Sequence[int]) -> Tensor:
    """Return an array of any content, of the dtype and device of another one."""
    kind = KINDS.get(like.dtype)
    size = like.element_size() * int(np.prod(shape, dtype=np.int64))
    if not _pools or like.device.type != "cpu" or kind is None or size < LARGE:
        return like.new_empty(shape)
    return torch.from_numpy(_pools[-1].take(size)).view(like.dtype).view(tuple(shape))


@contextmanager
def keeping_memory() -> Iterator[Pool]:
    """Keep what `room` made and nobody needs any more, until the end."""
    pool = Pool()
    _pools.append(pool)
    try:
        yield pool
    finally:
        _pools.remove(pool)
