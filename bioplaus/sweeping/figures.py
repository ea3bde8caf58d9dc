"""Figures of a sweep: the score against each key that is a number, and a map of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.pictures import Heatmap
from bioplaus.plots import save_figure
from bioplaus.plots.heatmap import heatmap_figure
from bioplaus.plots.style import INK, MUTED, log_x, new_figure
from bioplaus.sweeping.results import numeric_keys
from bioplaus.sweeping.table import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["against", "draw", "heat_map"]

# Okabe & Ito (2008), told apart by colour-blind readers
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C564B")
#: Values between the smallest and the largest of which so many times lie are drawn along a logarithm.
WIDE = 8.0
ASIDE = 0.006  # of the axis, between the bars of two lines
MOST_FIELDS = 20  # of a map, per side

Row = Mapping[str, Any]


def draw(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw all figures that the cells allow and return their paths."""
    keys = [key for key in numeric_keys(found) if len({row["swept"][key] for row in found["cells"]}) > 1]
    rows = [row for row in found["cells"] if _value(row, found) is not None]
    figures = {f"{key}.png": against(key, rows, found) for key in keys} if rows else {}
    paths = [save_figure(figure, folder / name) for name, figure in figures.items()]
    if len(keys) == 2 and rows and all(len({row["swept"][key] for row in rows}) <= MOST_FIELDS for key in keys):
        rest = [key for key in found["keys"] if key not in keys]
        groups = _groups(rows, rest)
        for i, (name, some) in enumerate(groups.items()):
            paths.append(save_figure(heat_map(keys, some, found, name), folder / f"map{f'-{i + 1}' if len(groups) > 1 else ''}.png"))
    return paths


def _value(row: Row, found: Mapping[str, Any]) -> float | None:
    """Return the mean validation score as it is drawn: accuracy in percent, loss as it is."""
    mean = row[f"validation_{found['score']}"]["mean"]
    return None if mean is None else mean * (100 if found["score"] == "accuracy" else 1)


def _groups(rows: Sequence[Row], keys: Sequence[str]) -> dict[str, list[Row]]:
    """Return the rows that have the same values of some keys, by these values in words."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(" ".join(f"{key}={text(row['swept'][key])}" for key in keys), []).append(row)
    return found


def against(key: str, rows: Sequence[Row], found: Mapping[str, Any]) -> Figure:
    """Return the validation score against one key: a line per combination of the others if they are few, else a point per cell."""
    figure, (ax,) = new_figure(f"Validation {found['score']} against {key}", height=4.2)
    groups = _groups(rows, [other for other in found["keys"] if other != key])
    lines = len(groups) <= len(COLOURS) and len(groups) < len(rows)
    said = "Points: cells, means over seeds." if not lines else "Points: means over seeds"
    if not lines:
        heights = np.array([_value(row, found) for row in rows])
        ax.plot([row["swept"][key] for row in rows], heights, "o", ms=4, color=COLOURS[0], alpha=0.7)
    values = [row["swept"][key] for row in rows]
    log = min(values) > 0 and max(values) / min(values) >= WIDE
    for i, ((name, some), colour) in enumerate(zip(groups.items() if lines else (), COLOURS)):
        aside = (i - (len(groups) - 1) / 2) * ASIDE  # bars of several lines beside each other
        place = partial(_beside, aside=aside, log=log, ends=(min(values), max(values)))
        _draw_line(ax, [place(row["swept"][key]) for row in some], some, found, name, colour)
    if lines:
        said += "; bars: 95 % intervals (Student's t)." if len(found["seeds"]) > 1 else "; one seed, no interval."
        if len(groups) > 1:
            ax.legend(fontsize=8, frameon=False, labelcolor=INK)
    if log:
        log_x(ax)
    if found["score"] == "accuracy":  # an interval is not clipped, the axis is
        low, high = ax.get_ylim()
        ax.set_ylim(max(low, -2), min(high, 102))
    ax.set_xlabel(key, fontsize=9, color=INK)
    ax.set_ylabel(f"validation {found['score']}{' (%)' if found['score'] == 'accuracy' else ''}", fontsize=9.5, color=INK)
    figure.supxlabel(said, x=0.012, ha="left", fontsize=8, color=MUTED)
    return figure


def _beside(value: float, aside: float, log: bool, ends: tuple[float, float]) -> float:
    """Return a value moved aside by a share of the axis."""
    return float(value * (ends[1] / ends[0]) ** aside if log else value + (ends[1] - ends[0]) * aside)


def _draw_line(ax: Axes, x: Sequence[float], rows: Sequence[Row], found: Mapping[str, Any], name: str, colour: str) -> None:
    unit = 100 if found["score"] == "accuracy" else 1
    y = np.array([_value(row, found) for row in rows])
    ends = [row[f"validation_{found['score']}"]["ci95"] for row in rows]
    bars = np.array([[middle, middle] if end is None else [one * unit for one in end] for end, middle in zip(ends, y)])
    order = np.argsort(x)
    reach = np.abs(bars - y[:, None])[order].T
    ax.errorbar(np.asarray(x)[order], y[order], yerr=reach, fmt="o-", ms=4, lw=1.6, capsize=2.5, color=colour, label=name)


def heat_map(keys: Sequence[str], rows: Sequence[Row], found: Mapping[str, Any], name: str = "") -> Figure:
    """Return the validation score over two keys, the first one downwards; a field without a cell is empty."""
    first, second = (sorted({row["swept"][key] for row in rows}) for key in keys)
    fields = np.full((len(first), len(second)), np.nan)
    for row in rows:
        value = _value(row, found)
        if value is not None:
            fields[first.index(row["swept"][keys[0]]), second.index(row["swept"][keys[1]])] = value
    unit = "%, " if found["score"] == "accuracy" else ""
    title = f"Validation {found['score']}: {keys[0]} (down) and {keys[1]} (across){f', {name}' if name else ''}"
    limits = (float(np.nanmin(fields)), float(np.nanmax(fields)))
    scale = f"validation {found['score']} ({unit}mean over seeds)"
    picture = Heatmap("map", title, [text(v) for v in first], [text(v) for v in second], fields.tolist(), limits=limits, scale=scale)
    return heatmap_figure(picture)
