"""How feedback weights turn towards the forward weights, and updates towards the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioplaus.plots.lines import fit_y, name_lines
from bioplaus.plots.per_layer import SPLIT, draw_layers
from bioplaus.plots.series import layers, seeds
from bioplaus.plots.style import MUTED, footnote, new_figure

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alignment"]


def alignment(table: pyarrow.Table, title: str) -> Figure | None:
    """Return the figure: cosine between forward and feedback weights, and angle of updates to backpropagation's, per layer.

    A panel for whichever was measured; None if neither was, or if the angles alone would say that backprop is backprop.
    """
    cosines = bool(layers(table, "feedback_cosine", SPLIT))
    angles = bool(layers(table, "angle_to_bp", SPLIT)) and (cosines or not _all_zero(table))
    if not cosines and not angles:
        return None
    figure, axes = new_figure(title, cosines + angles)
    if cosines:
        draw_layers(axes[0], table, "feedback_cosine", "cosine between forward\nand feedback weights")
        fit_y(axes[0], -1, 1, least=0.1)
        axes[0].ticklabel_format(axis="y", useOffset=False)
        name_lines(axes[0])
    if angles:
        _angles(axes[-1], table)
    footnote(figure, len(seeds(table)), "Dashed: 90°, no relation." if angles else "")
    return figure


def _all_zero(table: pyarrow.Table) -> bool:
    rows = zip(table.column("metric").to_pylist(), table.column("value").to_pylist())
    return all(value is None or value < 0.1 for metric, value in rows if metric == "angle_to_bp")


def _angles(ax: Axes, table: pyarrow.Table) -> None:
    from matplotlib.ticker import MultipleLocator

    draw_layers(ax, table, "angle_to_bp", "angle to backpropagation's update (°)")
    ax.set_ylim(0, min(max(100.0, ax.get_ylim()[1]), 181))
    ax.yaxis.set_major_locator(MultipleLocator(30))
    name_lines(ax)
    ax.axhline(90, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
