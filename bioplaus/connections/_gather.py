"""Products with few spikes: rows of the other factor are gathered and added up, eight at a time, instead of multiplied by zeros.

For a spike array x ``[rows, pre]`` of zeros and ones, ``x @ w^T`` adds the columns of w of those that fired, and ``post^T @ x`` the rows of
post at which each fired. Up to a fifth of ones it beats the dense product on wide layers: five times at 5 %, twice at 13 %.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from bioplaus.allocation import room
from bioplaus.neurons._threads import over_rows

__all__ = ["correlated", "few", "sent"]

#: least number of postsynaptic units, and largest share of ones, with which it pays
WIDTH, SHARE = 200, 0.2
#: rows of post that are met together, so that they stay in the cache
CHUNK = 128


def few(x: Tensor, post: int) -> bool:
    """Return whether x ``[rows, pre]`` holds zeros and a few ones alone, and the layer is wide enough."""
    wide = post >= WIDTH and x.device.type == "cpu" and x.is_contiguous() and x.dtype in (torch.float32, torch.float64)
    if not wide or x.numel() == 0:
        return False
    ones = _ones(x.detach().numpy())
    return 0 <= ones <= SHARE * x.numel()


def sent(w: Tensor, x: Tensor) -> Tensor:
    """Return ``x @ w^T``, ``[rows, post]``."""
    out = room(x, (x.shape[0], w.shape[0]))
    over_rows(_send, x.shape[0], out.numel(), x.numpy(), w.T.contiguous().numpy(), out.numpy())
    return out


def correlated(x: Tensor, post: Tensor) -> Tensor:
    """Return ``post^T @ x``, ``[post, pre]``."""
    found = x.new_empty(x.shape[1], post.shape[1])
    over_rows(_correlate, x.shape[1], post.numel(), x.numpy(), post.contiguous().numpy(), found.numpy())
    return found.T.contiguous()


@numba.njit(cache=True, nogil=True)
def _ones(x: Any) -> int:
    """Return the number of ones, or -1 if there is anything else but zeros."""
    total = 0
    for r in range(x.shape[0]):
        row, ones, others = x[r], 0, 0
        for i in range(row.shape[0]):
            ones += row[i] == 1
            others += row[i] != 0
        if others != ones:
            return -1
        total += ones
    return total


@numba.njit(cache=True)
def _add_eight(out: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
    for k in range(out.shape[0]):
        out[k] += ((a[k] + b[k]) + (c[k] + d[k])) + ((e[k] + f[k]) + (g[k] + h[k]))


@numba.njit(cache=True)
def _add_rows(out: Any, rows: Any, which: Any, n: int) -> None:
    """Add n of the rows to out, in a fixed order."""
    p = 0
    while p + 8 <= n:
        _add_eight(
            out, rows[which[p]], rows[which[p + 1]], rows[which[p + 2]], rows[which[p + 3]], rows[which[p + 4]], rows[which[p + 5]],
            rows[which[p + 6]], rows[which[p + 7]],
        )  # fmt: skip
        p += 8
    while p < n:
        one = rows[which[p]]
        for k in range(out.shape[0]):
            out[k] += one[k]
        p += 1


@numba.njit(cache=True, nogil=True)
def _send(first: int, last: int, x: Any, columns: Any, out: Any) -> None:
    """Fill rows first to last (exclusive) of out ``[rows, post]`` from the columns ``[pre, post]`` of the weight."""
    which = np.empty(x.shape[1] + 1, np.int32)
    for r in range(first, last):
        n = 0
        for i in range(x.shape[1]):
            which[n] = i
            n += x[r, i] != 0
        out[r] = 0
        _add_rows(out[r], columns, which, n)


@numba.njit(cache=True, nogil=True)
def _correlate(first: int, last: int, x: Any, post: Any, found: Any) -> None:
    """Fill rows first to last (exclusive) of found ``[pre, post]``."""
    found[first:last] = 0
    which, n = np.empty((last - first, CHUNK), np.int32), np.zeros(last - first, np.int64)
    for start in range(0, x.shape[0], CHUNK):
        n[:] = 0
        for r in range(start, min(start + CHUNK, x.shape[0])):
            for i in range(first, last):
                if x[r, i] != 0:
                    which[i - first, n[i - first]] = r
                    n[i - first] += 1
        for i in range(first, last):
            _add_rows(found[i], post, which[i - first], n[i - first])
