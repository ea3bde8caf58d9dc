"""First-layer weights as images: what each unit looks for in the input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.plots.style import INK, MUTED, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["as_images", "mosaic", "weight_images"]

UNITS = 64
COLUMNS = 16
QUANTILE = 0.995  # of |w|, the end of the colour scale: single outliers must not bleach the rest
SIDE = 24  # screen cells per image, at least
GAP = 3


def as_images(weights: NDArray[Any] | None) -> NDArray[np.float64] | None:
    """Return weights as images ``[units, H, W, channels]`` with 1 or 3 channels, None if they are no images.

    Parameters
    ----------
    weights : array [post, channels, H, W] or [post, n]
        n must be a square number, at least 9.
    """
    if weights is None:
        return None
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim == 2:
        side = math.isqrt(w.shape[1])
        if side * side != w.shape[1] or side < 3:
            return None
        w = w.reshape(len(w), 1, side, side)
    if w.ndim != 4 or w.shape[1] not in (1, 3) or not np.isfinite(w).any():
        return None
    return np.moveaxis(w, 1, 3)


def mosaic(images: NDArray[np.float64], columns: int = COLUMNS) -> NDArray[np.float64]:
    """Return images ``[units, H, W, channels]`` in rows, with gaps of NaN: ``[height, width, channels]``."""
    scale = max(1, -(-SIDE // max(images.shape[1:3])))
    large = images.repeat(scale, axis=1).repeat(scale, axis=2)
    units, height, width, channels = large.shape
    columns = min(columns, units)
    rows = -(-units // columns)
    board = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), np.nan)
    for i, image in enumerate(large):
        y, x = i // columns * (height + GAP), i % columns * (width + GAP)
        board[y : y + height, x : x + width] = image
    return board


def weight_images(weights: NDArray[Any] | None, title: str) -> Figure | None:
    """Return the figure: the first 64 units of the first layer at most, on one scale symmetric around 0.

    One channel: red is negative, white 0, blue positive. Three channels: each in its own colour, grey is 0.
    None if the weights are no images.
    """
    images = as_images(weights)
    if images is None:
        return None
    shown = images[:UNITS]
    limit = float(np.quantile(np.abs(shown[np.isfinite(shown)]), QUANTILE)) or 1.0
    board = mosaic(shown)
    figure, (ax,) = new_figure(title, height=0.95 + 7.3 * board.shape[0] / board.shape[1])
    ax.axis("off")
    if board.shape[2] == 3:
        colours = np.clip(0.5 + board / (2 * limit), 0, 1)
        ax.imshow(np.where(np.isnan(board), 1.0, colours), interpolation="nearest")
        scale = f"Each channel in its own colour, grey is 0, full colour {limit:.2g}."
    else:
        image = ax.imshow(board[..., 0], cmap="RdBu", vmin=-limit, vmax=limit, interpolation="nearest")
        bar = figure.colorbar(image, ax=ax, shrink=0.9, aspect=22, pad=0.015, extend="both")
        bar.outline.set_visible(False)
        bar.set_label("weight", fontsize=9, color=INK)
        bar.ax.tick_params(labelsize=8, colors=INK, color=MUTED)
        scale = ""
    count = f"{len(images)}" if len(shown) == len(images) else f"first {len(shown)} of {len(images)}"
    note = f"First-layer weights of the first seed, {count} units. {scale}"
    figure.supxlabel(note, x=0.012, ha="left", fontsize=8, color=MUTED)
    return figure
