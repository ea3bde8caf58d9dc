"""A table of numbers as coloured fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bioplaus.pictures import Heatmap
from bioplaus.plots.style import INK, MUTED, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["heatmap_figure"]


def heatmap_figure(picture: Heatmap) -> Figure:
    """Return the figure of a heatmap: rows from the top, numbers in the fields, a field without one left empty."""
    values = np.asarray(picture.values, dtype=np.float64)
    low, high = picture.limits
    figure, (ax,) = new_figure(picture.title, height=1.5 + 0.55 * len(picture.rows))
    image = ax.imshow(np.ma.masked_invalid(values), cmap="magma_r", vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    ax.grid(visible=False)
    ax.set_xticks(range(len(picture.columns)), picture.columns)
    ax.set_yticks(range(len(picture.rows)), picture.rows)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = value > (low + high) / 2
            ax.text(j, i, f"{value:.{picture.digits}f}", ha="center", va="center", fontsize=9, color="white" if dark else INK)
        else:
            ax.text(j, i, "-", ha="center", va="center", fontsize=9, color=MUTED)
    beyond = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    there = values[np.isfinite(values)]
    extend = beyond[bool((there < low).any()), bool((there > high).any())]
    bar = figure.colorbar(image, ax=ax, aspect=18, pad=0.015, extend=extend)
    bar.outline.set_visible(False)
    bar.set_label(picture.scale, fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK, color=MUTED)
    if picture.note:
        figure.supxlabel(picture.note, x=0.012, ha="left", fontsize=8, color=MUTED)
    return figure
