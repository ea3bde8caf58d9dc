"""Parts of pages that are generated: whatever stands between two marks is replaced."""

from __future__ import annotations

__all__ = ["between"]


def between(text: str, start: str, end: str, content: str) -> str:
    """Return a page with fresh content between its two marks, which stay."""
    head, _, rest = text.partition(start)
    _, _, tail = rest.partition(end)
    return f"{head}{start}\n{content}\n{end}{tail}"
