"""Figures of a run, one per file, drawn from its table of measurements.

Each figure is a function that returns a `matplotlib.figure.Figure`, or None where there is nothing to draw;
`draw_all` saves them. Matplotlib is imported when the first one is drawn; pyplot and its state are not used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bioplaus.plots.alignment import alignment
from bioplaus.plots.cka import cka
from bioplaus.plots.firing import firing
from bioplaus.plots.learning_curves import learning_curves
from bioplaus.plots.pictures import draw_picture
from bioplaus.plots.saving import save_figure
from bioplaus.plots.series import series
from bioplaus.plots.updates import updates
from bioplaus.plots.weights import weight_images

if TYPE_CHECKING:
    import pyarrow

__all__ = ["alignment", "cka", "draw_all", "draw_picture", "firing", "learning_curves", "save_figure", "series", "updates", "weight_images"]


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
        "firing.png": firing(table, title),
    }
    return [save_figure(figure, folder / name) for name, figure in figures.items() if figure is not None]
