"""What a comparison has left on disk."""

from __future__ import annotations

from pathlib import Path

__all__ = ["files"]


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of every file of the rows."""
    found = {str(p): p.stat() for p in folder.glob("rows/*/*/**/*") if p.is_file()}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items()}
