"""From finished rows to the comparison: scores over seeds, paired differences to backprop, and what they mean."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus.comparison.columns import untrained
from bioplaus.comparison.notes import epochs, notes
from bioplaus.comparison.plan import TUNING_SEED, Plan
from bioplaus.comparison.watch import clock
from bioplaus.resampling import difference, holm, over_seeds
from bioplaus.store import versions

__all__ = ["budget", "judge"]

PACKAGES = ("torch", "numpy", "scipy")
#: Columns of a row that has none.
_EMPTY = (
    "epochs_to_95", "epochs_to_95_values", "seconds_to_95", "seconds_per_epoch", "flops_per_sample", "parameters",
)  # fmt: skip
_EMPTY_LISTS = ("angle_to_bp_start", "angle_to_bp", "feedback_cosine_start", "feedback_cosine")


def judge(plan: Plan, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the comparison as plain data: what ``comparison.json`` holds.

    Parameters
    ----------
    results
        What each row of the plan left behind, in order.
    """
    summaries = [r.get("summary") for r in results]
    some = next((s for s in summaries if s), None)
    score = "loss" if some and some["test_accuracy"] is None else "accuracy"
    rows = [_row(plan, i, r) for i, r in enumerate(results)]
    _against_reference(rows, score, plan.reference)
    found = {
        "data": plan.shared["data"],
        "conditions": plan.conditions,
        "data_note": some["data_note"] if some else "",
        "network": plan.shared["network"],
        "neuron": plan.shared["neuron"],
        "reference": plan.reference,
        "score": score,
        "seeds": list(plan.seeds),
        "epochs": plan.epochs,
        "batch_size": plan.shared["batch_size"],
        "train_samples": some["train_samples"] if some else None,
        "device": some["device"] if some else None,
        "tuning": budget(plan, rows),
        "rows": rows,
        "shared": {key: value for key, value in plan.shared.items() if key != "data.root"},
        "versions": versions(*PACKAGES),
        "date": time.strftime("%Y-%m-%d"),
    }
    return {**found, "notes": notes(found)}


def _row(plan: Plan, number: int, result: Mapping[str, Any]) -> dict[str, Any]:
    summary, row = result.get("summary"), plan.rows[number]
    empty = [None] * len(plan.seeds)
    values = {name: (summary[f"test_{name}"] or {"values": empty})["values"] if summary else empty for name in ("accuracy", "loss")}
    stopped = [seed for seed, step in zip(summary["seeds"], summary["stopped_at"] or []) if step is not None] if summary else []
    columns = result.get("columns") or {**dict.fromkeys(_EMPTY), **{key: [] for key in _EMPTY_LISTS}}
    neuron = summary["neuron"] if summary else row.settings["neuron"]
    return {
        "rule": row.label,
        "name": row.rule,
        "neuron": neuron,
        "error": result["error"] or None,
        "accuracy": over_seeds(values["accuracy"]),
        "loss": over_seeds(values["loss"]),
        "lr": result.get("lr"),
        "tuning": result.get("tuning"),
        **columns,
        "peak_memory_mb": result.get("peak_memory_mb"),
        "selected_epoch": summary["selected_epoch"] if summary else None,
        "stopped_seeds": stopped,
        "untrained_seeds": untrained(summary) if summary else [],
        "audit": result.get("audit"),
        "settings": result.get("settings"),
        "run": result.get("run"),
        "seconds": summary["seconds"]["total"] if summary else None,
    }


def _against_reference(rows: list[dict[str, Any]], score: str, name: str) -> None:
    """Add each row's paired difference to backprop, which has that name here; p is corrected over all rows that are tested."""
    reference = next(row for row in rows if row["rule"] == name)[score]["values"]
    for row in rows:
        row["difference_to_bp"] = difference(row[score]["values"], reference)
        if row["rule"] == name:  # nothing is tested
            row["difference_to_bp"] |= {"p": None, "p_wilcoxon": None}
    for kind in ("p", "p_wilcoxon"):
        for row, p in zip(rows, holm([row["difference_to_bp"][kind] for row in rows])):
            row["difference_to_bp"][f"{kind}_holm"] = p


def budget(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how rates were found and what the search cost, the same number of networks and epochs for every row."""
    found: dict[str, Any] = {"tune": plan.tune}
    if plan.tune == "none":
        return {**found, "text": "rates: not tuned, each rule's own recipe or as given"}
    seconds = [row["tuning"]["seconds"] for row in rows if row["tuning"]]
    count, factors = len(plan.grid), ", ".join(f"{f:g}" for f in plan.grid)
    text = (
        f"rates: {count} per row ({factors} times its recipe's), {epochs(plan.tune_epochs)} each on seed {TUNING_SEED}, "
        f"each judged by its best epoch on the validation samples; {epochs(count * plan.tune_epochs)} per row"
        + (f", {clock(sum(seconds))} in all" if seconds else "")
    )
    return {**found, "factors": list(plan.grid), "epochs": plan.tune_epochs, "seed": TUNING_SEED, "seconds": sum(seconds), "text": text}
