"""How feedback weights turn towards the forward weights, and updates towards the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioplaus.plots.lines import fit_y, name_lines, reference
from bioplaus.plots.per_layer import SPLIT, draw_layers
from bioplaus.plots.series import layers, seeds
from bioplaus.plots.style import footnote, new_figure

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.figure import Figure

__all__ = ["alignment"]


def alignment(table: pyarrow.Table, title: str) -> Figure | None:
    """Return the figure: cosine between U_l and V_l^T per layer, and the angle of the updates to backpropagation's.

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
        from matplotlib.ticker import MultipleLocator

        ax = axes[1]
        draw_layers(ax, table, "angle_to_bp", "angle to backpropagation's update (°)")
        top = max(100.0, *(float(line.get_ydata().max(initial=0, where=line.get_ydata() > 0)) for line in ax.get_lines()))
        ax.set_ylim(0, min(1.04 * top, 180))
        ax.yaxis.set_major_locator(MultipleLocator(30))
        reference(ax, 90, "90°: unrelated")
        name_lines(ax)
    footnote(figure, len(seeds(table)))
    return figure
