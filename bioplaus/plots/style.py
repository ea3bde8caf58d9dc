"""The look shared by all figures. Objects alone are styled: global settings and pyplot stay untouched."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "HAIR",
    "INK",
    "LEADER",
    "MUTED",
    "VERMILION",
    "footnote",
    "layer_colours",
    "log_axis",
    "log_x",
    "name_axes",
    "new_figure",
]

# Okabe & Ito (2008), told apart by colour-blind readers
BLUE, VERMILION = "#0072B2", "#D55E00"
INK, MUTED, LEADER, HAIR = "#222222", "#6b6b6b", "#b4b4b4", "#d9d9d9"
WIDTH = 8.33  # inch; 1000 pixels at 120 dpi
DPI = 120
LINE = 145  # letters of a footnote side by side


def new_figure(
    title: str,
    panels: int = 1,
    height: float = 3.9,
    columns: int | None = None,
    below_title: float = 0.0,
    shared: bool = True,
) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of 1000 pixels width with its panels side by side, or in rows of so many columns.

    Panels of several rows share their axes' limits, if `shared`; places of the last row that are not needed stay empty. So many inches stay
    free below the title, for a legend.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06, wspace=0.06, rect=(0, 0, 1, 1 - below_title / height))
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.012, ha="left", fontsize=11, fontweight="bold", color=INK, parse_math=False)
    columns = min(columns or panels, panels)
    rows = -(-panels // columns)
    alike = shared and rows > 1
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=alike, sharey=alike).flat)
    for ax in axes[panels:]:
        ax.remove()
    del axes[panels:]
    for ax in axes:
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            ax.spines[side].set_color(MUTED)
        ax.tick_params(which="both", colors=INK, labelsize=9, color=MUTED)
        ax.grid(axis="y", color=HAIR, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.margins(x=0.015)
    return figure, axes


def name_axes(ax: Axes, clock: str, label: str) -> None:
    """Name the axes: time in epochs or updates, and what is measured."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    ax.set_xlabel({"epoch": "epoch", "step": "update"}[clock], fontsize=9, color=INK)
    ax.set_ylabel(label, fontsize=9.5, color=INK)


def log_axis(ax: Axes, low: float, high: float) -> None:
    """Make the upright axis logarithmic for values between low and high, with plain numbers where short."""
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter, StrMethodFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 100 else (1,)))
    powers = LogFormatterSciNotation(minor_thresholds=(np.inf, np.inf))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}") if low > 5e-4 else powers)
    ax.yaxis.set_minor_formatter(NullFormatter())


def log_x(ax: Axes) -> None:
    """Make the level axis logarithmic, no wider than what is drawn and a little room, with plain numbers."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

    low, high = ax.dataLim.x0, ax.dataLim.x1
    room = max((high / low) ** 0.03, 1.1)
    ax.set_xscale("log")
    ax.set_xlim(low / room, high * room)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high / low > 8 else MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def layer_colours(count: int) -> list[Any]:
    """Return a colour per layer, dark at the input, light at the output; viridis without its palest end."""
    from matplotlib import colormaps

    return [colormaps["viridis"](x) for x in np.linspace(0.0, 0.8, count)] if count > 1 else [BLUE]


def footnote(figure: Figure, seeds: int, extra: str = "", *, thin: bool = True, interval: str = "band") -> None:
    """Say below the panels what line, band (or bar) and thin lines are, which kind of interval is drawn, or why none is."""
    text = f"One seed: no {interval}, as it takes three to draw an interval."
    if seeds > 1:
        why = "no {}, as an interval from two seeds is 13 times as wide as they are apart"
        drawn = why.format(interval) if seeds == 2 else f"{interval}: its 95 % interval (Student's t)"
        text = f"Line: mean of {seeds} seeds{'; thin lines: single seeds' if thin else ''}; {drawn}."
    figure.supxlabel(textwrap.fill(f"{text} {extra}".strip(), LINE), x=0.012, ha="left", fontsize=8, color=MUTED)
