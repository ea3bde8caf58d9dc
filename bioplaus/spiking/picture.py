"""One sample on its way through a spiking network: what comes in, who fires when, how membranes rise to the threshold."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from bioplaus.layer import Layer, Trace
from bioplaus.network import Pass
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.spiking.task import SpikingClassification
from bioplaus.view import View

__all__ = ["one_sample"]

#: Units that a raster shows at most, spread evenly over the layer.
SHOWN = 80
#: Hidden layers that are shown at most: the first ones, and the last.
RASTERS = 3
STEP = "time step"


@torch.no_grad()
def one_sample(view: View) -> Curves:
    """Return input, spikes of hidden layers, membranes, and output spikes of the first sample in the first replica."""
    task, network = view.task, view.networks["forward"]
    assert isinstance(task, SpikingClassification)
    run = network.forward(view.params, view.batch.x[:, :1], view.buffers)
    steps = run.out.shape[2]
    hidden = list(range(len(network.layers) - 1))
    chosen = hidden if len(hidden) <= RASTERS else [*hidden[: RASTERS - 1], hidden[-1]]
    rasters = [
        _raster(_numbered(run.traces[i].out[0, 0].flatten(1), "unit"), f"hidden layer {i + 1}: spikes", steps)
        for i in chosen
    ]
    panels = [_input(view.batch.x[0, 0], steps), *rasters]
    if 1 <= len(hidden) < RASTERS:
        i = hidden[-1]
        panels.append(
            _hidden_membranes(network.layers[i], run.traces[i], view.params, f"hidden layer {i + 1}: membranes")
        )
    truth, found = int(view.batch.y[0, 0]), int(task.predicted(run.out)[0, 0])
    panels.append(_output_membranes(run, task, truth, found))
    if task.fires:
        counted = task.spikes(run.out)[0, 0]
        panels.append(_raster((counted, "class", list(range(counted.shape[1]))), "output units: spikes", steps, truth))
    pooled = (
        "; spikes of hidden layers are those behind their pooling"
        if any(layer.after for layer in network.layers[:-1])
        else ""
    )
    note = f"Of class {truth}, read as {found}. Membranes are those before a reset{pooled}."
    return Curves("spikes.png", "One sample over time (first seed)", panels, note, shared=False)


def _numbered(spikes: Tensor, what: str) -> tuple[Tensor, str, list[int]]:
    """Return some units ``[T, n]`` of ``[T, N]``, how the axis is to be called, and which they are."""
    count = spikes.shape[1]
    which = (
        sorted({round(i * (count - 1) / (SHOWN - 1)) for i in range(SHOWN)}) if count > SHOWN else list(range(count))
    )
    return spikes[:, which], f"{what} ({len(which)} of {count:,})" if len(which) < count else what, which


def _raster(shown: tuple[Tensor, str, list[int]], title: str, steps: int, special: int | None = None) -> Panel:
    """Return a panel of spikes ``[T, n]``; those of one special unit in another colour."""
    spikes, name, which = shown
    t, row = (axis.tolist() for axis in spikes.nonzero(as_tuple=True))
    size = min(9.0, max(2.5, 160 / len(which)))
    dots = [
        Series(
            "", [at + 1 for at, _ in of], [which[r] for _, r in of], points=True, marker="|", colour=colour, size=size
        )
        for colour, own in ((0, False), (1, True))
        if (of := [(at, r) for at, r in zip(t, row) if (which[r] == special) == own])
    ]
    room = max(0.5, 0.02 * which[-1])
    limits, text = (-room, which[-1] + room), "" if t else "no spikes"
    return Panel(STEP, name, dots, title, whole_x=True, whole_y=True, x_limits=_time(steps), y_limits=limits, text=text)


def _time(steps: int) -> tuple[float, float]:
    room = max(0.5, 0.02 * steps)
    return (1 - room, steps + room)


def _input(x: Tensor, steps: int) -> Panel:
    """Show spikes as a raster, a constant image as an image, other constant currents as points; x ``[T or 1, *shape]``."""
    if x.shape[0] > 1:
        return _raster(_numbered(x.flatten(1), "input"), "input: spikes", steps)
    if x.dim() == 4:
        return Panel("the same current at every step", "", [], "input", image=x[0].mean(0).cpu().numpy())
    flat = x.flatten().tolist()
    return Panel(
        "input", "current at every step", [Series("", list(range(len(flat))), flat, points=True)], "input", whole_x=True
    )


def _hidden_membranes(layer: Layer, trace: Trace, params: Mapping[str, Tensor], title: str) -> Panel:
    """Show the unit that fires most, one in the middle of those that fire, and one that fires least."""
    reader = copy.copy(layer.neuron)
    spikes = reader.forward(trace.current, {key: params[leaf] for key, leaf in layer.own.items()})[0][0, 0].flatten(1)
    reader.as_membrane = True  # type: ignore[attr-defined]
    membrane = reader.forward(trace.current, {key: params[leaf] for key, leaf in layer.own.items()})[0][0, 0].flatten(1)
    order = spikes.sum(0).argsort(descending=True, stable=True).tolist()
    counts = spikes.sum(0).int().tolist()
    picked = list(dict.fromkeys((order[0], order[sum(count > 0 for count in counts) // 2], order[-1])))
    lines = [_line(f"unit {u} ({_spikes(counts[u])})", membrane[:, u], colour) for colour, u in enumerate(picked)]
    return _membranes(lines, title, reader.config.threshold)


def _spikes(count: int) -> str:
    return f"{count} spike" if count == 1 else f"{count} spikes"


def _output_membranes(run: Pass, task: SpikingClassification, truth: int, found: int) -> Panel:
    membrane = run.out[0, 0]
    lines = [_line("", membrane[:, k], None) for k in range(membrane.shape[1]) if k not in (truth, found)]
    if found != truth:
        lines.append(_line(f"class {found} (read)", membrane[:, found], 0))
    lines.append(_line(f"class {truth} (right)", membrane[:, truth], 1))
    return _membranes(lines, "output units: membranes", task.unit.threshold if task.fires else None)


def _line(label: str, membrane: Tensor, colour: int | None) -> Series:
    return Series(label, list(range(1, len(membrane) + 1)), membrane.tolist(), colour=colour)


def _membranes(lines: list[Series], title: str, threshold: float | None) -> Panel:
    """Return a panel of membranes, its limits wide enough for the threshold and a legend above."""
    steps = len(lines[0].y)
    heights = (
        [value for line in lines for value in line.y if abs(value) < float("inf")]
        + ([] if threshold is None else [threshold])
        + [0.0]
    )
    low, high = min(heights), max(heights)
    span = max(high - low, 1e-6)
    level = (
        [] if threshold is None else [Series("threshold", [*_time(steps)], [threshold] * 2, colour=None, dashed=True)]
    )
    limits = (low - 0.05 * span, high + (0.16 + 0.08 * sum(bool(s.label) for s in [*lines, *level])) * span)
    return Panel(
        STEP,
        "membrane",
        [*lines, *level],
        title,
        whole_x=True,
        x_limits=_time(steps),
        y_limits=limits,
        legend="upper left",
    )
