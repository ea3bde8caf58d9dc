"""A sweep whose workers and clients are killed: nothing is lost, nothing begun twice, and the numbers are those of a quiet afternoon."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from driving import command, process
from sweeping_kit import LONG, children, kill, results, run_directories, scores, until, words_of

from bioplaus.sweeping.grammar import spaces
from bioplaus.sweeping.job import Job, finished, run_job
from bioplaus.sweeping.plan import make_plan
from bioplaus.sweeping.run import run_plan


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_killed_worker_ctrl_c_killed_client(tmp_path: Path) -> None:
    words = [*words_of(LONG), "workers=2"]
    quiet = run_plan(make_plan(spaces({**LONG, "workers": 0, "run.root": "quiet"})))

    running = process("sweep", *words, cwd=tmp_path)
    until(lambda: len(list(tmp_path.glob("runs/sweep-*/packs/*/result.json"))) >= 1, running)
    (path,) = tmp_path.glob("runs/sweep-*")
    kill(children(running.pid)[0])
    first = len(results(path))
    until(lambda: len(results(path)) > first, running)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=300)
    assert running.returncode == 130 and f"go on with: bioplaus resume {path}" in err and "Traceback" not in err
    before = results(path)
    assert 0 < len(before) < 6

    running = process("resume", str(path), cwd=tmp_path)
    until(lambda: len(results(path)) > len(before), running)
    workers = children(running.pid)
    kill(running.pid)
    running.communicate()
    until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() and _alive(pid) for pid in workers))  # they end with their client

    before |= results(path)
    answer = command("resume", str(path), "workers=0")
    assert answer.code == 0, answer.err
    after = results(path)
    assert len(after) == 6 and {name: after[name] for name in before} == before
    assert set(run_directories(path).values()) == {1}
    assert scores(path) == scores(quiet.path)


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_job_that_is_finished_is_not_run_again_and_one_that_failed_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def measure(settings: dict[str, Any], folder: Path, progress: Any) -> dict[str, Any]:
        calls.append(str(folder))
        if len(calls) == 1:
            raise ValueError("a defect")
        values = {f"{part}_{key}": {"values": [0.5]} for part in ("validation", "test") for key in ("accuracy", "loss")}
        return {**values, "stopped_at": None, "seconds": {"total": 1.0}, "selected_epoch": [1], "run_dir": str(folder / "x")}

    monkeypatch.setattr("bioplaus.kept.measure", measure)
    job = Job(str(tmp_path / "packs" / "0000"), {"rule": "bp"}, ((0, 0),))
    assert "ValueError: a defect" in run_job(job)["error"] and finished(job) is None
    assert run_job(job)["error"] == "" and len(calls) == 2
    assert run_job(job)["records"][0]["test_accuracy"] == 0.5 and len(calls) == 2
    other = Job(job.folder, {"rule": "fa"}, ((0, 0),))  # another job's result is not this one's
    assert finished(other) is None


def test_two_who_are_given_one_job_run_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second waits for the first, and reads."""
    import threading

    entered, leave, calls = threading.Event(), threading.Event(), []

    def measure(settings: dict[str, Any], folder: Path, progress: Any) -> dict[str, Any]:
        calls.append(folder)
        entered.set()
        assert leave.wait(60)
        values = {f"{part}_{key}": {"values": [0.25]} for part in ("validation", "test") for key in ("accuracy", "loss")}
        return {**values, "stopped_at": None, "seconds": {"total": 1.0}, "selected_epoch": [1], "run_dir": str(folder / "x")}

    monkeypatch.setattr("bioplaus.kept.measure", measure)
    job = Job(str(tmp_path / "0000"), {"rule": "bp"}, ((0, 0),))
    found: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: found.append(run_job(job))) for _ in range(2)]
    threads[0].start()
    assert entered.wait(60)
    threads[1].start()
    threads[1].join(0.2)
    assert threads[1].is_alive()
    leave.set()
    for thread in threads:
        thread.join(60)
    assert len(calls) == 1 and len(found) == 2 and found[0] == found[1]
