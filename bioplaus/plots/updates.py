"""How large updates are beside the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioplaus.plots.lines import drawn, fit_y, name_lines
from bioplaus.plots.per_layer import SPLIT, draw_layers
from bioplaus.plots.series import layers, seeds
from bioplaus.plots.style import footnote, log_axis, new_figure

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.figure import Figure

__all__ = ["updates"]


def updates(table: pyarrow.Table, title: str) -> Figure | None:
    """Return the figure: norm of one update over norm of the weight, per layer, on a logarithmic axis.

    A layer that is not updated (ratio 0) is left out. None if nothing was measured or nothing moved.
    """
    if not layers(table, "update_ratio", SPLIT):
        return None
    figure, (ax,) = new_figure(title)
    label = r"update norm / weight norm, $\|\Delta w\| / \|w\|$"
    draw_layers(ax, table, "update_ratio", label, geometric=True)
    if not ax.get_lines():
        return None
    log_axis(ax, drawn(ax).min(), drawn(ax).max())
    fit_y(ax)
    name_lines(ax)
    footnote(figure, len(seeds(table)), "Mean and interval of the logarithms." if len(seeds(table)) > 1 else "")
    return figure
