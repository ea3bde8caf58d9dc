"""Lines over time: mean, band and single seeds, with their names beside their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.plots.style import LEADER
from bioplaus.stats import t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_seeds", "drawn", "fit_y", "name_lines", "reaches_below", "spread"]

FEWEST = 3  # seeds for a band
FINE = 14  # points up to which every one gets a dot
CUT = 5  # part of the lowest line below which a logarithmic axis does not show bands
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
    aside: float | None = None,
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
    aside
        Draw the interval of the last point alone, as a bar so many typographic points to the right of it, and no band: many bands on top of
        each other cannot be read.
    """
    mean, low, high = _centre(values, geometric)
    if thin and len(values) > 1:
        for row in values:
            dots = np.flatnonzero(_alone(row))
            ax.plot(when, row, color=colour, lw=0.7, alpha=0.4, marker="o", ms=2.5, markevery=dots.tolist())
    enough = np.isfinite(values).sum(0) >= FEWEST
    low, high = (np.where(enough, edge, np.nan) for edge in (low, high))
    if aside is not None:
        _bar(ax, when, low, high, colour, aside)
    elif enough.any():
        ax.fill_between(when, low, high, color=colour, alpha=0.16, linewidth=0)
        alone = _alone(low)
        ax.vlines(when[alone], low[alone], high[alone], color=colour, alpha=0.3, linewidth=5)
    dots = np.flatnonzero(_alone(mean) | (len(when) <= FINE))
    style: dict[str, Any] = {"lw": 1.8, "marker": "o", "ms": 3.5, "markevery": dots.tolist(), "zorder": 3}
    ax.plot(when, mean, color=colour, label=name, **style)


def _bar(ax: Axes, when: NDArray[Any], low: NDArray[np.float64], high: NDArray[np.float64], colour: Any, aside: float) -> None:
    from matplotlib.transforms import offset_copy

    there = np.flatnonzero(np.isfinite(low))[-1:]
    figure: Any = ax.figure
    beside = offset_copy(ax.transData, figure, x=aside, units="points")
    ax.vlines(when[there], low[there], high[there], color=colour, linewidth=2.2, alpha=0.75, transform=beside)


def _centre(values: NDArray[np.float64], geometric: bool) -> tuple[NDArray[np.float64], ...]:
    mean, _, low, high = t_interval(np.log(values) if geometric else values)
    return (np.exp(mean), np.exp(low), np.exp(high)) if geometric else (mean, low, high)


def _alone(row: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which points have no neighbour that a line could reach."""
    there = np.concatenate([[False], np.isfinite(row), [False]])
    return there[1:-1] & ~there[:-2] & ~there[2:]


def fit_y(ax: Axes, bottom: float = -np.inf, top: float = np.inf, least: float = 0.0) -> None:
    """Set the limits of the upright axis to what is drawn, lines, bands and bars.

    Parameters
    ----------
    bottom, top
        Limits of the quantity itself; the axis passes them by a line's width at most. On a logarithmic axis, where a band may reach to 0 or
        below, a band counts down to a fifth of the lowest line.
    least
        Span of a linear axis at least, about its middle: a line that hardly moves is to look like one.
    """
    lines, edges = drawn(ax), _edges(ax)
    if ax.get_yscale() == "log":
        lowest = lines[lines > 0].min()
        low, high = np.log10(min([lowest, *edges[edges > lowest / CUT]])), np.log10(min(max([*lines, *edges]), top))
        room = max(0.05 * (high - low), 0.02)
        ax.set_ylim(10 ** (low - room), 10 ** (high + room))
        return
    both = np.concatenate([lines, edges])
    low, high = both.min(), both.max()
    room, missing = 0.05 * (high - low) or 0.05 * (abs(high) or 1.0), max(least - (high - low), 0.0) / 2
    low, high = low - max(room, missing), high + max(room, missing)
    room = 0.01 * (high - low)
    low, high = max(low, bottom - room), min(high, top + room)
    low = min(low, max(high - least, bottom - room))  # what a limit of the quantity cut off, the other side gets
    ax.set_ylim(low, max(high, min(low + least, top + room)))


def reaches_below(ax: Axes) -> bool:
    """Return whether a band or bar goes down below a fifth of the lowest line, where a logarithmic axis could not show it."""
    lines, edges = drawn(ax), _edges(ax)
    return bool(len(edges)) and bool(edges.min() < lines[lines > 0].min() / CUT)


def _edges(ax: Axes) -> NDArray[np.float64]:
    """Return the finite heights of the edges of all bands and bars."""
    corners = [np.asarray(path.vertices)[:, 1] for shape in ax.collections for path in shape.get_paths()]
    seen = np.concatenate([np.empty(0), *corners])
    return seen[np.isfinite(seen)]


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
        shape = {"arrowstyle": "-", "shrinkA": 0, "shrinkB": 3, "relpos": (0, 0.5)}
        arrow = {"color": LEADER, "lw": 0.8, "linestyle": (0, (2, 2)), **shape}  # grey and dashed: no curve
        look: dict[str, Any] = {"color": line.get_color(), "fontsize": 9, "va": "center", "annotation_clip": False}
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
