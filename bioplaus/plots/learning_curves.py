"""Loss and accuracy over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioplaus.plots.lines import draw_seeds, drawn, fit_y, name_lines
from bioplaus.plots.series import clock, present, seeds, series
from bioplaus.plots.style import BLUE, VERMILION, footnote, log_axis, name_axes, new_figure

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["learning_curves"]

CURVES = (("train", "training", BLUE), ("validation", "validation", VERMILION))
SPAN = 30  # ratio of the losses beyond which their axis is logarithmic


def learning_curves(table: pyarrow.Table, title: str) -> Figure | None:
    """Return the figure: loss of training and validation, and accuracy in percent if the task has one.

    None if there is neither. Training accuracy is shown where a rule measures it.
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
    """Choose a logarithmic axis for positive losses that span more than a factor of 30."""
    low, high = drawn(ax).min(), drawn(ax).max()
    if low > 0 and high / low > SPAN:
        log_axis(ax, low, high)
        ax.set_ylabel("loss, logarithmic")
