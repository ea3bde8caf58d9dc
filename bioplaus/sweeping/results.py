"""From finished jobs to the table of a sweep: scores over seeds per cell, ranked by validation. The test set ranks nothing."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bioplaus import checkpoint
from bioplaus.fields import written
from bioplaus.stats import summarise
from bioplaus.store import versions
from bioplaus.sweeping.cells import Cell

__all__ = ["SCORES", "judge", "numeric_keys", "write_parquet"]

SCORES = ("validation_accuracy", "validation_loss", "test_accuracy", "test_loss")


def judge(cells: Sequence[Cell], seeds: Sequence[int], results: Iterable[Mapping[str, Any]], by: str) -> dict[str, Any]:
    """Return the sweep as plain data: what ``sweep.json`` holds.

    Parameters
    ----------
    results
        Those of all jobs.
    by
        accuracy: ranked by mean validation accuracy, of equal ones by loss; loss: by mean validation loss. Where there is no accuracy, by
        loss; without validation samples as they come, and none is best. A cell of which a seed has no value comes after those that have all.
    """
    records: dict[tuple[int, int], dict[str, Any]] = {}
    for result in results:
        for record in result["records"]:
            records[record["cell"], record["seed"]] = {**record, "run": result.get("run"), "pruned": result.get("pruned")}
    rows = [_row(i, cell, [records[i, seed] for seed in seeds]) for i, cell in enumerate(cells) if (i, seeds[0]) in records]
    score = "accuracy" if by == "accuracy" and any(row["validation_accuracy"]["mean"] is not None for row in rows) else "loss"
    rows.sort(key=lambda row: _rank(row, score))
    for place, row in enumerate(rows, start=1):
        row["place"] = place
    return {
        "keys": list(cells[0].swept) if cells else [],
        "score": score,
        "seeds": list(seeds),
        "best": rows[0] if rows and rows[0]["complete"] and rows[0][f"validation_{score}"]["mean"] is not None else None,
        "cells": rows,
        "seconds_of_runs": sum(row["seconds"]["total"] for row in rows),
        "versions": versions("torch", "numpy"),
        "date": time.strftime("%Y-%m-%d"),
    }


def _row(position: int, cell: Cell, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    seconds = [record["seconds"] for record in records]
    return {
        "cell": position,
        "name": cell.name,
        "swept": cell.swept,
        "settings": cell.settings,
        **{score: summarise([record[score] for record in records]) for score in SCORES},
        "complete": all(record["test_loss"] is not None for record in records),
        "pruned": records[0]["pruned"],
        **{key: [record[key] for record in records] for key in ("error", "selected_epoch", "run")},
        "seconds": {"values": seconds, "total": sum(one or 0.0 for one in seconds)},
    }


def _rank(row: Mapping[str, Any], score: str) -> tuple[bool, float, float, int]:
    accuracy, loss = row["validation_accuracy"]["mean"], row["validation_loss"]["mean"]
    first = -accuracy if score == "accuracy" and accuracy is not None else 0.0
    return not row["complete"], first, math.inf if loss is None else loss, row["cell"]


def write_parquet(path: Path, found: Mapping[str, Any]) -> None:
    """Write a table with a line per cell and seed: swept settings, scores, seconds; null where there is no value."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    numeric = numeric_keys(found)
    lines = []
    for row in sorted(found["cells"], key=lambda row: row["cell"]):
        for i, seed in enumerate(found["seeds"]):
            lines.append(
                {
                    "cell": row["cell"],
                    **{key: float(row["swept"][key]) if key in numeric else written(row["swept"][key]) for key in found["keys"]},
                    "seed": seed,
                    **{score: row[score]["values"][i] for score in SCORES},
                    "seconds": row["seconds"]["values"][i],
                    **{key: row[key][i] for key in ("selected_epoch", "error", "run")},
                    "pruned": row["pruned"],
                    "settings": json.dumps(row["settings"], sort_keys=True),
                }
            )
    kinds = {"cell": pa.int64(), "seed": pa.int64(), "selected_epoch": pa.int64(), "pruned": pa.int64()}
    kinds |= dict.fromkeys((*SCORES, "seconds"), pa.float64()) | dict.fromkeys(("error", "run", "settings"), pa.string())
    kinds |= {key: pa.float64() if key in numeric else pa.string() for key in found["keys"]}
    table = pa.Table.from_pylist(lines, schema=pa.schema([(name, kinds[name]) for name in lines[0]]))
    checkpoint.atomic(path, lambda temporary: pq.write_table(table, temporary))


def numeric_keys(found: Mapping[str, Any]) -> list[str]:
    """Return the swept keys whose values are all numbers."""
    return [key for key in found["keys"] if all(type(row["swept"][key]) in (int, float) for row in found["cells"])]
