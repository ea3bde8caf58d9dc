"""Rows of a compiled scan, shared out among the threads that torch computes with.

Threads of Python's own, which the kernels let run (``nogil``): compiled parallel loops would take three times as long to compile, and would not
heed the number of threads that a run was given.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from threading import Thread
from typing import Any

import torch

__all__ = ["over_rows"]

#: numbers below which a second thread costs more than it saves
SHARE = 1 << 18


def over_rows(kernel: Callable[..., None], rows: int, numbers: int, *arguments: Any) -> None:
    """Call ``kernel(first, last, *arguments)`` for consecutive parts of ``range(rows)``; numbers is how many it computes in all."""
    threads = max(1, min(torch.get_num_threads(), rows, numbers // SHARE))
    first, *others = pairwise(rows * part // threads for part in range(threads + 1))
    helpers = [Thread(target=kernel, args=(*part, *arguments)) for part in others]
    for helper in helpers:
        helper.start()
    kernel(*first, *arguments)
    for helper in helpers:
        helper.join()
