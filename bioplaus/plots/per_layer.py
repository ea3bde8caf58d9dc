"""One probe metric, one line per layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bioplaus.plots.lines import draw_seeds
from bioplaus.plots.series import clock, layers, series
from bioplaus.plots.style import layer_colours, name_axes

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.axes import Axes

__all__ = ["draw_layers", "weight_name"]

SPLIT = "probe"


def weight_name(layer: int) -> str:
    """Return the name of a layer of weights: counted from 1, as U_1 leads from the input."""
    return f"layer {layer + 1}"


def draw_layers(
    ax: Axes,
    table: pyarrow.Table,
    metric: str,
    label: str,
    name: Callable[[int], str] = weight_name,
    geometric: bool = False,
) -> None:
    """Draw a line per layer that has the metric, and name the axes.

    Parameters
    ----------
    geometric
        Draw geometric means, of what is above 0.
    """
    found = layers(table, metric, SPLIT)
    # colours by depth, not by rank, so that a layer keeps its colour from figure to figure
    colours = layer_colours(found[-1] + 1)
    for layer in found:
        when, values = series(table, metric, SPLIT, layer)
        shown = np.where(values > 0, values, np.nan) if geometric else values
        if np.isfinite(shown).any():
            draw_seeds(ax, when, shown, colours[layer], name(layer), geometric=geometric)
    name_axes(ax, clock(table, SPLIT), label)
