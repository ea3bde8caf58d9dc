"""The comparison as text: scores and differences in one table, cost and alignment in a second."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus.comparison.notes import TIE, epochs
from bioplaus.tables import WIDTH, as_text

__all__ = ["AUDIT", "COST", "SCORES", "Column", "as_tables", "cells", "comparison_text"]

NOTHING = "-"
#: A column: its heading, and the row's text for it.
Column = tuple[str, str]
SCORES: tuple[Column, ...] = (
    ("rule", "rule"), ("test {score}", "score"), ("95 % interval", "interval"), ("vs {reference}", "difference"),
    ("95 % interval", "difference_interval"), ("p (Holm)", "p"), ("rate", "rate"),
)  # fmt: skip
COST: tuple[Column, ...] = (
    ("rule", "rule"), ("epochs\nto 95 %", "epochs_to_95"), ("s\nto 95 %", "seconds_to_95"), ("s/epoch", "seconds"), ("MFLOP", "flops"),
    ("MB", "memory"), ("angle to bp", "angles"), ("feedback", "cosines"),
)  # fmt: skip
AUDIT: tuple[Column, ...] = (("rule", "rule"), ("audit", "audit"))


def cells(row: Mapping[str, Any], score: str, reference_rule: str = "bp") -> dict[str, str]:
    """Return a row's texts by column."""
    found, gap = row[score], row["difference_to_bp"]
    reference = row["rule"] == reference_rule
    unit = 100 if score == "accuracy" else 1
    digits = 2 if score == "accuracy" else 4
    lr = row["lr"]
    edge = {"low": " (lowest)", "high": " (highest)"}.get((row["tuning"] or {}).get("edge", ""), "")
    return {
        "rule": row["rule"],
        "score": _number(found["mean"], unit, digits) + ("" if found["std"] is None else f" ± {found['std'] * unit:.{digits}f}"),
        "interval": _pair(found["ci95"], unit, digits),
        "difference": NOTHING if reference else _number(gap["mean"], unit, digits, sign="+"),
        "difference_interval": NOTHING if reference else _pair(gap["ci95"], unit, digits, sign="+"),
        "p": NOTHING if gap.get("p_holm") is None or gap["n"] < 2 else f"{gap['p_holm']:.3g}",
        "rate": NOTHING if lr is None else f"{lr:.3g}{edge}",
        "epochs_to_95": _number(row["epochs_to_95"], 1, 1),
        "seconds_to_95": NOTHING if row["seconds_to_95"] is None else f"{row['seconds_to_95']:.3g}",
        "seconds": NOTHING if row["seconds_per_epoch"] is None else f"{row['seconds_per_epoch']:.3g}",
        "flops": NOTHING if row["flops_per_sample"] is None else f"{row['flops_per_sample'] / 1e6:.3g}",
        "memory": _number(row["peak_memory_mb"], 1, 0),
        "angles": _change(row["angle_to_bp_start"], row["angle_to_bp"], 0),
        "cosines": _change(row["feedback_cosine_start"], row["feedback_cosine"], 2),
        "audit": (row["audit"] or {}).get("short") or NOTHING,
    }


def _number(value: float | None, unit: float, digits: int, sign: str = "") -> str:
    if value is None:
        return NOTHING
    return f"{round(value * unit, digits) + 0.0:{sign}.{digits}f}"  # + 0.0: there is no negative zero to print


def _pair(pair: Sequence[float] | None, unit: float, digits: int, sign: str = "") -> str:
    """Return an interval; one without width, of equal values, is none."""
    if pair is None or pair[1] - pair[0] < TIE:
        return NOTHING
    return " to ".join(_number(end, unit, digits, sign) for end in pair)


def _change(start: Sequence[float | None], end: Sequence[float | None], digits: int) -> str:
    """Return the values of all layers at the end, below those of the start."""
    if all(v is None for v in (*start, *end)):
        return NOTHING
    return "\n".join(" ".join("n/a" if v is None else _number(v, 1, digits) for v in values) for values in (start, end))


def as_tables(found: Mapping[str, Any]) -> list[Any]:
    """Return the rich tables: scores, cost, and the audit if there was one."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    seeds = len(found["seeds"])
    what = f"{found['data']}, network {found['network']}, {found['neuron']}, {seeds} seed{'s' * (seeds > 1)}, {epochs(found['epochs'])}"
    unit = " in %" if found["score"] == "accuracy" else ""
    scores = f"{what}; {found['score']}{unit}, intervals by bootstrap"
    kinds = [(scores, SCORES), ("cost and alignment (per layer, bottom first: start, below it end)", COST)]
    if any((row["audit"] or {}).get("card") for row in found["rows"]):
        kinds.append(("audit: what each rule uses, measured", AUDIT))
    tables = []
    for title, columns in kinds:
        table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        words = {"score": found["score"], "reference": found.get("reference", "bp")}
        for head, key in columns:
            left = key in ("rule", "angles", "cosines", "audit")
            table.add_column(head.format(**words), justify="left" if left else "right", no_wrap=key not in ("audit", "rule"))
        for row in found["rows"]:
            if row["error"] is None:
                texts = cells(row, found["score"], found.get("reference", "bp"))
                table.add_row(*(Text(texts[key]) for _, key in columns))
            elif columns is SCORES:
                table.add_row(Text(row["rule"]), "no result", *[""] * (len(columns) - 2))
        tables.append(table)
    return tables


def comparison_text(found: Mapping[str, Any], width: int = 110) -> str:
    """Return tables and notes as plain text."""
    parts = [as_text(table, width) for table in as_tables(found)]
    notes = [line for note in found["notes"] for line in textwrap.wrap(note, WIDTH, subsequent_indent="  ")]
    return "\n\n".join([*parts, "\n".join(notes)])
