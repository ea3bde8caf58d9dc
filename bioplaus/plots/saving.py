"""A figure on disk, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bioplaus.errors import RunError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["save_figure"]


def save_figure(figure: Figure, path: Path) -> Path:
    """Save a figure as PNG, whole or not at all, and return the path.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(temporary, format="png")
        os.replace(temporary, path)
    except OSError as error:
        reason = f"{error.strerror or error}; free space, mend permissions or choose a folder"
        raise RunError(f"cannot write {path}: {reason}") from error
    finally:
        if path.parent.is_dir():
            temporary.unlink(missing_ok=True)
    return path
