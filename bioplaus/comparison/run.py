"""``bioplaus compare`` from Python: run what is missing, judge, draw, write."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioplaus import checkpoint
from bioplaus.children import cores
from bioplaus.comparison.plan import Plan, make_plan
from bioplaus.comparison.pool import open_plan, run_rows
from bioplaus.comparison.verdict import judge
from bioplaus.comparison.watch import Watch
from bioplaus.errors import RunError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Comparison", "compare", "resume", "run_plan"]


@dataclass(frozen=True)
class Comparison:
    """A finished comparison.

    Attributes
    ----------
    found
        What ``comparison.json`` holds; ``rows`` is its table.
    path
        Its directory.
    """

    found: dict[str, Any]
    path: Path

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary per row."""
        return self.found["rows"]  # type: ignore[no-any-return]

    @property
    def report(self) -> Path:
        """The page to open in a browser."""
        return self.path / "report.html"

    def table(self) -> str:
        """Return the table as text."""
        from bioplaus.comparison.table import comparison_text

        return comparison_text(self.found)


def compare(overrides: Mapping[str, Any] | None = None, *, progress: bool = False, **keys: Any) -> Comparison:
    """Put rules beside backpropagation.

    Parameters
    ----------
    overrides
        Dotted keys as on the command line, e.g. ``{"data.limit": 1000, "ccl.rule.loss": "raw"}``.
    progress
        Whether to tell on stderr how far it is.
    **keys
        Keys without a dot: ``rules="bp,ccl", data="digits", seeds=5, epochs=20, tune="grid", workers=2``.

    Raises
    ------
    BioplausError
        One line saying what is wrong with the whole; a row that fails says so itself, under ``error``.
    """
    plan, options = make_plan({**(overrides or {}), **keys})
    return run_plan(plan, options.workers, silent=not progress)


def resume(path: str | Path, *, progress: bool = False) -> Comparison:
    """Go on with a comparison that was interrupted or killed: finished rows are read, others go on where they were."""
    return run_plan(open_plan(path), silent=not progress)


def run_plan(plan: Plan, workers: str = "auto", *, silent: bool = True) -> Comparison:
    """Run what is missing of a plan and write its results.

    Raises
    ------
    RunError
        If no row has a result; it says why.
    Interrupted
        On Ctrl-C.
    """
    count = cores(plan.shared["device"]) if workers == "auto" else int(workers)
    cost = {"tuning": float(len(plan.grid) * plan.tune_epochs), "run": float(len(plan.seeds) * plan.epochs)}
    if plan.tune == "none":
        del cost["tuning"]
    watch = Watch({row.label: cost for row in plan.rows}, silent=silent)
    results = run_rows(plan, count, watch)
    found = judge(plan, results)
    if all(row["error"] for row in found["rows"]):
        name = found["reference"]
        raise RunError(f"no row has a result; {name}: {next(r for r in found['rows'] if r['rule'] == name)['error']}")
    return _write(plan, found)


def _write(plan: Plan, found: dict[str, Any]) -> Comparison:
    from bioplaus.comparison.figures import draw
    from bioplaus.comparison.report import page

    paths = draw(found, plan.path)
    found |= {"directory": str(plan.path), "report": str(plan.path / "report.html"), "figures": [os.path.relpath(p, plan.path) for p in paths]}
    _write_parquet(plan.path / "comparison.parquet", found)
    checkpoint.write_text(plan.path / "report.html", page(found, paths))
    checkpoint.write_text(plan.path / "comparison.json", json.dumps(found, indent=2, allow_nan=False))
    return Comparison(found, plan.path)


def _write_parquet(path: Path, found: Mapping[str, Any]) -> None:
    import pyarrow.parquet as pq

    table = per_seed(found)
    checkpoint.atomic(path, lambda temporary: pq.write_table(table, temporary))


def per_seed(found: Mapping[str, Any]) -> pyarrow.Table:
    """Return a table with a line per row and seed; null where there is no value."""
    import pyarrow as pa

    texts = ("rule", "name", "neuron", "error")
    whole = ("lr", "seconds_per_epoch", "flops_per_sample", "peak_memory_mb")
    own = ("accuracy", "loss", "epochs_to_95")
    schema = pa.schema(
        [(t, pa.string()) for t in texts] + [("seed", pa.int64())] + [(c, pa.float64()) for c in (*own, *whole)]
    )
    lines = []
    for row in found["rows"]:
        epochs = row["epochs_to_95_values"] or [None] * len(found["seeds"])
        for i, seed in enumerate(found["seeds"]):
            values = {"accuracy": row["accuracy"]["values"][i], "loss": row["loss"]["values"][i], "epochs_to_95": epochs[i]}
            lines.append({key: row[key] for key in (*texts, *whole)} | {"seed": seed} | values)
    return pa.Table.from_pylist(lines, schema=schema)
