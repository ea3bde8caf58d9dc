"""The report of a sweep: one page of HTML that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bioplaus.fields import written
from bioplaus.page import bullets, details, document, figure
from bioplaus.sweeping.table import cells_of, heads, notes

__all__ = ["page"]


def page(found: Mapping[str, Any], figures: Sequence[Path]) -> str:
    """Return the whole page: every cell, the best by validation first, and the figures."""
    title = f"Sweep of {', '.join(found['keys']) or 'one cell'}"
    seeds = found["seeds"]
    under = f"{len(found['cells'])} cells, seeds {', '.join(map(str, seeds[:8]))}{', ...' if len(seeds) > 8 else ''}"
    unit = " (accuracies in %)" if found["score"] == "accuracy" else ""
    constant = [f"{key}={written(value)}" for key, value in found["shared"].items()]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="under">{escape(under)}</p>',
        f"<h2>Cells, ranked by validation {escape(found['score'])}{unit}</h2>",
        _table(found),
        bullets(notes(found)),
        *(figure(path, _caption(path)) for path in figures),
        "<h2>Settings</h2>",
        details("given for all cells; the rest is each rule's recipe", constant or ["nothing"]),
        details("command", [found["command"]]),
        f"<footer>bioplaus sweep, {escape(found['date'])}; {escape(versions)}. The numbers are in sweep.json and sweep.parquet beside this "
        "page; the runs are in packs/.</footer>",
    ]
    return document(title, parts)


def _caption(path: Path) -> str:
    return "Mean validation score of every field." if path.stem.startswith("map") else f"Validation score against {path.stem}."


def _table(found: Mapping[str, Any]) -> str:
    names = heads(found)
    words = {0, len(names) - 1, *range(1, len(found["keys"]) + 1)}
    kinds = [' class="text"' if i in words else "" for i in range(len(names))]
    top = "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, names))
    lines = []
    for row in found["cells"]:
        fields = "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, cells_of(row, found)))
        kind = "" if row["complete"] else ' class="failed"'
        lines.append(f"<tr{kind}>{fields}</tr>")
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
