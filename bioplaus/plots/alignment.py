"""How feedback weights turn towards the forward weights, and updates towards the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioplaus.plots.lines import drawn, fit_y, name_lines
from bioplaus.plots.per_layer import SPLIT, draw_layers
from bioplaus.plots.series import layers, seeds
from bioplaus.plots.style import MUTED, footnote, new_figure

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alignment"]


def alignment(table: pyarrow.Table, title: str) -> Figure | None:
    """Return the figure: cosine between U_l and V_l^T, and angle of updates to backpropagation's, per layer.

    None without the cosine: the rule has no feedback weights that mirror the forward ones.
    """
    if not layers(table, "feedback_cosine", SPLIT):
        return None
    angles = bool(layers(table, "angle_to_bp", SPLIT))
    figure, axes = new_figure(title, 2 if angles else 1)
    draw_layers(axes[0], table, "feedback_cosine", r"cosine between $U_\ell$ and $V_\ell^\mathsf{T}$")
    fit_y(axes[0], -1, 1)
    name_lines(axes[0])
    if angles:
        _angles(axes[1], table)
    footnote(figure, len(seeds(table)), "Dashed: 90°, no relation." if angles else "")
    return figure


def _angles(ax: Axes, table: pyarrow.Table) -> None:
    from matplotlib.ticker import MultipleLocator

    draw_layers(ax, table, "angle_to_bp", "angle to backpropagation's update (°)")
    ax.set_ylim(0, min(max(100.0, 1.04 * drawn(ax).max()), 181))
    ax.yaxis.set_major_locator(MultipleLocator(30))
    name_lines(ax)
    ax.axhline(90, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
