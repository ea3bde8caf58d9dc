"""One row: its rate is tuned, its networks are trained and measured, and what came of it lies in ``row.json``.

Run as a program, ``python -m bioplaus.comparison.row DIR NUMBER``, it tells its progress in lines of JSON, and ends when the process that
started it does.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bioplaus import checkpoint
from bioplaus.children import end_with_parent
from bioplaus.comparison.columns import audit_card, measured
from bioplaus.comparison.memory import peak_mb
from bioplaus.comparison.plan import Plan, Row
from bioplaus.comparison.tuning import tune
from bioplaus.errors import BioplausError
from bioplaus.kept import measure
from bioplaus.progress import Silent
from bioplaus.recorder import read_metrics

__all__ = ["CELLS", "Tell", "finished", "run_row"]

CELLS = ("tuning", "run")
#: Told (cell, share done) while it works.
Tell = Callable[[str, float], None]


class _Relay(Silent):
    """Hands progress on, twice a second at most."""

    def __init__(self, tell: Tell, cell: str) -> None:
        self._tell, self._cell = tell, cell
        self._total, self._next = 1, 0.0

    def start(self, total: int, done: int, title: str) -> None:
        self._total = max(total, 1)
        self._tell(self._cell, done / self._total)

    def update(self, done: int, text: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 0.5
            self._tell(self._cell, done / self._total)


def finished(plan: Plan, row: Row) -> dict[str, Any] | None:
    """Return what a finished row left behind, None if it has to be run (again)."""
    file = folder(plan, row) / "row.json"
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        whole = found["digest"] == row.digest and not found["error"] and Path(plan.path / found["run"] / "summary.json").is_file()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if whole else None


def folder(plan: Plan, row: Row) -> Path:
    """Return where a row is kept."""
    return plan.path / "rows" / row.folder


def run_row(plan: Plan, row: Row, tell: Tell, *, alone: bool = False) -> dict[str, Any]:
    """Run a row, what is finished of it apart, and write ``row.json``; what goes wrong is the row's, and is written there too.

    Parameters
    ----------
    alone
        Whether this process runs nothing else, so that its memory is the row's.
    """
    where = folder(plan, row)
    where.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"label": row.label, "rule": row.rule, "digest": row.digest, "error": ""}
    try:
        found |= _measure(plan, row, where, tell, alone)
    except BioplausError as error:
        if error.exit_code == 130:
            raise
        found["error"] = str(error)
    except Exception as error:  # a defect of this rule must not take the other rows with it
        (where / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        found["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]} (its traceback is in {where / 'error.txt'})"
    checkpoint.write_text(where / "row.json", json.dumps(found, indent=2, allow_nan=False))
    return found


def _measure(plan: Plan, row: Row, where: Path, tell: Tell, alone: bool) -> dict[str, Any]:
    from bioplaus import config

    settings, choice = dict(row.settings), None
    if plan.tune == "grid":
        choice = tune(row, plan, where / "tuning", _Relay(tell, "tuning"))
        settings["rule.lr"] = choice.lr
        tell("tuning", 1.0)
    summary = measure(settings, where / "run", _Relay(tell, "run"))
    resolved = config.as_dict(config.resolve(settings))
    found = {
        "run": os.path.relpath(summary["run_dir"], plan.path),
        "lr": resolved["rule"]["lr"],
        "tuning": choice.as_dict() if choice else None,
        "peak_memory_mb": peak_mb() if alone else None,
        "settings": resolved,
        "summary": summary,
        "columns": measured(summary, read_metrics(Path(summary["run_dir"]) / "metrics.parquet")),
    }
    return {**found, "audit": audit_card(settings)}


def main(words: Sequence[str]) -> int:
    """Run one row of the plan in a directory, as a child of the comparison."""
    end_with_parent()
    path, number = Path(words[0]), int(words[1])

    def tell(cell: str, share: float) -> None:
        print(json.dumps({"cell": cell, "share": share}), flush=True)

    try:
        plan = Plan.of(json.loads((path / "plan.json").read_text(encoding="utf-8")))
        run_row(plan, plan.rows[number], tell, alone=True)
    except KeyboardInterrupt:
        return 130
    except BioplausError as error:
        print(f"bioplaus: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
