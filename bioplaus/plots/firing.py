"""How much the layers of a spiking network fire while it learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bioplaus.plots.lines import draw_seeds, drawn, fit_y, name_lines
from bioplaus.plots.per_layer import SPLIT, draw_layers
from bioplaus.plots.series import clock, layers, present, seeds, series
from bioplaus.plots.style import BLUE, footnote, name_axes, new_figure

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.figure import Figure

__all__ = ["firing"]

#: per layer: (metric, name of the axis, least span of the axis, whether it is shown where it is 0 throughout)
LAYERS = (
    ("firing_rate", "spikes per unit and step", 0.01, True),
    ("silent_share", "share of units that never fire", 0.1, True),
    ("saturated_share", "share of units that always fire", 0.1, False),
)
#: of the whole network: (metric, name of the axis, its upper limit, least span)
WHOLE = (
    ("synaptic_operations", "synaptic operations per sample", np.inf, 1.0),
    ("tie_fraction", "share of samples with a tie", 1.0, 0.05),
)


def firing(table: pyarrow.Table, title: str) -> Figure | None:
    """Return the figure: spikes per unit and step, units silent or busy throughout the probed samples, operations, ties.

    Saturated units and ties have a panel if there are any. None if nothing was measured.
    """
    per_layer = [panel for panel in LAYERS if layers(table, panel[0], SPLIT) and (panel[3] or _any(table, panel[0]))]
    whole = [panel for panel in WHOLE if present(table, panel[0], SPLIT) and _any(table, panel[0])]
    count = len(per_layer) + len(whole)
    if not count:
        return None
    figure, axes = new_figure(title, count, height=0.6 + 3.3 * -(-count // 2), columns=2, shared=False)
    for ax, (metric, label, least, _) in zip(axes, per_layer):
        draw_layers(ax, table, metric, label)
        fit_y(ax, 0, 1, least=least)
        ax.ticklabel_format(axis="y", useOffset=False)
        name_lines(ax)
    for ax, (metric, label, top, least) in zip(axes[len(per_layer) :], whole):
        draw_seeds(ax, *series(table, metric, SPLIT), BLUE, "")
        name_axes(ax, clock(table, SPLIT), label)
        fit_y(ax, 0, top, least=max(least, 0.2 * drawn(ax).max()) if np.isinf(top) else least)
    footnote(figure, len(seeds(table)), "The last layer is the output.")
    return figure


def _any(table: pyarrow.Table, metric: str) -> bool:
    """Return whether a metric is ever above 0."""
    rows = zip(table.column("metric").to_pylist(), table.column("value").to_pylist())
    return any(name == metric and value is not None and value > 0 for name, value in rows)
