"""How much the layers of a spiking network fire while it learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioplaus.plots.lines import fit_y, name_lines
from bioplaus.plots.per_layer import SPLIT, draw_layers
from bioplaus.plots.series import layers, seeds
from bioplaus.plots.style import footnote, new_figure

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.figure import Figure

__all__ = ["firing"]

#: (metric, name of the axis, least span of the axis)
PANELS = (
    ("firing_rate", "spikes per unit and step", 0.01),
    ("silent_share", "share of units that never fire", 0.1),
)


def firing(table: pyarrow.Table, title: str) -> Figure | None:
    """Return the figure: spikes per unit and step, and the share of units silent throughout the probed samples, per layer.

    None if neither was measured.
    """
    shown = [panel for panel in PANELS if layers(table, panel[0], SPLIT)]
    if not shown:
        return None
    figure, axes = new_figure(title, len(shown))
    for ax, (metric, label, least) in zip(axes, shown):
        draw_layers(ax, table, metric, label)
        fit_y(ax, 0, 1, least=least)
        ax.ticklabel_format(axis="y", useOffset=False)
        name_lines(ax)
    footnote(figure, len(seeds(table)), "The last layer is the output.")
    return figure
