"""One pack: trained as an ordinary run, its result kept in ``result.json``, once, whoever asks for it.

Whoever trains a pack holds its folder (`bioplaus.claim`): a second process that is given the same pack waits, and then finds the result. So
a worker writes what it has found itself, and nothing depends on who started it still being there.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioplaus import checkpoint
from bioplaus.claim import claimed
from bioplaus.errors import BioplausError, RunError
from bioplaus.progress import Silent
from bioplaus.sweeping.packing import Pack

__all__ = ["Job", "Next", "Report", "Tell", "failed", "finished", "jobs_of", "run_job"]

#: Told the share of a job that is done.
Tell = Callable[[float], None]


@dataclass(frozen=True)
class Job:
    """A pack and the folder in which it is trained; for a trial of a search that may be broken off, what its study is."""

    folder: str
    settings: dict[str, Any]
    members: tuple[tuple[int, int], ...]
    study: dict[str, Any] | None = None

    @property
    def label(self) -> str:
        """What it is called in messages."""
        return Path(self.folder).name

    @property
    def digest(self) -> str:
        """Tell whether a result belongs to this job."""
        text = json.dumps([self.settings, self.members], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Job:
        """Return the job whose fields these are, once through JSON."""
        return cls(**{**tree, "members": tuple((cell, seed) for cell, seed in tree["members"])})


#: Gives the next job, None if there is none at the moment: more may come once a result has been taken.
Next = Callable[[], Job | None]
#: Told how much of a job is done.
Report = Callable[[Job, float], None]


def jobs_of(path: Path, packs: tuple[Pack, ...]) -> list[Job]:
    """Return the jobs of a sweep's packs."""
    digits = max(4, len(str(len(packs))))
    return [Job(str(path / "packs" / f"{i:0{digits}d}"), pack.settings, pack.members) for i, pack in enumerate(packs)]


def finished(job: Job) -> dict[str, Any] | None:
    """Return the result of a job, None if it has to be run (again)."""
    try:
        found: dict[str, Any] = json.loads((Path(job.folder) / "result.json").read_text(encoding="utf-8"))
        whole = found["digest"] == job.digest and not found["error"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if whole else None


def failed(job: Job, error: str) -> dict[str, Any]:
    """Return the result of a job that has none."""
    return {"digest": job.digest, "error": error, "records": [_record(member, error) for member in job.members]}


def run_job(job: Job, tell: Tell = lambda share: None) -> dict[str, Any]:
    """Run a job unless it is finished, keep its result and return it; what goes wrong is the job's, and is in its result.

    Raises
    ------
    RunError
        On Ctrl-C, or if its folder cannot be written.
    """
    folder = Path(job.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make {folder}: {error.strerror}; choose another folder with run.root=DIR") from error
    with claimed(folder, wait=True):
        found = finished(job)
        if found is not None:
            return found
        try:
            found = _measure(job, folder, tell)
        except BioplausError as error:
            if error.exit_code == 130:
                raise
            found = failed(job, str(error))
        except Exception as error:  # a defect of one rule must not take the other cells with it
            (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
            text = " ".join(str(error).split())[:200]
            found = failed(job, f"{type(error).__name__}: {text} (its traceback is in {folder / 'error.txt'})")
        checkpoint.write_text(folder / "result.json", json.dumps(found, indent=1, allow_nan=False))
    return found


def _measure(job: Job, folder: Path, tell: Tell) -> dict[str, Any]:
    from bioplaus.kept import measure

    began = time.perf_counter()
    tell(0.0)
    watcher: Silent = _Relay(tell)
    if job.study is not None:
        from bioplaus.sweeping.pruning import Pruned, Pruner

        try:
            summary = measure(job.settings, folder / "run", Pruner(job.study, watcher))
        except Pruned as pruned:
            return {**failed(job, ""), "pruned": pruned.epoch}
    else:
        summary = measure(job.settings, folder / "run", watcher)
    stopped = summary["stopped_at"] or [None] * len(job.members)
    records = []
    for i, member in enumerate(job.members):
        if stopped[i] is not None:  # what a network had before is not what its settings are good for
            records.append(_record(member, f"stopped at step {stopped[i]}, its numbers were no longer finite"))
            continue
        scores = {
            f"{part}_{key}": summary[f"{part}_{key}"]["values"][i] if summary[f"{part}_{key}"] else None
            for part in ("validation", "test")
            for key in ("accuracy", "loss")
        }
        seconds = summary["seconds"]["total"] / len(job.members)
        records.append({**_record(member, ""), **scores, "selected_epoch": summary["selected_epoch"][i], "seconds": seconds})
    run = os.path.relpath(summary["run_dir"], folder)
    return {"digest": job.digest, "error": "", "run": run, "seconds": time.perf_counter() - began, "records": records}


def _record(member: tuple[int, int], error: str) -> dict[str, Any]:
    """Return the line of one run, still without scores."""
    scores = ("validation_accuracy", "validation_loss", "test_accuracy", "test_loss", "selected_epoch", "seconds")
    return {"cell": member[0], "seed": member[1], "error": error or None, **dict.fromkeys(scores)}


class _Relay(Silent):
    """Hands the share that is done on, once a second at most."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._total, self._next = 1, 0.0

    def start(self, total: int, done: int, title: str) -> None:
        self._total = max(total, 1)
        self._tell(done / self._total)

    def update(self, done: int, text: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1.0
            self._tell(min(done / self._total, 0.999))  # done is what is kept
