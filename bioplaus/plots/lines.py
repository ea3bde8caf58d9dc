"""Lines over time: mean, band and single seeds, with their names beside their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.stats import t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_seeds", "drawn", "fit_y", "name_lines", "spread"]

FEWEST = 3  # seeds for a band
FINE = 14  # points up to which every one gets a dot
GAP = 0.062  # height of a name in parts of the panel's


def draw_seeds(
    ax: Axes,
    when: NDArray[Any],
    values: NDArray[np.float64],
    colour: Any,
    name: str,
    *,
    geometric: bool = False,
    thin: bool = True,
    band: float = 0.16,
) -> None:
    """Draw the mean over seeds, a thin line per seed, and the 95 % interval of the mean as a band.

    Parameters
    ----------
    when : array [points]
    values : array [seeds, points]
        NaN leaves a gap. A point without neighbours gets a dot, and a bar for its interval. There is no band
        where fewer than three seeds have a value: their lines say more than an interval many times as wide.
    name
        Label of the mean line; `name_lines` writes it beside its end.
    geometric
        Take mean and interval of the logarithms, for positive values that differ by factors.
    thin
        Whether to draw the line of each seed; without them many means fit into one panel.
    band
        Opacity of the band.
    """
    mean, low, high = _centre(values, geometric)
    if thin and len(values) > 1:
        for row in values:
            dots = np.flatnonzero(_alone(row))
            ax.plot(when, row, color=colour, lw=0.7, alpha=0.4, marker="o", ms=2.5, markevery=dots.tolist())
    enough = np.isfinite(values).sum(0) >= FEWEST
    if enough.any():
        low, high = (np.where(enough, edge, np.nan) for edge in (low, high))
        ax.fill_between(when, low, high, color=colour, alpha=band, linewidth=0)
        alone = _alone(low)
        ax.vlines(when[alone], low[alone], high[alone], color=colour, alpha=0.3, linewidth=5)
    dots = np.flatnonzero(_alone(mean) | (len(when) <= FINE))
    style: dict[str, Any] = {"lw": 1.8, "marker": "o", "ms": 3.5, "markevery": dots.tolist(), "zorder": 3}
    ax.plot(when, mean, color=colour, label=name, **style)


def _centre(values: NDArray[np.float64], geometric: bool) -> tuple[NDArray[np.float64], ...]:
    mean, _, low, high = t_interval(np.log(values) if geometric else values)
    return (np.exp(mean), np.exp(low), np.exp(high)) if geometric else (mean, low, high)


def _alone(row: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which points have no neighbour that a line could reach."""
    there = np.concatenate([[False], np.isfinite(row), [False]])
    return there[1:-1] & ~there[:-2] & ~there[2:]


def fit_y(ax: Axes, bottom: float = -np.inf, top: float = np.inf) -> None:
    """Set the limits of the upright axis: lines and bands on a linear axis, lines alone on a logarithmic one.

    A band may reach to 0 or below, where logarithms end.

    Parameters
    ----------
    bottom, top
        Limits of the quantity itself; the axis passes them by a line's width at most.
    """
    if ax.get_yscale() == "log":
        seen = drawn(ax)
        low, high = np.log10(seen[seen > 0].min()), np.log10(seen.max())
        room = max(0.05 * (high - low), 0.02)
        ax.set_ylim(10 ** (low - room), 10 ** (high + room))
        return
    low, high = ax.get_ylim()
    room = 0.01 * (high - low)
    ax.set_ylim(max(low, bottom - room), min(high, top + room))


def drawn(ax: Axes) -> NDArray[np.float64]:
    """Return the finite heights of all lines."""
    heights = [np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines()]
    seen = np.concatenate([np.empty(0), *heights])
    return seen[np.isfinite(seen)]


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
        colour = line.get_color()
        shape = {"arrowstyle": "-", "shrinkA": 0, "shrinkB": 3, "relpos": (0, 0.5)}
        arrow = {"color": colour, "lw": 0.6, **shape}
        look: dict[str, Any] = {"color": colour, "fontsize": 9, "va": "center", "annotation_clip": False}
        ax.annotate(str(line.get_label()), end, (1.03, place), "axes fraction", arrowprops=arrow, **look)


def spread(ends: list[float], gap: float = GAP) -> list[float]:
    """Return a place in [0, 1] for each end, in the same order, at least a gap apart, each near its end.

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
    pooled = np.concatenate([np.empty(0), *(np.full(len(block), np.mean(block)) for block in blocks)])
    places = np.empty(len(ends))
    places[order] = np.clip(pooled, 0.0, max(1 - gap * (len(ends) - 1), 0.0)) + steps
    return [float(place) for place in places]
