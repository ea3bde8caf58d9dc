"""Pictures that are described as data (`bioplaus.pictures`), drawn."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioplaus.pictures import Curves, Heatmap, Images, Mosaic, Panel, Picture, Series
from bioplaus.plots.heatmap import heatmap_figure
from bioplaus.plots.saving import save_figure
from bioplaus.plots.style import INK, MUTED, WIDTH, new_figure
from bioplaus.plots.weights import GAP, mosaic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_picture", "picture_figure"]

#: Okabe & Ito (2008), less the yellow that white paper swallows
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")

#: Ratio of the ends of a logarithmic axis up to which 1, 2 and 5 of each decade are labelled.
MOST_LABELLED = 2000


def draw_picture(picture: Picture, folder: Path) -> Path:
    """Draw a picture into a folder, under its own name.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    return save_figure(picture_figure(picture), folder / picture.name)


def picture_figure(picture: Picture) -> Figure:
    """Return the figure of a picture."""
    if isinstance(picture, Mosaic):
        return _mosaic(picture)
    if isinstance(picture, Heatmap):
        return heatmap_figure(picture)
    return _curves(picture) if isinstance(picture, Curves) else _images(picture)


def _curves(picture: Curves) -> Figure:
    count = len(picture.panels)
    figure, axes = new_figure(
        picture.title, count, height=3.9 if count < 4 else 6.6, columns=2 if count == 4 else min(count, 3), shared=picture.shared
    )
    for ax, panel in zip(axes, picture.panels):
        for series in panel.series:
            _plot(ax, series)
        _dress(ax, panel)
        if panel.image is not None:
            ax.imshow(panel.image, cmap="gray_r", interpolation="nearest", aspect="equal")
            ax.set_xticks([])
            ax.set_yticks([])
    if picture.panels[0].legend == "below":  # the note is its title: two texts at the foot would lie on each other
        named = axes[0].get_legend_handles_labels()
        look: dict[str, Any] = {"fontsize": 8, "frameon": False, "ncols": 7, "alignment": "left", "loc": "outside lower left"}
        figure.legend(*named, title=picture.note, title_fontproperties={"size": 8}, **look).get_title().set_color(MUTED)
    elif picture.note:
        figure.supxlabel(picture.note, x=0.012, ha="left", fontsize=8, color=MUTED)
    return figure


def _plot(ax: Axes, series: Series) -> None:
    colour = MUTED if series.colour is None else COLOURS[series.colour % len(COLOURS)]
    label = series.label or "_"
    if series.points:
        shape: dict[str, Any] = {"ms": 16, "mew": 1.8} if series.marker == "_" else {"ms": series.size}
        if series.hollow:  # a ring round a filled point, where the two agree
            shape |= {"ms": 6.5, "mfc": "none"}
        shape["fmt"] = series.marker
        ax.errorbar(series.x, series.y, series.error, lw=1.1, capsize=2, color=colour, label=label, zorder=3, **shape)
    else:
        look: dict[str, Any] = {"lw": 0.8, "alpha": 0.5, "zorder": 1.5} if series.faint else {"lw": 1.4}
        ax.plot(series.x, series.y, "--" if series.dashed else "-", color=colour, label=label, **look)
        if series.error is not None:
            low, high = ([y + sign * e for y, e in zip(series.y, series.error)] for sign in (-1, 1))
            ax.fill_between(series.x, low, high, color=colour, alpha=0.2, lw=0)


def _dress(ax: Axes, panel: Panel) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

    for x, text in panel.marks:
        ax.axvline(x, color=MUTED, lw=0.8, ls=":")
        ax.annotate(
            text, (x, 1), xycoords=("data", "axes fraction"), xytext=(3, -2), textcoords="offset points", va="top", fontsize=8, color=MUTED
        )
    if panel.log_x:
        ax.set_xscale("log")
        low, high = ax.get_xlim()
        if high / low < MOST_LABELLED:  # plain numbers
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            ax.xaxis.set_minor_formatter(NullFormatter())
    if panel.log_y:
        ax.set_yscale("log")
    if not panel.log_x:  # few, since panels are narrow and numbers like 0.125 are wide
        ax.xaxis.set_major_locator(MaxNLocator(nbins=7 if panel.whole_x else 6, steps=[1, 2, 5, 10], integer=panel.whole_x, min_n_ticks=1))
    if panel.names:
        ax.set_xticks(range(len(panel.names)), panel.names, fontsize=8)
    if panel.whole_y:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    ax.margins(x=0.04)
    if panel.x_limits:
        ax.set_xlim(panel.x_limits)
    if panel.y_limits:
        ax.set_ylim(panel.y_limits)
    if panel.text:
        ax.text(0.5, 0.5, panel.text, transform=ax.transAxes, ha="center", va="center", fontsize=9.5, color=MUTED)
    ax.set_xlabel(panel.x, fontsize=9, color=INK)
    ax.set_ylabel(panel.y, fontsize=9.5, color=INK)
    if panel.title:
        ax.set_title(panel.title, fontsize=9.5, color=INK, loc="left")
    if panel.legend != "below" and any(series.label for series in panel.series):
        place: dict[str, Any] = {"loc": panel.legend}
        ax.legend(fontsize=8, frameon=False, **place)


def _images(picture: Images) -> Figure:
    columns = max(len(row) for row in picture.rows)
    height = min(1.9, WIDTH / columns + 0.3) * len(picture.rows) + 0.8  # many columns make small pictures
    figure, axes = new_figure(picture.title, columns * len(picture.rows), height=height, columns=columns)
    for i, row in enumerate(picture.rows):
        for j in range(columns):
            ax = axes[i * columns + j]
            ax.set_axis_off()
            if j < len(row):
                caption, values = row[j]
                ax.imshow(values, cmap="gray", vmin=-1, vmax=1, interpolation="nearest", aspect="equal")
                ax.set_title(caption, fontsize=9, color=INK)
    if picture.note:
        figure.supxlabel(picture.note, x=0.012, ha="left", fontsize=8, color=MUTED)
    return figure


def _mosaic(picture: Mosaic) -> Figure:
    import numpy as np

    tiles = np.asarray(picture.tiles, dtype=np.float64)
    columns = math.ceil(math.sqrt(len(tiles)))
    board = mosaic(tiles[..., None], columns)[..., 0]
    figure, (ax,) = new_figure(picture.title, height=0.95 + 7.3 * board.shape[0] / board.shape[1])
    ax.axis("off")
    image = ax.imshow(board, cmap="viridis", vmin=0, vmax=float(np.nanmax(board)) or 1.0, interpolation="nearest")
    bar = figure.colorbar(image, ax=ax, shrink=0.9, aspect=30, pad=0.015)
    bar.outline.set_visible(False)
    bar.set_label(picture.scale, fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK, color=MUTED)
    high, wide = ((side + GAP) / n for side, n in zip(board.shape, (-(-len(tiles) // columns), columns)))
    for i, caption in enumerate(picture.captions):
        at = (i % columns * wide + 1, i // columns * high + 1)
        ax.text(*at, caption, fontsize=min(9, 90 / columns), color="white", va="top", ha="left")
    if picture.note:
        figure.supxlabel(picture.note, x=0.012, ha="left", fontsize=8, color=MUTED)
    return figure
