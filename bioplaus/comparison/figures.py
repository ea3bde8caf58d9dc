"""Figures of a comparison: learning curves with bands, accuracy against compute, angle to backprop per layer over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.plots import save_figure
from bioplaus.plots.lines import draw_seeds, fit_y, name_lines
from bioplaus.plots.per_layer import weight_name
from bioplaus.plots.series import clock, layers, present, series
from bioplaus.plots.style import INK, MUTED, footnote, layer_colours, name_axes, new_figure
from bioplaus.recorder import read_metrics

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["against_compute", "angles", "curves", "draw"]

# Okabe & Ito (2008), then darker mixtures of them; backprop is black
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C564B", "#4D7F17", "#A6761D", "#B2182B", "#2C7FB8",
)  # fmt: skip
SHOWN = "validation"
LEAST = 0.1  # percent of errors, below which a logarithmic axis need not tell apart
#: A run with its row: what every figure is drawn from.
Run = tuple[Mapping[str, Any], "pyarrow.Table"]


def draw(found: Mapping[str, Any], path: Path) -> list[Path]:
    """Draw all figures that the rows allow into ``figures/`` and return their paths."""
    runs = [(row, read_metrics(path / row["run"] / "metrics.parquet")) for row in found["rows"] if row["error"] is None]
    title = f"{found['data']}, network {found['network']}"
    figures = {
        "curves.png": curves(runs, found["score"], title),
        "compute.png": against_compute(runs, found, title),
        "angles.png": angles(runs, title),
    }
    return [save_figure(figure, path / "figures" / name) for name, figure in figures.items() if figure is not None]


def _colours(runs: Sequence[Run]) -> list[str]:
    others = iter(COLOURS * (len(runs) // len(COLOURS) + 1))
    return [INK if row["rule"] == "bp" else next(others) for row, _ in runs]


def _draw_scores(ax: Axes, runs: Sequence[Run], score: str, scale: Sequence[float] | None = None) -> None:
    """Draw the validation score of every row over the epochs, or over epochs times its scale."""
    for i, ((row, table), colour) in enumerate(zip(runs, _colours(runs))):
        when, values = series(table, score, SHOWN)
        if not np.isfinite(values).any():
            continue
        if len(when) > 2 or scale is not None:  # the untrained network would stretch the axis
            when, values = when[when > 0], values[:, when > 0]
        where: Any = when if scale is None else when * scale[i]
        shown = np.maximum(100 * (1 - values), LEAST) if score == "accuracy" else values
        draw_seeds(ax, where, shown, colour, row["rule"], thin=False, band=0.16 if len(runs) < 5 else 0.07)


def curves(runs: Sequence[Run], score: str, title: str) -> Figure | None:
    """Return the learning curves: validation accuracy (or loss) over the epochs, one line per row."""
    if not any(present(table, score, SHOWN) for _, table in runs):
        return None
    figure, (ax,) = new_figure(f"Learning curves: {title}", height=4.6)
    _draw_scores(ax, runs, score)
    _finish(ax, "epoch", score)
    footnote(figure, len(runs[0][0][score]["values"]), "Epoch 0 is left out.", thin=False)
    return figure


def against_compute(runs: Sequence[Run], found: Mapping[str, Any], title: str) -> Figure | None:
    """Return the score against what it cost: FLOPs per sample x training samples x epochs, of one network."""
    runs = [(row, table) for row, table in runs if row["flops_per_sample"]]
    if not found["epochs"] or not any(present(table, found["score"], SHOWN) for _, table in runs):
        return None
    figure, (ax,) = new_figure(f"Score against compute: {title}", height=4.6)
    _draw_scores(ax, runs, found["score"], [row["flops_per_sample"] * found["train_samples"] / 1e9 for row, _ in runs])
    ax.set_xscale("log")
    _finish(ax, None, found["score"])
    ax.set_xlabel("GFLOP spent on training one network, search of the rate apart", fontsize=9, color=INK)
    footnote(figure, len(found["seeds"]), "Epoch 0 is left out.", thin=False)
    return figure


def _finish(ax: Axes, clock_name: str | None, score: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    label = "validation accuracy (%)" if score == "accuracy" else "validation loss"
    if clock_name is None:
        ax.set_ylabel(label, fontsize=9.5, color=INK)
    else:
        name_axes(ax, clock_name, label)
    if score == "accuracy":
        # drawn is the error, logarithmic and upside down, written is the accuracy: 98 and 99 % are as far apart as 80 and 90 %
        ax.set_yscale("log")
        fit_y(ax)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{100 - error:g}"))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.invert_yaxis()
    else:
        fit_y(ax)
    name_lines(ax)


def angles(runs: Sequence[Run], title: str) -> Figure | None:
    """Return a panel per rule: the angle between its change and backprop's, per layer over time; mean over seeds."""
    runs = [(row, table) for row, table in runs if row["name"] != "bp" and layers(table, "angle_to_bp", "probe")]
    if not runs:
        return None
    columns = min(3, len(runs))
    figure, axes = new_figure(f"Angle to backprop's change: {title}", len(runs), height=1.1 + 2.5 * -(-len(runs) // columns), columns=columns)
    depth = max(max(layers(table, "angle_to_bp", "probe")) for _, table in runs) + 1
    colours = layer_colours(depth)
    for ax, (row, table) in zip(axes, runs):
        for layer in layers(table, "angle_to_bp", "probe"):
            when, values = series(table, "angle_to_bp", "probe", layer)
            draw_seeds(ax, when, values, colours[layer], weight_name(layer), thin=False)
        ax.set_title(row["rule"], loc="left", fontsize=10, color=INK, parse_math=False)
        name_axes(ax, clock(table, "probe"), "")
        ax.set_yticks(range(0, 181, 30))
        ax.axhline(90, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    top = max(ax.dataLim.y1 for ax in axes)
    for i, ax in enumerate(axes):
        ax.set_ylim(-2, min(max(100.0, top + 5), 182))
        ax.tick_params(labelbottom=True)
        if i % columns == 0:
            ax.set_ylabel("angle (°)", fontsize=9.5, color=INK)
    handles = {str(line.get_label()): line for ax in axes for line in ax.get_lines() if not str(line.get_label()).startswith("_")}
    names = sorted(handles, key=lambda name: int(name.split()[-1]))
    figure.legend([handles[n] for n in names], names, loc="outside upper right", ncols=len(names), fontsize=8.5, frameon=False)
    footnote(figure, len(runs[0][0]["accuracy"]["values"]), "Dashed: 90°, no relation.", thin=False)
    return figure
