"""Sweeps small enough for tests, and what they leave on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["LONG", "SMALL", "children", "kill", "results", "run_directories", "scores", "until", "words_of"]

#: An epoch of 3 updates.
SMALL: dict[str, Any] = {"data": "digits", "data.limit": 96, "batch_size": 32, "network.hidden": [6], "epochs": 2}
#: Six packs of half a second.
LONG: dict[str, Any] = {
    **SMALL, "rule": "bp,top", "rule.lr": "0.05,0.1,0.2", "run.pack": "1", "batch_size": 2, "epochs": 16, "run.checkpoint_every": 4,
}  # fmt: skip


def words_of(keys: dict[str, Any]) -> list[str]:
    """Return keys as words of the command line."""
    return [f"{key}={json.dumps(value) if isinstance(value, list) else value}" for key, value in keys.items()]


def results(path: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of every result in a sweep's directory."""
    return {str(p): (p.stat().st_ino, p.stat().st_mtime_ns) for p in sorted(path.glob("packs/*/result.json"))}


def run_directories(path: Path) -> dict[str, int]:
    """Return how many runs each pack has begun."""
    return {p.name: len(list(p.glob("run/*/config.yaml"))) for p in sorted(path.glob("packs/*"))}


def scores(path: Path) -> dict[tuple[str, int], list[float | None]]:
    """Return what every run of a finished sweep came to, by cell and seed."""
    found = json.loads((path / "sweep.json").read_text())
    names = ("validation_accuracy", "validation_loss", "test_accuracy", "test_loss")
    return {
        (row["name"], seed): [row[name]["values"][i] for name in names] for row in found["cells"] for i, seed in enumerate(found["seeds"])
    }


def until(condition: Callable[[], bool], running: subprocess.Popen[Any] | None = None) -> None:
    """Wait for something that a process does."""
    limit = time.monotonic() + 400  # of a loaded machine
    while not condition():
        assert running is None or running.poll() is None, running.communicate()
        assert time.monotonic() < limit, "it takes too long"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill(pid: int) -> None:
    """End a process without a word."""
    os.kill(pid, signal.SIGKILL)
