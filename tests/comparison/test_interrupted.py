"""A comparison that is interrupted, killed and gone on with: what is finished stays as it is, down to its files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from comparing import files
from driving import command, process

from bioplaus.claim import claimed
from bioplaus.comparison.plan import Plan, Row
from bioplaus.comparison.row import run_row
from bioplaus.errors import RunError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    # a shell starts what it puts into the background with Ctrl-C ignored, and children inherit that
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _until(running: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Wait while a process works."""
    limit = time.monotonic() + 120
    while not condition():
        assert running.poll() is None and time.monotonic() < limit, running.communicate()
        time.sleep(0.02)


def _when(condition: Callable[[], bool], act: Callable[[], None]) -> threading.Thread:
    """Act as soon as a condition holds, while this thread does something else."""

    def watch() -> None:
        limit = time.monotonic() + 120
        while not condition() and time.monotonic() < limit:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_interrupted_then_killed_it_goes_on_and_leaves_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row in a process of its own: after Ctrl-C it has saved, after kill -9 it ends with its comparison."""
    words = ["rules=bp,top", "seeds=2", "data.limit=160", "network.hidden=[8]", "batch_size=2", "tune=none", "epochs=120", "probes=[]"]

    def only_bp(plan: Plan, row: Row, *rest: Any) -> Any:
        if row.rule != "bp":
            raise KeyboardInterrupt
        return run_row(plan, row, *rest)

    monkeypatch.setattr("bioplaus.comparison.pool.run_row", only_bp)
    assert command("compare", *words, "workers=0").code == 130
    (path,) = tmp_path.glob("runs/compare-*")
    begun = path / "rows" / "top" / "run"
    refused: list[str] = []

    def interrupt() -> None:
        refused.append(_refusal(path))
        os.kill(os.getpid(), signal.SIGINT)

    watcher = _when(lambda: any(begun.glob("*/checkpoints/last.safetensors")), interrupt)
    answer = command("resume", str(path))
    watcher.join()
    assert answer.code == 130 and answer.out == "" and "Traceback" not in answer.err
    assert f"go on with: bioplaus resume {path}" in answer.err and "bp: finished before" in answer.err
    assert refused == ["another process is at work"]
    assert "interrupted in epoch" in (path / "rows" / "top" / "log.txt").read_text()  # it saved before it left
    before = files(path)

    running = process("resume", str(path), cwd=tmp_path)
    (checkpoint,) = begun.glob("*/checkpoints/last.safetensors")
    _until(running, lambda: checkpoint.stat().st_mtime_ns != before[str(checkpoint)][1])
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    time.sleep(1.0)  # the worker notices
    assert not (path / "rows" / "top" / "row.json").exists()

    answer = command("resume", str(path), "--json")
    assert answer.code == 0 and "bp: finished before" in answer.err
    assert json.loads(answer.out)["rows"][1]["peak_memory_mb"] > 50
    assert {k: v for k, v in files(path).items() if "/bp/" in k} == {k: v for k, v in before.items() if "/bp/" in k}
    assert len(list(begun.iterdir())) == 1  # gone on with, not begun anew


def _refusal(path: Path) -> str:
    """Return what a second comparison in the same directory is told."""
    with pytest.raises(RunError, match="another process is at work"), claimed(path):
        pass
    return "another process is at work"
