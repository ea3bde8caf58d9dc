"""What is printed after a run: a table of scores per seed, and what the rule honours."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["as_text", "plausibility_text", "result_table"]

NOTHING = "-"
WIDTH = 100


def result_table(summary: dict[str, Any]) -> Table:
    """Return the table of a finished run: one row per seed, then mean, standard deviation and 95 % interval.

    Accuracies (fractions in [0, 1]) are shown in percent with two decimals. A task without accuracy shows its
    losses.

    Parameters
    ----------
    summary
        What ``summary.json`` holds.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    metric, show = ("accuracy", _percent) if summary.get("test_accuracy") else ("loss", _number)
    scores = [summary.get(f"{split}_{metric}") for split in ("validation", "test")]
    # Text, not str: names and notes may hold brackets, which rich would read as markup
    title = Text(f"{summary['rule']} on {summary['data']}, network {summary['network']}", style="bold")
    table = Table(title=title, title_justify="left", caption=Text(_notes(summary)), caption_justify="left")
    table.box, table.min_width = box.SIMPLE_HEAD, 72
    for header in ("seed", "selected epoch", f"validation {metric}", f"test {metric}"):
        table.add_column(header, justify="left" if header == "seed" else "right")
    seeds, stopped = summary["seeds"], summary.get("stopped_at") or [None] * len(summary["seeds"])
    for i, seed in enumerate(seeds):
        name = str(seed) if stopped[i] is None else f"{seed} (stopped at update {stopped[i]})"
        epoch = summary["selected_epoch"][i]
        cells = [show(found["values"][i]) if found else NOTHING for found in scores]
        when = NOTHING if epoch is None else "0 (untrained)" if epoch == 0 and summary.get("epochs") else str(epoch)
        table.add_row(name, when, *cells, end_section=i == len(seeds) - 1)
    rows = (
        (_mean_name(scores[1]), _mean),
        ("standard deviation", _std),
        ("95 % interval (Student's t)", _interval),
    )
    for name, cell in rows:
        table.add_row(name, "", *(cell(found, show) for found in scores))
    return table


def as_text(table: Table, width: int = WIDTH) -> str:
    """Return a table as plain text: no colours, at most `width` columns, no blanks or newline at the ends."""
    from rich.console import Console

    # in a notebook rich would show a blank output for every table that is only made into text
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, force_jupyter=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()).strip("\n")


def plausibility_text(honoured: Sequence[str], violated: Sequence[str]) -> str:
    """Return what a rule honours and what not, one point per line, wrapped at 100 columns."""
    parts = (("honoured:", "  + ", honoured), ("not honoured:", "  - ", violated))
    lines = []
    for head, bullet, points in parts:
        lines.append(head)
        for point in points or ["nothing stated"]:
            lines += textwrap.wrap(point, WIDTH, initial_indent=bullet, subsequent_indent="    ")
    return "\n".join(lines)


Show = Callable[[float | None], str]


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.2f} %"


def _number(value: float | None) -> str:
    if value is None:
        return NOTHING
    if value == 0 or 1e-4 <= abs(value) < 1e4:  # four significant digits
        return f"{value:.{3 - math.floor(math.log10(abs(value) or 1))}f}"
    return f"{value:.3e}"


def _mean_name(found: dict[str, Any] | None) -> str:
    values = found["values"] if found else []
    there = sum(v is not None for v in values)
    return "mean" if there == len(values) else f"mean of {there} of {len(values)} seeds"


def _mean(found: dict[str, Any] | None, show: Show) -> str:
    return show(found["mean"]) if found else NOTHING


def _std(found: dict[str, Any] | None, show: Show) -> str:
    return show(found["std"]) if found else NOTHING


def _interval(found: dict[str, Any] | None, show: Show) -> str:
    if not found or found["ci95"] is None:
        return NOTHING
    low, high = found["ci95"]
    return f"{show(low).removesuffix(' %')} to {show(high)}"


def _notes(summary: dict[str, Any]) -> str:
    """Return the data's note and the cost of the run."""
    seconds = summary["seconds"]
    size = [
        f"{summary['train_samples']:,} training samples",
        f"{summary['epochs']} epoch{'' if summary['epochs'] == 1 else 's'}",
        f"{summary['parameters']:,} parameters",
    ]
    if summary.get("flops_per_sample") is not None:
        size.append(f"{summary['flops_per_sample'] / 1e6:.4g} MFLOP per sample and update")
    time = [f"{seconds['total']:.1f} s in all" + (", without controls" if summary.get("controls") else "")]
    if seconds.get("training_per_epoch") is not None:
        together = " (all seeds)" if len(summary["seeds"]) > 1 else ""
        time.append(f"{seconds['training_per_epoch']:.3g} s of updates per epoch{together}")
    lines = [summary.get("data_note") or "", ", ".join(size), f"{', '.join(time)}, on {summary['device']}"]
    if len(summary["seeds"]) == 1:
        lines.append("one seed, so no interval; seeds=5 gives one")
    return "\n".join(line for line in lines if line)
