"""From docstrings, settings and tables to Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields
from typing import Any

from bioplaus.fields import describe_range, describe_type, field_docs, written

__all__ = ["cell", "from_docstring", "settings_table", "table", "with_blocks"]

_UNDERLINE = re.compile(r"[-=]{3,}")


def with_blocks(text: str) -> str:
    """Return a docstring in which what stands indented behind ``::``, an equation or code, is a block of Markdown.

    Examples
    --------
    >>> print(with_blocks("Oja's rule::\\n\\n    dw = y (x - y w)\\n\\nin ``[R, post, pre]``."))
    Oja's rule:
    <BLANKLINE>
    ```text
    dw = y (x - y w)
    ```
    <BLANKLINE>
    <BLANKLINE>
    in ``[R, post, pre]``.
    """
    found: list[str] = []
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        line = lines[i]
        i += 1
        if not line.endswith("::"):
            found.append(line)
            continue
        if line != "::":
            found.append(line[:-1])
        block = []
        while i < len(lines) and (not lines[i].strip() or lines[i].startswith("    ")):
            block.append(lines[i][4:])
            i += 1
        found += ["", "```text", *"\n".join(block).strip("\n").splitlines(), "```", "", ""]
    return "\n".join(found).rstrip()


def from_docstring(text: str | None) -> str:
    """Return a docstring as Markdown: blocks as blocks, titles of sections in bold.

    Examples
    --------
    >>> print(from_docstring("A rule.\\n\\nNotes\\n-----\\nIt is local."))
    A rule.
    <BLANKLINE>
    **Notes**
    <BLANKLINE>
    It is local.
    """
    found: list[str] = []
    for line in with_blocks(inspect.cleandoc(text or "")).splitlines():
        if found and _UNDERLINE.fullmatch(line):
            found[-1] = f"**{found[-1]}**"
            line = ""
        found.append(line)
    return "\n".join(found).strip()


def cell(text: Any) -> str:
    """Return a text as it may stand in a table: on one line, without a bar."""
    return " ".join(str(text).split()).replace("|", "&#124;")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table.

    Examples
    --------
    >>> print(table(("a", "b"), [(1, "x | y")]))
    | a | b |
    |---|---|
    | 1 | x &#124; y |
    """
    lines = [tuple(head), *rows]
    text = [f"| {' | '.join(cell(one) for one in line)} |" for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(head), *text[1:]])


def settings_table(config: type, prefix: str) -> str:
    """Return the fields of a settings class: key, default, what may be given, meaning; "" if it has none."""
    docs, rows = field_docs(config), []
    for f in fields(config):
        if f.name in ("name", "source"):
            continue
        default = f.default if f.default is not MISSING else f.default_factory()  # type: ignore[misc,operator]
        options = f.metadata.get("options")
        allowed = ", ".join(f"`{one}`" for one in options) if options else f"{describe_type(f.type)} {describe_range(f.metadata)}".strip()
        allowed += "; one per seed allowed" if f.metadata.get("replica") else ""
        rows.append((f"`{prefix}{f.name}`", f"`{written(default)}`", allowed, docs.get(f.name, "")))
    return table(("key", "default", "values", "meaning"), rows) if rows else ""
