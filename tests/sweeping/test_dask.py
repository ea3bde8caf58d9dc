"""A real Dask scheduler and workers on loopback: killed workers and clients, a worker of another version, a scheduler that is not there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from driving import ROOT, command, process
from sweeping_kit import LONG, SMALL, kill, results, run_directories, scores, until, words_of

from bioplaus.sweeping.grammar import spaces
from bioplaus.sweeping.plan import make_plan
from bioplaus.sweeping.run import run_plan

pytest.importorskip("distributed")

Start = Callable[..., "subprocess.Popen[bytes]"]
WORKER = "import sys, bioplaus; {lie}; from distributed.cli.dask_worker import main; sys.argv[0] = 'dask-worker'; main()"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process of the cluster; all are ended with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*words: str) -> subprocess.Popen[bytes]:
        where = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with open(tmp_path / f"process-{len(running)}.txt", "wb") as log:
            running.append(subprocess.Popen([sys.executable, *words], cwd=tmp_path, env=where, stdout=log, stderr=log))
        return running[-1]

    yield begin
    for one in running:
        one.kill()
        one.wait()


@pytest.fixture
def scheduler(start: Start, tmp_path: Path) -> str:
    """The address of a scheduler that answers."""
    file = tmp_path / "scheduler.json"
    running = start(
        "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)
    )
    until(lambda: file.is_file() and file.stat().st_size > 0, running)
    return str(json.loads(file.read_text())["address"])


def worker(start: Start, scheduler: str, lie: str = "pass", threads: int = 1) -> subprocess.Popen[bytes]:
    return start("-c", WORKER.format(lie=lie), scheduler, "--nthreads", str(threads), "--no-nanny", "--no-dashboard", "--death-timeout", "60")


def test_a_killed_worker_and_a_killed_client_lose_nothing_and_run_nothing_twice(start: Start, scheduler: str, tmp_path: Path) -> None:
    workers = [worker(start, scheduler) for _ in range(2)]
    running = process("sweep", *words_of(LONG), "workers=2", "executor=dask", f"scheduler={scheduler}", cwd=tmp_path)
    until(lambda: len(list(tmp_path.glob("runs/sweep-*/packs/*/result.json"))) >= 1, running)
    (path,) = tmp_path.glob("runs/sweep-*")
    kill(workers[0].pid)
    first = len(results(path))
    until(lambda: len(results(path)) > first, running)
    kill(running.pid)
    running.communicate()
    before = results(path)
    assert 1 < len(before) < 6

    answer = command("resume", str(path), "--json")  # at once: the worker that is left may still be at a job of the client that is gone
    assert answer.code == 0, answer.err
    after = results(path)
    assert len(after) == 6 and {name: after[name] for name in before} == before
    assert set(run_directories(path).values()) == {1}
    assert answer.err.count("finished before") >= len(before)
    quiet = run_plan(make_plan(spaces({**LONG, "workers": 0, "run.root": "quiet"})))
    assert scores(path) == scores(quiet.path)


@pytest.mark.parametrize(
    ("lie", "threads", "message"),
    [
        ("bioplaus.__version__ = '9.9.9'", 1, "has bioplaus 9.9.9 and this sweep is of bioplaus 0.1.0"),
        ("pass", 2, "has 2 threads; a run wants a process of its own"),
        ("sys.modules['bioplaus'] = None", 1, "cannot work for bioplaus 0.1.0"),
    ],
)
def test_a_worker_that_does_not_fit_is_refused(start: Start, scheduler: str, lie: str, threads: int, message: str) -> None:
    from distributed import Client

    worker(start, scheduler, lie, threads)
    with Client(scheduler, timeout=60) as client:
        client.wait_for_workers(1, timeout=60)
    answer = command("sweep", *words_of(SMALL), "rule=bp,top", "workers=1", "executor=dask", f"scheduler={scheduler}")
    assert answer.code == 2 and message in answer.err and answer.err.count("\n") == 1 and not results(next(Path("runs").iterdir()))


def test_a_scheduler_that_is_not_there_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    answer = command("sweep", *words_of(SMALL), "rule=bp", "executor=dask", f"scheduler={address}", "timeout=0.5")
    assert answer.code == 1 and f"no Dask scheduler answers at {address} within 0.5 s" in answer.err and answer.err.count("\n") == 1
    answer = command("sweep", *words_of(SMALL), "rule=bp", "executor=dask", "scheduler=nonsense")
    assert answer.code == 2 and "scheduler=nonsense is not an address" in answer.err


def test_a_cluster_of_its_own(tmp_path: Path) -> None:
    keys = {**SMALL, "rule": "bp,top", "rule.lr": "0.1,1", "seeds": 2}
    found = run_plan(make_plan(spaces({**keys, "workers": 1, "executor": "dask"})))
    quiet = run_plan(make_plan(spaces({**keys, "workers": 0, "run.root": "quiet"})))
    assert scores(found.path) == scores(quiet.path)
