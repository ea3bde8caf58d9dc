"""An attack without a gradient: random squares, kept where they raise the margin. It sees scores alone, so no gradient can be hidden from it.

The start is a pattern of upright stripes of +eps or -eps. Each query then puts one square of ``x +- eps``, one sign per channel, at a random
place; its area falls from 0.8 of the image in steps. Vectors are images of one row. A square that leaves the margin as it is is kept too: counts
of spikes have plateaus, which have to be crossed.

Source: Andriushchenko, Croce, Flammarion & Hein 2020, ECCV, arXiv:1912.00049, algorithms 1 and 2.
"""

from __future__ import annotations

from math import prod, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioplaus.robustness.attacks import Attacked, box
from bioplaus.robustness.heads import margins
from bioplaus.robustness.victim import Victim
from bioplaus.shapes import leading

__all__ = ["area", "square"]

#: share of the image at the start, and the parts of all queries (in 10,000) after which it is halved
FIRST, HALVED = 0.8, (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


def area(query: int, queries: int) -> float:
    """Return which share of the image the square of a query covers, in (0, 0.8]."""
    return FIRST / 2 ** sum(10_000 * query > part * queries for part in HALVED)


def square(victim: Victim, x: Tensor, y: Tensor, eps: float, queries: int, draw: np.random.Generator, width: int) -> Attacked:
    """Attack images by random search.

    Parameters
    ----------
    x, y
        Images ``[R or 1, B, *shape]`` and labels ``[R or 1, B]``.
    eps
        Half the side of the box, >= 0.
    queries
        How often the network is asked about each image beside its first answer, >= 1.
    draw
        Where random numbers come from; all replicas meet the same ones.
    width
        Images to draw for, >= B: what an image meets does not depend on how many stand behind it.
    """
    x, y = x.expand(victim.replicas, *x.shape[1:]).to(victim.dtype), y.expand(victim.replicas, -1)
    shape = _planes(tuple(x.shape[2:]))
    low, high = box(x, eps)
    scores = victim.scores(x)
    height, broken, best = margins(scores, y), scores.argmax(-1) != y, x.clone()
    rows = torch.arange(x.shape[1], device=x.device)
    for query in range(queries):
        change = _stripes(draw, width, shape) if query == 0 else _squares(draw, width, shape, area(query, queries))
        if not victim.positional:
            rows = rows[~broken[:, rows].all(0)]
        if not len(rows):
            break
        moved = torch.from_numpy(change[: x.shape[1]]).to(x).view(1, x.shape[1], *x.shape[2:])[:, rows]
        tried = torch.where(moved == 0, best[:, rows], torch.where(moved > 0, high[:, rows], low[:, rows]))
        scores = victim.scores(tried)
        found = margins(scores, y[:, rows])
        better = ((found >= height[:, rows]) | (query == 0)) & ~broken[:, rows]
        best[:, rows] = torch.where(leading(better, x), tried, best[:, rows])
        height[:, rows] = torch.where(better, found, height[:, rows])
        broken[:, rows] |= scores.argmax(-1) != y[:, rows]
    return Attacked(best, broken)


def _planes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (channels, height, width) of a sample."""
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (1, 1, prod(shape))


def _stripes(draw: np.random.Generator, images: int, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return upright stripes of signs, ``[images, C, H, W]``."""
    channels, _, width = shape
    signs = draw.integers(0, 2, (images, channels, 1, width), dtype=np.int8) * 2 - 1
    return np.broadcast_to(signs, (images, *shape)).astype(np.float32)


def _squares(draw: np.random.Generator, images: int, shape: tuple[int, int, int], share: float) -> NDArray[np.float32]:
    """Return one square of signs per image, 0 elsewhere, ``[images, C, H, W]``."""
    channels, height, width = shape
    side = max(1, round(sqrt(share * height * width)) if height > 1 else round(share * width))
    high, wide = min(side, height), min(side, width)
    top, left = draw.integers(0, height - high + 1, images), draw.integers(0, width - wide + 1, images)
    signs = draw.integers(0, 2, (images, channels, 1, 1), dtype=np.int8) * 2 - 1
    inside = _within(top, high, height)[:, :, None] & _within(left, wide, width)[:, None]
    return (inside[:, None] * signs).astype(np.float32)


def _within(first: NDArray[np.int64], size: int, whole: int) -> NDArray[np.bool_]:
    """Return which of `whole` places lie in a stretch, for each image, ``[images, whole]``."""
    places = np.arange(whole) - first[:, None]
    return (places >= 0) & (places < size)
