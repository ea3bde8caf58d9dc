"""Figures of a comparison: learning curves with bands, accuracy against compute, angle to backprop per layer over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.comparison.plan import OF_SPIKES, REFERENCE
from bioplaus.plots import save_figure
from bioplaus.plots.lines import draw_seeds, drawn, fit_y, name_lines, reaches_below
from bioplaus.plots.per_layer import weight_name
from bioplaus.plots.series import clock, layers, present, series
from bioplaus.plots.style import INK, MUTED, footnote, layer_colours, log_x, name_axes, new_figure
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
POOR = 20  # percent of errors: where no row has fewer, there is nothing to spread out
#: rules that are backprop: black, and without a panel of angles to themselves
BACKPROP = (REFERENCE, OF_SPIKES)
MANY = 4  # rows from which intervals are bars at the ends, not bands
SPREAD = 40.0  # typographic points over which the bars of all rows are spread at most
KEY_COLUMNS = 8  # names in a line of a legend
#: What floating-point operations are counted in: the largest that leaves no fraction.
UNITS = ((1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP"), (1e3, "kFLOP"), (1, "FLOP"))
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
    return [INK if row["rule"] in BACKPROP else next(others) for row, _ in runs]


def _draw_scores(ax: Axes, runs: Sequence[Run], score: str, scale: Sequence[float] | None = None) -> str:
    """Draw the validation score of every row over the epochs, or over epochs times its scale; return what a footnote has to say of it."""
    cut = marked = False
    ends: list[float] = []
    for i, ((row, table), colour) in enumerate(zip(runs, _colours(runs))):
        when, values = series(table, score, SHOWN)
        if not np.isfinite(values).any():
            continue
        if len(when) > 2 or scale is not None:  # the untrained network would stretch the axis
            cut = cut or bool((when == 0).any())
            when, values = when[when > 0], values[:, when > 0]
        where: Any = when if scale is None else when * scale[i]
        shown = np.maximum(100 * (1 - values), LEAST) if score == "accuracy" else values
        before = np.isclose(ends, where[-1], rtol=0.03).sum()  # lines that end there, too, whose bars come first
        ends.append(where[-1])
        aside = None if len(runs) < MANY else 5.0 + before * min(5.0, SPREAD / len(runs))
        draw_seeds(ax, where, shown, colour, row["rule"], thin=False, aside=aside)
        marked = _mark(ax, when, ax.get_lines()[-1], row["selected_epoch"]) or marked
    return " ".join(["Epoch 0 is left out."] * cut + ["Diamonds: epochs of the tested weights."] * marked)


def _mark(ax: Axes, when: Any, line: Any, selected: Sequence[int]) -> bool:
    """Mark the epochs whose weights are tested, one per seed, on the mean; return whether there are any on it."""
    at = np.flatnonzero(np.isin(when, selected))
    style: dict[str, Any] = {"linestyle": "none", "marker": "D", "ms": 5.5, "mfc": "white", "mew": 1.3, "zorder": 4}
    ax.plot(line.get_xdata()[at], line.get_ydata()[at], mec=line.get_color(), **style)
    return len(at) > 0


def curves(runs: Sequence[Run], score: str, title: str) -> Figure | None:
    """Return the learning curves: validation accuracy (or loss) over the epochs, one line per row."""
    if not any(present(table, score, SHOWN) for _, table in runs):
        return None
    figure, (ax,) = new_figure(f"Learning curves: {title}", height=_height(runs))
    said = _draw_scores(ax, runs, score)
    if len(runs) >= MANY:
        left, right = ax.get_xlim()
        ax.set_xlim(left, right + 0.08 * (right - left))  # room for the bars
    name_axes(ax, "epoch", "")
    _finish(ax, score)
    _say_below(figure, runs, score, said)
    return figure


def against_compute(runs: Sequence[Run], found: Mapping[str, Any], title: str) -> Figure | None:
    """Return the score against what it cost: FLOPs per sample x training samples x epochs, of one network."""
    runs = [(row, table) for row, table in runs if row["flops_per_sample"]]
    if not found["epochs"] or not any(present(table, found["score"], SHOWN) for _, table in runs):
        return None
    figure, (ax,) = new_figure(f"Score against compute: {title}", height=_height(runs))
    spent = [row["flops_per_sample"] * found["train_samples"] for row, _ in runs]
    size, unit = next((size, unit) for size, unit in UNITS if min(spent) >= size or size == 1)
    said = _draw_scores(ax, runs, found["score"], [one / size for one in spent])
    log_x(ax)
    ax.set_xlabel(f"{unit} spent on training one network, search of the rate apart", fontsize=9, color=INK)
    _finish(ax, found["score"])
    _say_below(figure, runs, found["score"], said)
    return figure


def _height(runs: Sequence[Run]) -> float:
    """Return inches enough for a name per row."""
    return max(4.6, 1.2 + 0.2 * len(runs))


def _finish(ax: Axes, score: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    label = "validation loss"
    if score == "accuracy":
        # drawn is the error, upside down, written is the accuracy; logarithmic, 98 and 99 % are as far apart as 80 and 90 %
        label = "validation accuracy (%)"
        if reaches_below(ax) or drawn(ax).min() > POOR:
            fit_y(ax, 0, 100)
        else:
            label += "\nlogarithmic in the error"
            ax.set_yscale("log")
            fit_y(ax, top=100)
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{100 - error:g}"))
        ax.invert_yaxis()
    else:
        fit_y(ax)
    ax.set_ylabel(label, fontsize=9.5, color=INK)
    name_lines(ax)


def _say_below(figure: Figure, runs: Sequence[Run], score: str, said: str) -> None:
    footnote(figure, len(runs[0][0][score]["values"]), said, thin=False, interval="band" if len(runs) < MANY else "bar at the end")


def angles(runs: Sequence[Run], title: str) -> Figure | None:
    """Return a panel per rule: the angle between its change and backprop's, per layer over time; mean over seeds."""
    runs = [(row, table) for row, table in runs if row["name"] not in BACKPROP and layers(table, "angle_to_bp", "probe")]
    if not runs:
        return None
    columns = min(3, len(runs))
    depth = max(max(layers(table, "angle_to_bp", "probe")) for _, table in runs) + 1
    key = 0.22 * -(-depth // KEY_COLUMNS)  # inches of the legend, between title and panels
    height = 1.1 + key + 2.5 * -(-len(runs) // columns)
    figure, axes = new_figure(f"Angle to backprop's change: {title}", len(runs), height, columns=columns, below_title=key)
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
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0.007, 1 - 0.28 / height), "borderaxespad": 0.0}
    figure.legend([handles[n] for n in names], names, ncols=KEY_COLUMNS, fontsize=8.5, frameon=False, **place)
    footnote(figure, len(runs[0][0]["accuracy"]["values"]), "Dashed: 90°, no relation.", thin=False)
    return figure
