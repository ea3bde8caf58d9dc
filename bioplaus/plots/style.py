"""The look shared by all figures. Only objects are styled: matplotlib's global settings and pyplot stay untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BLUE", "DPI", "INK", "MUTED", "VERMILION", "footnote", "layer_colours", "name_axes", "new_figure"]

# Okabe & Ito (2008), told apart by colour-blind readers
BLUE, VERMILION = "#0072B2", "#D55E00"
INK, MUTED, HAIR = "#222222", "#6b6b6b", "#d9d9d9"
WIDTH = 8.33  # inch; 1000 pixels at 120 dpi
DPI = 120


def new_figure(title: str, panels: int = 1, height: float = 3.9) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of 1000 pixels width with its panels side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06, wspace=0.06)
    figure.suptitle(title, x=0.012, ha="left", fontsize=11, fontweight="bold", color=INK, parse_math=False)
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    for ax in axes:
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            ax.spines[side].set_color(MUTED)
        ax.tick_params(colors=INK, labelsize=9, color=MUTED)
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


def layer_colours(count: int) -> list[Any]:
    """Return a colour per layer, dark at the input, light at the output; viridis without its palest end."""
    from matplotlib import colormaps

    return [colormaps["viridis"](x) for x in np.linspace(0.0, 0.8, count)] if count > 1 else [BLUE]


def footnote(figure: Figure, seeds: int, extra: str = "") -> None:
    """Say below the panels what line, band and thin lines are."""
    several = f"Line: mean of {seeds} seeds; band: its 95 % interval; thin lines: single seeds."
    text = several if seeds > 1 else "One seed: no interval."
    figure.supxlabel(f"{text} {extra}".strip(), x=0.012, ha="left", fontsize=8, color=MUTED)
