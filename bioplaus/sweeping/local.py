"""Jobs spread over processes of this machine, each of which takes one after the other."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bioplaus.children import environment, how_it_ended, stop
from bioplaus.errors import RunError
from bioplaus.sweeping.job import Job, Next, Report, failed, run_job

__all__ = ["run_here", "run_local"]

#: How often a job may lose its process before it counts as failed.
LIVES = 2


class _Pool:
    """The processes: which are there, and which is at what."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.children: dict[int, subprocess.Popen[str]] = {}
        self.busy: dict[int, Job] = {}
        self.heard: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()

    def give(self, number: int, job: Job) -> None:
        """Give a job to a process, started if it is not there: one thread, deaf to the terminal's Ctrl-C."""
        if number not in self.children:
            with open(self.log(number), "a", encoding="utf-8") as log:
                self.children[number] = subprocess.Popen(
                    [sys.executable, "-m", "bioplaus.sweeping.worker"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(), start_new_session=True,
                )  # fmt: skip
            threading.Thread(target=self._listen, args=(number, self.children[number]), daemon=True).start()
        self.busy[number] = job
        child = self.children[number].stdin
        assert child is not None
        with contextlib.suppress(BrokenPipeError):  # it has died; its silence will tell
            child.write(json.dumps(asdict(job)) + "\n")
            child.flush()

    def _listen(self, number: int, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            self.heard.put((number, line))
        self.heard.put((number, ""))

    def log(self, number: int) -> Path:
        """Return the file with what a process says."""
        return self.path / f"worker-{number}.txt"

    def close(self) -> None:
        """Let who is at work save and end, and send the others away."""
        for number, child in self.children.items():
            if number not in self.busy and child.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    child.stdin.close()
        stop(child for number, child in self.children.items() if number in self.busy)
        for child in self.children.values():
            child.wait()


def run_local(jobs: Next, workers: int, path: Path, report: Report) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Run jobs and yield each with its result, as they come; a job whose process dies is given to another one once.

    Parameters
    ----------
    jobs
        Asked for the next job whenever a process is free.
    workers
        Processes at work at once.
    path
        Folder for what they say on stderr, ``worker-N.txt``.

    Raises
    ------
    RunError
        If a worker cannot write.
    """
    pool = _Pool(path)
    again: list[Job] = []
    deaths: dict[str, int] = {}
    try:
        while True:
            for number in range(workers):
                if number not in pool.busy:
                    job = again.pop() if again else jobs()
                    if job is None:
                        break
                    pool.give(number, job)
            if not pool.busy:
                return
            number, line = pool.heard.get()
            if line:
                told = json.loads(line)
                if "share" in told:
                    report(pool.busy[number], told["share"])
                else:
                    yield pool.busy.pop(number), told["result"]
                continue
            code = pool.children.pop(number).wait()
            if number not in pool.busy:
                continue
            job = pool.busy.pop(number)
            if code == RunError.exit_code:
                raise RunError(_last_line(pool.log(number)))
            deaths[job.folder] = deaths.get(job.folder, 0) + 1
            if deaths[job.folder] < LIVES:
                again.append(job)
                continue
            yield job, failed(job, f"its process {how_it_ended(code)} (what it said is in {pool.log(number)})")
    finally:
        pool.close()


def run_here(jobs: Next, report: Report) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Run jobs one by one in this process."""
    while (job := jobs()) is not None:
        yield job, run_job(job, partial(report, job))


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1].removeprefix("bioplaus: ") if lines else f"a worker ended without a word in {log}"
