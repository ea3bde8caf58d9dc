"""Lines over time: mean, band and single seeds, with names beside their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.stats import t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_seeds", "fit_y", "name_lines", "reference", "spread"]


def draw_seeds(ax: Axes, when: NDArray[np.int64], values: NDArray[np.float64], colour: Any, name: str) -> None:
    """Draw the mean over seeds, its 95 % band and a thin line per seed.

    Parameters
    ----------
    when : array [points]
    values : array [seeds, points]
        NaN leaves a gap. A point without neighbours gets a marker, and a bar for its interval.
    name
        Kept as the label of the mean line; `name_lines` writes it beside its end.
    """
    mean, _, low, high = t_interval(values)
    if len(values) > 1:
        for row in values:
            ax.plot(when, row, color=colour, linewidth=0.7, alpha=0.4, **_dots(row, 2.5))
        ax.fill_between(when, low, high, color=colour, alpha=0.16, linewidth=0)
        alone = _alone(mean) & np.isfinite(low)
        ax.vlines(when[alone], low[alone], high[alone], color=colour, alpha=0.3, linewidth=5)
    ax.plot(when, mean, color=colour, linewidth=1.8, label=name, zorder=3, **_dots(mean, 5))


def _alone(row: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which points have no neighbour that a line could reach."""
    there = np.concatenate([[False], np.isfinite(row), [False]])
    return there[1:-1] & ~there[:-2] & ~there[2:]


def _dots(row: NDArray[np.float64], size: float) -> dict[str, Any]:
    return {"marker": "o", "markersize": size, "markevery": np.flatnonzero(_alone(row)).tolist()}


def fit_y(ax: Axes, bottom: float | None = None, top: float | None = None) -> None:
    """Fit the axis to what was measured; an interval may widen it by half at most, so that two seeds cannot flatten the curves.

    bottom and top are the limits of the quantity itself.
    """
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines() if line.get_gid() != "reference"]
    seen = np.concatenate(lines) if lines else np.array([])
    seen = seen[np.isfinite(seen)]
    if ax.get_yscale() == "log":
        seen = np.log10(seen[seen > 0])
    if not len(seen):
        return
    least, most = float(seen.min()), float(seen.max())
    room = 0.5 * (most - least) or 0.05 * abs(most) or 0.05
    wanted = np.array(ax.get_ylim())
    if ax.get_yscale() == "log":
        wanted = np.log10(wanted)
    low, high = max(least - room, wanted[0]), min(most + room, wanted[1])
    if ax.get_yscale() == "log":
        low, high = 10**low, 10**high
    ax.set_ylim(low if bottom is None else max(low, bottom), high if top is None else min(high, top))


def name_lines(ax: Axes) -> None:
    """Write each line's name beside its end, right of the panel, moved apart where they would overlap."""
    named = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
    ends = []
    for line in named:
        y = np.asarray(line.get_ydata(), dtype=float)
        last = y[np.isfinite(y)][-1:]
        ends.append(float(ax.transLimits.transform(ax.transScale.transform((0, last[0])))[1]) if len(last) else 0.0)
    for line, end, place in zip(named, ends, spread(ends)):
        ax.annotate(
            line.get_label(), (1.0, end), (1.035, place), "axes fraction", color=line.get_color(), fontsize=9, va="center",
            annotation_clip=False, arrowprops={"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0},
        )  # fmt: skip


def spread(ends: list[float], gap: float = 0.062) -> list[float]:
    """Return places in [0, 1], in the order of the ends, at least a gap apart where there is room, and as near to them as that allows."""
    count = len(ends)
    gap = min(gap, 1 / max(count - 1, 1))
    order = sorted(range(count), key=lambda i: ends[i])
    places = [0.0] * count
    floor = 0.0
    for rank, i in enumerate(order):
        ceiling = 1.0 - gap * (count - 1 - rank)
        places[i] = floor = min(max(ends[i], floor), ceiling)
        floor += gap
    return places
