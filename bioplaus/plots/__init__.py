"""Figures of a run, one per file, drawn from its table of measurements.

Each figure is a function that returns a `matplotlib.figure.Figure`, or None where there is nothing to draw;
`draw_all` saves them. Matplotlib is imported when the first one is drawn; pyplot and its state are not used.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bioplaus.errors import RunError
from bioplaus.plots.alignment import alignment
from bioplaus.plots.cka import cka
from bioplaus.plots.learning_curves import learning_curves
from bioplaus.plots.series import series
from bioplaus.plots.updates import updates
from bioplaus.plots.weights import weight_images

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.figure import Figure

__all__ = ["alignment", "cka", "draw_all", "learning_curves", "save_figure", "series", "updates", "weight_images"]


def draw_all(table: pyarrow.Table, weights: NDArray[Any] | None, folder: Path, title: str) -> list[Path]:
    """Draw every figure that the measurements allow and save it as PNG, 1000 pixels wide.

    Parameters
    ----------
    table
        Columns epoch, step, seed, split, metric, layer, value; see `bioplaus.plots.series`.
    weights
        First-layer weights of the first seed, ``[post, channels, H, W]`` or ``[post, n]``; None for no image.
    folder
        Made if it does not exist. Files in it are replaced whole or not at all.
    title
        Above each figure: rule, data, network.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    RunError
        If the folder cannot be made or written.
    """
    figures = {
        "learning_curves.png": learning_curves(table, title),
        "alignment.png": alignment(table, title),
        "cka.png": cka(table, title),
        "weights.png": weight_images(weights, title),
        "updates.png": updates(table, title),
    }
    return [save_figure(figure, folder / name) for name, figure in figures.items() if figure is not None]


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
