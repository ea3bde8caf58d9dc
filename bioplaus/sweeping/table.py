"""A sweep as text: its cells, the best by validation first, test scores beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioplaus.fields import written
from bioplaus.tables import as_text

__all__ = ["cells_of", "heads", "sweep_text"]

NOTHING = "-"
#: Cells that are printed; the report has all.
SHOWN = 20


def heads(found: Mapping[str, Any]) -> list[str]:
    """Return the headings: place, swept keys, scores."""
    score = found["score"]
    return ["", *found["keys"], f"validation {score}", "95 % interval", f"test {score}", "95 % interval", "seconds", ""]


def cells_of(row: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return a row's texts, one per heading."""
    validation, test = (row[f"{part}_{found['score']}"] for part in ("validation", "test"))
    unit, digits = (100, 2) if found["score"] == "accuracy" else (1, 4)
    values = [text(row["swept"][key]) for key in found["keys"]]
    scores = [one for part in (validation, test) for one in (_mean(part, unit, digits), _interval(part, unit, digits))]
    return [str(row["place"]), *values, *scores, f"{row['seconds']['total']:.1f}", _note(row)]


def text(value: Any) -> str:
    """Return a value as it is written, a number in four digits."""
    return f"{value:.4g}" if isinstance(value, float) else written(value)


def _mean(score: Mapping[str, Any], unit: float, digits: int) -> str:
    return NOTHING if score["mean"] is None else f"{score['mean'] * unit:.{digits}f}"


def _interval(score: Mapping[str, Any], unit: float, digits: int) -> str:
    return NOTHING if score["ci95"] is None else " to ".join(f"{end * unit:.{digits}f}" for end in score["ci95"])


def _note(row: Mapping[str, Any]) -> str:
    if row["pruned"] is not None:
        return f"broken off after epoch {row['pruned']}"
    errors = [error for error in row["error"] if error]
    share = f"{len(errors)} of {len(row['error'])} seeds: " if 0 < len(errors) < len(row["error"]) else ""
    return share + errors[0] if errors else ""


def sweep_text(found: Mapping[str, Any], width: int = 120) -> str:
    """Return the table and what it says in words."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for i, head in enumerate(heads(found)):
        last = i == len(heads(found)) - 1
        table.add_column(head, justify="left" if 0 < i <= len(found["keys"]) or last else "right", no_wrap=not last)
    for row in found["cells"][:SHOWN]:
        table.add_row(*map(Text, cells_of(row, found)))
    left = len(found["cells"]) - SHOWN
    more = [f"and {left} more cells, in the report"] if left > 0 else []
    return "\n".join([as_text(table, width).rstrip(), *more, "", *notes(found)])


def notes(found: Mapping[str, Any]) -> list[str]:
    """Return in words how cells are ranked, and what the best one is."""
    seeds = len(found["seeds"])
    unit = " in %" if found["score"] == "accuracy" else ""
    why = "intervals are Student's t" if seeds > 1 else "one seed has no interval"
    if all(row["validation_loss"]["mean"] is None for row in found["cells"]):
        return [f"There are no validation samples, so nothing is ranked and none is best; {why}."]
    lines = [f"Ranked by mean validation {found['score']}{unit} over {seeds} seed{'s' * (seeds > 1)}; {why}. The test set ranks nothing."]
    best = found["best"]
    if best is not None:
        texts = cells_of(best, found)[1 + len(found["keys"]) :]
        interval = f" ({texts[3]})" if texts[3] != NOTHING else ""
        lines.append(f"Best by validation: {best['name']}, validation {texts[0]}, test {texts[2]}{interval}.")
        if len(found["cells"]) > 1:
            lines.append("Its validation score is the best of several and flatters it; the test score does not.")
    broken = sum(row["pruned"] is not None for row in found["cells"])
    if broken:
        lines.append(f"{broken} of {len(found['cells'])} cells {'was' if broken == 1 else 'were'} broken off by the search.")
    return lines
