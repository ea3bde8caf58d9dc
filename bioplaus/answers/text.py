"""Tables of plain text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["table"]


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a line per row, cells below each other, two blanks between columns.

    Examples
    --------
    >>> table([("T", "m"), ("0.5", "0.9575"), ("1.0", "0")])
    ['  T    m', '  0.5  0.9575', '  1.0  0']
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    return [("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths))).rstrip() for row in rows]
