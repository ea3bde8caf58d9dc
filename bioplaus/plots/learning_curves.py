"""Loss and accuracy over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bioplaus.plots.lines import draw_seeds, fit_y, name_lines
from bioplaus.plots.series import clock, present, seeds, series
from bioplaus.plots.style import BLUE, VERMILION, footnote, name_axes, new_figure

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["learning_curves"]

CURVES = (("train", "training", BLUE), ("validation", "validation", VERMILION))
DECADES = 1.5  # span of the losses beyond which their axis is logarithmic


def learning_curves(table: pyarrow.Table, title: str) -> Figure | None:
    """Return the figure: loss of training and validation, and validation accuracy in percent if the task has one.

    None if there is neither. Accuracy is shown for training too where a rule measures it.
    """
    panels = [m for m in ("loss", "accuracy") if any(present(table, m, split) for split, _, _ in CURVES)]
    if not panels:
        return None
    figure, axes = new_figure(title, len(panels))
    for ax, metric in zip(axes, panels):
        for split, name, colour in CURVES:
            if present(table, metric, split):
                when, values = series(table, metric, split)
                draw_seeds(ax, when, values * (100 if metric == "accuracy" else 1), colour, name)
        name_axes(ax, clock(table, "train"), "loss" if metric == "loss" else "accuracy (%)")
        if metric == "loss":
            _scale(ax)
            fit_y(ax)
        else:
            fit_y(ax, 0, 100)
        name_lines(ax)
    training = "Training loss is the mean during the epoch." if present(table, "loss", "train") else ""
    footnote(figure, len(seeds(table)), training)
    return figure


def _scale(ax: Axes) -> None:
    """Choose a logarithmic axis for positive losses that span more than a few factors of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    y = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines()])
    y = y[np.isfinite(y)]
    if y.min() > 0 and np.log10(y.max()) - np.log10(y.min()) > DECADES:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.set_ylabel("loss, logarithmic")
