"""All rows of a comparison: each in a process of its own, as many at once as there are cores; finished ones are left alone."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from pathlib import Path
from typing import Any

from bioplaus import checkpoint
from bioplaus.children import environment, how_it_ended, stop
from bioplaus.claim import claimed
from bioplaus.comparison.plan import Plan, Row
from bioplaus.comparison.row import finished, folder, run_row
from bioplaus.comparison.watch import Watch
from bioplaus.errors import RunError
from bioplaus.simulator import Interrupted

__all__ = ["open_plan", "run_rows"]


def open_plan(path: str | Path) -> Plan:
    """Return the plan of a comparison's directory, which may have been moved since.

    Raises
    ------
    RunError
        If it is not one, or its plan is corrupt.
    """
    file = Path(path).expanduser().resolve() / "plan.json"
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        plan = Plan.of({**tree, "root": str(file.parent.parent)})
    except OSError as error:
        raise RunError(f"{path} is not a comparison of bioplaus: it has no plan.json") from error
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{file} is corrupt ({error}); start the comparison again, finished rows are kept") from error
    if plan.path != file.parent:
        raise RunError(f"{path} is not called {plan.name}, as its settings have it; give it that name again")
    return plan


def run_rows(plan: Plan, workers: int, watch: Watch) -> list[dict[str, Any]]:
    """Run what is missing and return all rows, in order; a row that failed says so under ``error``.

    Parameters
    ----------
    workers
        Rows at once; 0 runs them one by one in this process, whose memory is then not measured.

    Raises
    ------
    Interrupted
        On Ctrl-C, after the workers have saved.
    RunError
        If the directory cannot be written or another process is at work in it.
    """
    try:
        plan.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make {plan.path}: {error.strerror}; choose another folder with run.root=DIR") from error
    with claimed(plan.path):
        checkpoint.write_text(plan.path / "plan.json", json.dumps(plan.as_dict(), indent=2))
        results: dict[int, dict[str, Any]] = {}
        for number, row in enumerate(plan.rows):
            done = finished(plan, row)
            if done is not None:
                results[number] = done
                watch.done(row.label, "finished before")
            elif row.error:
                results[number] = _failed(row, row.error)
                watch.done(row.label, row.error)
        missing = [number for number in range(len(plan.rows)) if number not in results]
        try:
            if workers:
                results |= _in_processes(plan, missing, workers, watch)
            else:
                results |= {number: _here(plan, plan.rows[number], watch) for number in missing}
        except (KeyboardInterrupt, Interrupted) as error:
            raise Interrupted(f"interrupted; finished rows are kept, go on with: bioplaus resume {plan.path}") from error
    return [results[number] for number in range(len(plan.rows))]


def _here(plan: Plan, row: Row, watch: Watch) -> dict[str, Any]:
    found = run_row(plan, row, lambda cell, share: watch.at(row.label, cell, share))
    watch.done(row.label, found["error"])
    return found


def _in_processes(plan: Plan, missing: list[int], workers: int, watch: Watch) -> dict[int, dict[str, Any]]:
    waiting = list(missing)
    at_work: dict[int, subprocess.Popen[str]] = {}
    results: dict[int, dict[str, Any]] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or at_work:
                while waiting and len(at_work) < workers:
                    number = waiting.pop(0)
                    at_work[number] = _start(plan, number)
                    selector.register(at_work[number].stdout, selectors.EVENT_READ, number)  # type: ignore[arg-type]
                for key, _ in selector.select():
                    number, label = key.data, plan.rows[key.data].label
                    line = key.fileobj.readline()  # type: ignore[union-attr]
                    if line.startswith('{"cell"'):
                        told = json.loads(line)
                        watch.at(label, told["cell"], told["share"])
                    elif not line:
                        selector.unregister(key.fileobj)
                        code = at_work.pop(number).wait()
                        results[number] = _answer(plan, plan.rows[number], code)
                        watch.done(label, results[number]["error"])
        except BaseException:
            stop(at_work.values())
            raise
    return results


def _start(plan: Plan, number: int) -> subprocess.Popen[str]:
    """Start the process of a row: one thread, modules from where this process has them, deaf to the terminal's Ctrl-C."""
    where = folder(plan, plan.rows[number])
    where.mkdir(parents=True, exist_ok=True)
    (where / "row.json").unlink(missing_ok=True)
    with open(where / "log.txt", "w", encoding="utf-8") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bioplaus.comparison.row", str(plan.path), str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(plan.shared["threads"] or 1),
            start_new_session=True,
        )  # fmt: skip


def _answer(plan: Plan, row: Row, code: int) -> dict[str, Any]:
    """Return what a process that ended has written, or what its end says."""
    file = folder(plan, row) / "row.json"
    if code == 0 and file.is_file():
        return json.loads(file.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    return _failed(row, f"its process {how_it_ended(code)} (what it said is in {folder(plan, row) / 'log.txt'})")


def _failed(row: Row, error: str) -> dict[str, Any]:
    return {"label": row.label, "rule": row.rule, "digest": row.digest, "error": error}
