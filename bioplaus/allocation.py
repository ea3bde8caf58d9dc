"""Memory that the next batch uses again, instead of giving it back to the system after each.

Where a batch's arrays are large (time steps of spiking layers), the C library hands every one of them back when it is freed; fetching it
anew, page by page, took half of the time of such a batch.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["keeping_memory"]

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # the numbers of glibc's malloc.h
LARGE = 2**31 - 1
#: where glibc's own adjustment of the two ends
USUAL = {TRIM_THRESHOLD: 64 << 20, MMAP_THRESHOLD: 32 << 20}


@contextmanager
def keeping_memory() -> Iterator[None]:
    """Let the process keep what it frees, with glibc; elsewhere nothing happens. What was kept is given back at the end."""
    try:
        library = ctypes.CDLL(None) if sys.platform == "linux" else None
        adjust, trim = (library.mallopt, library.malloc_trim) if library else (None, None)
    except (OSError, AttributeError):  # another C library
        adjust = trim = None
    if adjust is None or trim is None:
        yield
        return
    for option in USUAL:
        adjust(option, LARGE)
    try:
        yield
    finally:
        for option, value in USUAL.items():
            adjust(option, value)
        trim(0)
