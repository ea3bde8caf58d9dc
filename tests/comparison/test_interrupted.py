"""A comparison that is interrupted, killed and gone on with: what is finished stays as it is, down to its files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from comparing import files
from driving import command, process


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _until(running: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Wait while a process works."""
    limit = time.monotonic() + 120
    while not condition():
        assert running.poll() is None and time.monotonic() < limit, running.communicate()
        time.sleep(0.02)


def test_interrupted_then_killed_it_goes_on_and_leaves_what_is_finished(tmp_path: Path) -> None:
    """Rows in processes of their own: after Ctrl-C they have saved, after kill -9 they end with their comparison."""
    words = ("compare", "rules=bp,top", "seeds=2", "data.limit=160", "network.hidden=[8]", "batch_size=2", "tune=none", "workers=1")
    words = (*words, "epochs=25", "probes=[]")
    running = process(*words, cwd=tmp_path)
    _until(running, lambda: any(tmp_path.glob("runs/*/rows/top/run/*/checkpoints/last.safetensors")))
    (path,) = tmp_path.glob("runs/compare-*")
    refused = command(*words)
    assert refused.code == 1 and "another process is at work" in refused.err and refused.out == ""
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130 and out == "" and "Traceback" not in err
    assert f"go on with: bioplaus resume {path}" in err and "bp: done" in err
    assert "interrupted in epoch" in (path / "rows" / "top" / "log.txt").read_text()  # it saved before it left
    before = files(path)

    running = process("resume", str(path), cwd=tmp_path)
    (checkpoint,) = path.glob("rows/top/run/*/checkpoints/last.safetensors")
    _until(running, lambda: checkpoint.stat().st_mtime_ns != before[str(checkpoint)][1])
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    time.sleep(1.0)  # the worker notices
    assert not (path / "rows" / "top" / "row.json").exists()

    answer = command("resume", str(path), "--json")
    assert answer.code == 0 and "bp: finished before" in answer.err
    assert all(row["peak_memory_mb"] > 50 for row in json.loads(answer.out)["rows"])
    assert {k: v for k, v in files(path).items() if "/bp/" in k} == {k: v for k, v in before.items() if "/bp/" in k}
    assert len(list(path.glob("rows/top/run/*"))) == 1  # gone on with, not begun anew
