"""Processes that work for this one: how they are started, how they end with it, and how they are let go."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable

__all__ = ["cores", "end_with_parent", "environment", "how_it_ended", "stop"]

#: Seconds that a child has to save after Ctrl-C.
PATIENCE = 30.0


def cores(device: str) -> int:
    """Return how many children work at once by default: one per core that this process may use, and one on a GPU."""
    import torch

    if device != "cpu" and torch.cuda.is_available():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment(threads: int = 1) -> dict[str, str]:
    """Return the environment of a child: modules from where this process has them, so many threads, which sleep while they wait."""
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path), "OMP_WAIT_POLICY": "PASSIVE"}
    return found | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))


def end_with_parent(heard: Callable[[str], None] = lambda line: None) -> None:
    """Hand on the lines of standard input, and end this process with the input's end, which only the parent's end brings."""

    def listen() -> None:
        for line in sys.stdin:
            heard(line)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()


def stop(processes: Iterable[subprocess.Popen[str]]) -> None:
    """Let children save and end; who does not in time is ended."""
    running = list(processes)
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
    end = time.monotonic() + PATIENCE
    for process in running:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def how_it_ended(code: int) -> str:
    """Return in words how a child with this exit code ended.

    Examples
    --------
    >>> how_it_ended(3)
    'ended with exit code 3'
    """
    if code >= 0:
        return f"ended with exit code {code}"
    memory = "; it may have run out of memory, try workers=1" if code == -signal.SIGKILL else ""
    return f"was ended by {signal.Signals(-code).name}{memory}"
