"""``bioplaus sweep`` from Python: run what is missing, judge, draw, write."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bioplaus import checkpoint
from bioplaus.children import cores
from bioplaus.claim import claimed
from bioplaus.comparison.watch import Watch
from bioplaus.errors import RunError
from bioplaus.sweeping.grammar import Space, spaces
from bioplaus.sweeping.grid import Grid, Source
from bioplaus.sweeping.job import Job
from bioplaus.sweeping.plan import FILE, Plan, make_plan, open_plan, with_options
from bioplaus.sweeping.results import judge, write_parquet

__all__ = ["Sweep", "resume", "sweep"]


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes
    ----------
    found
        What ``sweep.json`` holds.
    path
        Its directory.
    """

    found: dict[str, Any]
    path: Path

    @property
    def cells(self) -> list[dict[str, Any]]:
        """One dictionary per cell, the best by validation first."""
        return self.found["cells"]  # type: ignore[no-any-return]

    @property
    def best(self) -> dict[str, Any] | None:
        """The cell that validates best, None if none has a value for every seed."""
        return self.found["best"]  # type: ignore[no-any-return]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.path / "report.html"

    def table(self) -> str:
        """Return the table as text."""
        from bioplaus.sweeping.table import sweep_text

        return sweep_text(self.found)


def sweep(overrides: Mapping[str, Any] | None = None, *, progress: bool = False, **keys: Any) -> Sweep:
    """Run every combination of settings, or search among them.

    Parameters
    ----------
    overrides
        Dotted keys, e.g. ``{"rule.lr": "log(0.01,1,5)", "network.hidden": ([64], [128, 128])}``: a text is read as on the command line, a
        tuple lists values, a list is one value.
    progress
        Whether to tell on stderr how far it is.
    **keys
        Keys without a dot: ``rule="ccl,fa", seeds=3, workers=2``.

    Raises
    ------
    BioplausError
        One line: what is wrong with the whole; a cell that fails says so itself.
    """
    return run_plan(make_plan(spaces({**(overrides or {}), **keys})), silent=not progress)


def resume(path: str | Path, overrides: Mapping[str, Space] | None = None, *, progress: bool = False) -> Sweep:
    """Go on with a sweep that was interrupted or killed; who runs it (``executor``, ``scheduler``, ``workers``) may be given anew."""
    plan = open_plan(path)
    given = {key: space.values[0] for key, space in (overrides or {}).items()}
    before = replace(plan.options, scheduler=None) if given.get("executor") == "local" else plan.options
    options = with_options(before, given)
    return run_plan(replace(plan, options=options), silent=not progress)


def run_plan(plan: Plan, *, silent: bool = True) -> Sweep:
    """Run what is missing of a plan and write its results.

    Raises
    ------
    RunError
        If no run has a result, or the directory cannot be written or another process is at work in it.
    Interrupted
        On Ctrl-C.
    """
    try:
        plan.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make {plan.path}: {error.strerror}; choose another folder with run.root=DIR") from error
    with claimed(plan.path), _interrupted(plan.path):
        if (plan.path / FILE).is_file():  # packs stay as they were cut, for however many workers
            plan = replace(plan, packs=open_plan(plan.path).packs)
        checkpoint.write_text(plan.path / FILE, json.dumps(plan.as_dict(), indent=1))
        began = time.perf_counter()
        source, results = _execute(plan, silent)
        found = judge(source.cells, plan.seeds, results, plan.options.by)
        return _write(plan, found, time.perf_counter() - began)


def _execute(plan: Plan, silent: bool) -> tuple[Source, list[dict[str, Any]]]:
    source: Source = Grid(plan)
    if plan.search:
        from bioplaus.sweeping.search import Search

        source = Search(plan)
    watch = Watch({label: {"run": cost} for label, cost in source.costs.items()}, silent=silent, noun="packs")
    for label in source.before:
        watch.done(label, "finished before")
    results = [_placed(label, result) for label, result in source.before.items()]
    count = cores(_device(plan)) if plan.options.workers == "auto" else int(plan.options.workers)

    def report(job: Job, share: float) -> None:
        watch.at(job.label, "run", share)

    if plan.options.executor == "dask":
        from bioplaus.sweeping.cluster import run_on_dask

        stream = run_on_dask(source.next, count, plan, report)
    else:
        from bioplaus.sweeping.local import run_here, run_local

        stream = run_local(source.next, count, plan.path, report) if count else run_here(source.next, report)
    for job, result in stream:
        source.take(job, result)
        results.append(_placed(job.label, result))
        watch.done(job.label, result["error"])
    return source, results


def _device(plan: Plan) -> str:
    """Return where the runs compute, as it is given; the first of several."""
    given = plan.spaces["device"].values[0] if "device" in plan.spaces else plan.cells[0].settings.get("device") if plan.cells else None
    return str(given or "auto")


def _placed(label: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result with its run named from the sweep's directory."""
    return {**result, "run": f"packs/{label}/{result['run']}" if result.get("run") else None}


@contextmanager
def _interrupted(path: Path) -> Iterator[None]:
    """Say on Ctrl-C how to go on."""
    from bioplaus.simulator import Interrupted

    try:
        yield
    except (KeyboardInterrupt, Interrupted) as error:
        raise Interrupted(f"interrupted; finished runs are kept, go on with: bioplaus resume {path}") from error


def _write(plan: Plan, found: dict[str, Any], seconds: float) -> Sweep:
    from bioplaus.sweeping.figures import draw
    from bioplaus.sweeping.report import page

    if all(score is None for row in found["cells"] for score in row["validation_loss"]["values"] + row["test_loss"]["values"]):
        first = next((error for row in found["cells"] for error in row["error"] if error), "every cell was broken off")
        raise RunError(f"no run has a result; the first one: {first}")
    paths = draw(found, plan.path / "figures")
    swept = set(found["keys"])
    some = found["cells"][0]["settings"]
    found |= {
        "shared": {key: value for key, value in some.items() if key not in swept},
        "options": plan.as_dict()["options"],
        "seconds": seconds,
        "directory": str(plan.path),
        "report": str(plan.path / "report.html"),
        "figures": [os.path.relpath(path, plan.path) for path in paths],
        "command": f"bioplaus resume {plan.path}",
    }
    write_parquet(plan.path / "sweep.parquet", found)
    checkpoint.write_text(plan.path / "report.html", page(found, paths))
    checkpoint.write_text(plan.path / "sweep.json", json.dumps(found, indent=2, allow_nan=False))
    return Sweep(found, plan.path)
