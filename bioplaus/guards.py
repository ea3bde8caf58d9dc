"""What stands around training: Ctrl-C becomes a request, denormal numbers become zero."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import torch

__all__ = ["flushing_denormals", "interruptible"]


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """Turn the first Ctrl-C into a request to stop between two batches; the second one is the usual KeyboardInterrupt."""

    def handler(number: int, frame: FrameType | None) -> None:
        stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        old: Any = signal.signal(signal.SIGINT, handler)
    except ValueError:  # not the main thread: Ctrl-C goes elsewhere
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)


@contextmanager
def flushing_denormals() -> Iterator[None]:
    """Treat numbers below the normal range as zero while training: with them an activation can cost twenty times as much."""
    for kind in (np.float32, np.float64):
        np.finfo(kind).smallest_subnormal  # noqa: B018  (numpy measures it once; afterwards it would warn)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
