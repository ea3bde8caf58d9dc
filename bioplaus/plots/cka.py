"""Similarity of paired representations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioplaus.plots.lines import name_lines
from bioplaus.plots.per_layer import SPLIT, draw_layers
from bioplaus.plots.series import layers, seeds
from bioplaus.plots.style import footnote, new_figure

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.figure import Figure

__all__ = ["cka"]


def cka(table: pyarrow.Table, title: str) -> Figure | None:
    """Return the figure: linear CKA between forward activity a_l and feedback code b_l, per level.

    None if it was not measured.
    """
    if not layers(table, "cka", SPLIT):
        return None
    figure, (ax,) = new_figure(title)
    label = r"linear CKA of $a_\ell$ and $b_\ell$"
    draw_layers(ax, table, "cka", label, lambda level: "level 0 (input)" if level == 0 else f"level {level}")
    ax.set_ylim(0, 1.02)
    name_lines(ax)
    footnote(figure, len(seeds(table)))
    return figure
