"""Lines over time: mean, band and single seeds, with their names beside their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.plots.style import MUTED
from bioplaus.stats import t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_seeds", "fit_y", "name_lines", "reference", "spread"]

FINE = 14  # points up to which every one gets a dot
GAP = 0.062  # height of a name in parts of the panel's


def draw_seeds(ax: Axes, when: NDArray[np.int64], values: NDArray[np.float64], colour: Any, name: str) -> None:
    """Draw the mean over seeds, its 95 % band and a thin line per seed.

    Parameters
    ----------
    when : array [points]
    values : array [seeds, points]
        NaN leaves a gap. A point without neighbours gets a dot, and a bar for its interval.
    name
        Label of the mean line; `name_lines` writes it beside its end.
    """
    mean, _, low, high = t_interval(values)
    if len(values) > 1:
        for row in values:
            dots = np.flatnonzero(_alone(row))
            ax.plot(when, row, color=colour, lw=0.7, alpha=0.4, marker="o", ms=2.5, markevery=dots.tolist())
        ax.fill_between(when, low, high, color=colour, alpha=0.16, linewidth=0)
        alone = _alone(mean) & np.isfinite(low)
        ax.vlines(when[alone], low[alone], high[alone], color=colour, alpha=0.3, linewidth=5)
    dots = np.flatnonzero(_alone(mean) | (len(when) <= FINE))
    ax.plot(when, mean, color=colour, lw=1.8, label=name, zorder=3, marker="o", ms=3.5, markevery=dots.tolist())


def _alone(row: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which points have no neighbour that a line could reach."""
    there = np.concatenate([[False], np.isfinite(row), [False]])
    return there[1:-1] & ~there[:-2] & ~there[2:]


def reference(ax: Axes, height: float, text: str) -> None:
    """Draw a dashed line at a height that means something, with the meaning above its right end."""
    ax.axhline(height, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1, gid="reference")
    ax.annotate(text, (0.99, height), (0, 2), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                color=MUTED, fontsize=8, va="bottom", ha="right")  # fmt: skip


def fit_y(ax: Axes, bottom: float | None = None, top: float | None = None) -> None:
    """Fit the axis to the lines; a band may widen it by half of that at either end, lest two seeds flatten the curves.

    Parameters
    ----------
    bottom, top
        Limits of the quantity itself, never passed by the axis.
    """
    scale = ax.transScale  # logarithms on a logarithmic axis
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines() if line.get_gid() != "reference"]
    seen = np.concatenate([np.empty(0), *drawn])
    seen = seen[np.isfinite(seen) & ((seen > 0) | (ax.get_yscale() != "log"))]
    if not len(seen):
        return
    least, most = (scale.transform((0, y))[1] for y in (seen.min(), seen.max()))
    room = 0.5 * (most - least) or 0.05 * abs(most) or 0.05
    now = [scale.transform((0, y))[1] for y in ax.get_ylim()]
    low, high = (scale.inverted().transform((0, y))[1] for y in (max(least - room, now[0]), min(most + room, now[1])))
    ax.set_ylim(low if bottom is None else max(low, bottom), high if top is None else min(high, top))


def name_lines(ax: Axes) -> None:
    """Write each line's name beside its end, right of the panel, moved apart where names would overlap.

    Call it when the limits of the axes are final.
    """
    named = [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]
    ends = []
    for line in named:
        y = np.asarray(line.get_ydata(), dtype=float)
        last = np.flatnonzero(np.isfinite(y))[-1]
        point = (np.asarray(line.get_xdata(), dtype=float)[last], y[last])
        ends.append(tuple(ax.transLimits.transform(ax.transScale.transform(point))))
    for line, end, place in zip(named, ends, spread([y for _, y in ends])):
        arrow = {"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
        ax.annotate(str(line.get_label()), end, (1.03, place), "axes fraction", color=line.get_color(), fontsize=9,
                    va="center", annotation_clip=False, arrowprops={**arrow, "relpos": (0, 0.5)})  # fmt: skip


def spread(ends: list[float], gap: float = GAP) -> list[float]:
    """Return a place in [0, 1] for each end, in the same order from below, at least a gap apart, each near its end.

    Where there is no room for the gap the places are even.
    """
    gap = min(gap, 1 / max(len(ends) - 1, 1))
    order = np.argsort(ends, kind="stable")
    steps = gap * np.arange(len(ends))
    # blocks of names that touch share one mean: least squares under the order (pool adjacent violators)
    blocks: list[list[float]] = []
    for free in np.asarray(ends, dtype=float)[order] - steps:
        blocks.append([free])
        while len(blocks) > 1 and np.mean(blocks[-2]) >= np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    pooled = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks]) if blocks else np.empty(0)
    places = np.empty(len(ends))
    places[order] = np.clip(pooled, 0.0, max(1 - gap * (len(ends) - 1), 0.0)) + steps
    return [float(place) for place in places]
