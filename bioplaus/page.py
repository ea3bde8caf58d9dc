"""A page of HTML that needs nothing beside itself: the look that reports share, figures lying in it, every text escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

__all__ = ["bullets", "details", "document", "figure"]

STYLE = """
:root { color-scheme: light; --ink: #222; --muted: #666; --line: #ddd; --tint: #f6f7f8; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 1.2rem 1rem 3rem; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
       color: var(--ink); background: #fff; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .2rem; }
h2 { font-size: 1.12rem; margin: 2rem 0 .5rem; }
.under { color: var(--muted); margin: 0 0 1rem; }
.wide { overflow-x: auto; -webkit-overflow-scrolling: touch; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .42rem .7rem; text-align: right; white-space: nowrap; vertical-align: top; border-bottom: 1px solid var(--line); }
th { background: var(--tint); font-weight: 600; }
tbody tr:last-child > * { border-bottom: 0; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; font-weight: 600; }
th:first-child { background: var(--tint); }
td.text, th.text { text-align: left; }
td.wrap { white-space: normal; min-width: 9rem; }
table.card th, table.card td { text-align: left; white-space: normal; padding: .42rem .5rem; }
table.card td { overflow-wrap: break-word; }
tr.failed td { color: #a33; }
img { display: block; width: 100%; max-width: 62rem; height: auto; margin: .6rem 0 0; }
figure { margin: 1.6rem 0 0; }
ul { padding-left: 1.2rem; } li { margin: .25rem 0; }
details { border-top: 1px solid var(--line); padding: .5rem 0; } summary { cursor: pointer; font-weight: 600; }
code, pre { font: .84rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { overflow-x: auto; background: var(--tint); padding: .7rem; border-radius: 6px; margin: .5rem 0; }
footer { color: var(--muted); font-size: .85rem; margin-top: 2rem; }
"""


def document(title: str, parts: Sequence[str]) -> str:
    """Return the whole page; the parts are HTML already."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def bullets(lines: Sequence[str]) -> str:
    """Return lines as a list."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def figure(path: Path, caption: str) -> str:
    """Return an image that lies in the page, with its caption."""
    image, words = base64.b64encode(path.read_bytes()).decode(), escape(caption)
    shown = f'<img alt="{words}" src="data:image/png;base64,{image}">'
    return f'<figure>{shown}<figcaption class="under">{words}</figcaption></figure>'


def details(name: str, lines: Sequence[str]) -> str:
    """Return lines that are shown on a click on their name."""
    return f"<details><summary>{escape(name)}</summary><pre>{escape(chr(10).join(lines))}</pre></details>"
