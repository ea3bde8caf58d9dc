"""Committed results of claims, for the pages that are made of them; a claim without one is said to be not run, with its command."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "RESULTS",
    "NotRun",
    "by_name",
    "figure",
    "interval",
    "not_run",
    "of_claim",
    "points",
    "records",
    "source_line",
    "unpaired",
    "value",
    "verdict",
]

RESULTS = Path(__file__).parent / "results"

Row = Mapping[str, Any]


class NotRun(Exception):
    """A claim, or the row of one, that has no committed result."""


def of_claim(claim: str) -> dict[str, Any]:
    """Return the record of a claim.

    Raises
    ------
    NotRun
        If there is none.
    """
    path = RESULTS / f"{claim}.json"
    if not path.is_file():
        raise NotRun(claim)
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def by_name(claim: str) -> dict[str, Row]:
    """Return the rows of a claim by name, those without a value left out."""
    return {row["name"]: row for row in of_claim(claim)["rows"] if row["mean"] is not None}


def records(claim: str) -> dict[str, Row]:
    """Return what a claim records beside its rows, by name."""
    return {one["name"]: one for one in of_claim(claim).get("records", ())}


def not_run(claim: str) -> str:
    """Return the sentence that stands for a result that is not there: why, and the command that makes it."""
    from bioplaus.experiments import catalogue

    cost = f" ({catalogue.claim(claim).cost})" if claim in catalogue.MODULES else ""
    return f"Not run here: cost. `bioplaus reproduce {claim}`{cost} makes it."


def source_line(claim: str) -> str:
    """Return the line above a table: the command that makes it, when it ran, and where all rows, notes and settings are."""
    record = of_claim(claim)
    return f"`{record['command']}` ({record['date']}; [all rows, notes and settings](../experiments/results/{claim}.md))"


def figure(claim: str) -> str:
    """Return the line that shows a claim's figure; "" if it has none."""
    from bioplaus.experiments import catalogue

    there = (RESULTS / f"{claim}.png").is_file()
    return f"![{catalogue.claim(claim).title}](../experiments/results/{claim}.png)" if there else ""


def interval(row: Row, digits: int = 2, sign: str = "") -> str:
    """Return mean and 95 % interval of a row in words; "-" for a row without a value."""
    return points(row["mean"], row["ci95"], digits, sign)


def points(mean: float | None, ci95: Sequence[float] | None, digits: int = 2, sign: str = "") -> str:
    """Return a mean with its interval; a sign of "+" marks a difference."""
    if mean is None:
        return "-"
    low_high = f" [{ci95[0]:{sign}.{digits}f}, {ci95[1]:{sign}.{digits}f}]" if ci95 else ""
    return f"{mean:{sign}.{digits}f}{low_high}"


def value(row: Row, digits: int = 2) -> str:
    """Return what a table shows of a row: its mean and interval, or why there is none."""
    if row["mean"] is None:
        return str(row["note"]).split(";")[0] if str(row["note"]).startswith("not run") else "no value"
    return f"{row['mean']:.9g}" if row["n"] is None else interval(row, digits)


def verdict(row: Row) -> str:
    """Return whether a row's target was met."""
    return {True: "reached", False: "**not reached**", None: ""}[row["reached"]]


def unpaired(a: Row, b: Row) -> tuple[float, tuple[float, float]]:
    """Return the mean difference ``a - b`` of rows whose seeds cannot be paired, and an interval from both half-widths.

    ``h = sqrt(h_a^2 + h_b^2)``: with Student's t in both it is on the wide side.
    """
    half = math.hypot(*((row["ci95"][1] - row["ci95"][0]) / 2 for row in (a, b)))
    gap = a["mean"] - b["mean"]
    return gap, (gap - half, gap + half)
