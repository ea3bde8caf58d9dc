"""What a spiking network does, whatever rule trained it: firing rates, silent units, synaptic operations, one sample over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from bioplaus.network import Pass
from bioplaus.pictures import Curves, Findings, Panel, Picture, Series
from bioplaus.spiking.task import SpikingClassification
from bioplaus.view import View

__all__ = ["activity", "spiking_findings"]

#: Units of a layer that a raster shows.
SHOWN = 60


def activity(view: View) -> dict[str, Tensor]:
    """Return how a batch goes through the network, float64.

    Returns
    -------
    dict
        ``firing_rate`` ``[R, layers]``: spikes per unit and step, in [0, 1]; ``silent_share``, ``saturated_share``: units that fire in no step, in
        every step, of the whole batch; ``ties`` ``[R]``: samples whose largest spike count is shared; ``operations`` ``[R]``: spikes times the
        synapses they reach, per sample, of the layers behind the first (whose input need not be spikes).
    """
    task = view.task
    assert isinstance(task, SpikingClassification)
    network = view.networks["forward"]
    run = network.forward(view.params, view.batch.x, view.buffers)
    rates, silent, saturated = [], [], []
    for spikes in _spikes(run, task):
        units = spikes.flatten(3).mean((1, 2))
        rates.append(units.mean(1))
        silent.append((units == 0).double().mean(1))
        saturated.append((units == 1).double().mean(1))
    counts = task.spikes(run.out).sum(2)
    ties = (counts == counts.amax(-1, keepdim=True)).sum(-1) > 1
    operations = torch.zeros(run.out.shape[0], dtype=torch.float64)
    for layer, trace in list(zip(network.layers, run.traces))[1:]:
        reached = math.prod(layer.connection.out_shape) * layer.connection.fan_in / math.prod(layer.connection.in_shape)
        operations += trace.pre.double().flatten(2).sum(2).mean(1).cpu() * reached
    stacked = {"firing_rate": rates, "silent_share": silent, "saturated_share": saturated}
    found = {key: torch.stack(values, 1).double().cpu() for key, values in stacked.items()}
    return {**found, "ties": ties.double().mean(1).cpu(), "operations": operations}


def _spikes(run: Pass, task: SpikingClassification) -> list[Tensor]:
    """Return the spikes of every layer ``[R, B, T, *units]``, less that of a leaky read-out, which has none; pooled ones where a layer pools."""
    hidden = [trace.out for trace in run.traces[:-1]]
    return hidden if hidden and task.unit.readout == "leaky" else [*hidden, task.spikes(run.out)]


@torch.no_grad()
def spiking_findings(views: Sequence[View]) -> Findings:
    """Return firing rates per layer, synaptic operations and a picture of one sample, given a view of each pack on some test samples."""
    parts = [activity(view) for view in views]
    found = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    values: dict[str, Any] = {
        "firing_rate": found["firing_rate"].mean(0).tolist(),
        "silent_share": found["silent_share"].mean(0).tolist(),
        "saturated_share": found["saturated_share"].mean(0).tolist(),
        "tie_fraction": float(found["ties"].mean()),
        "synaptic_operations_per_sample": float(found["operations"].mean()),
    }
    rates = ", ".join(f"{100 * rate:.2f} %" for rate in values["firing_rate"])
    lines = [
        f"spikes per unit and step, bottom layer first: {rates}; units that never fire: "
        + ", ".join(f"{100 * share:.0f} %" for share in values["silent_share"]),
        f"{values['synaptic_operations_per_sample']:.4g} synaptic operations per sample behind the first layer; "
        f"{100 * values['tie_fraction']:.1f} % of samples with a tie of spike counts",
    ]
    values["spiking_warning"] = _warning(values["firing_rate"], views[0])
    return Findings(values, "\n".join(lines), [_picture(views[0])])


def _warning(rates: Sequence[float], view: View) -> str | None:
    dead = [str(i) for i, rate in enumerate(rates) if rate == 0]
    if not dead:
        return None
    shown = ", ".join(f"{rate:.3g}" for rate in rates)
    silent = f"layers {' and '.join(dead)} never fire" if len(dead) > 1 else f"layer {dead[0]} never fires"
    return f"{silent} (spikes per unit and step, bottom first: {shown}); {_remedies(view.networks['forward'].layers[0].neuron.config)}"


def _remedies(unit: Any) -> str:
    """Return what makes such units fire more."""
    lower = "lower neuron.threshold, " if any(f.name == "threshold" for f in fields(unit)) else ""
    raised = [f"neuron.{name}" for name, owner in (("gain", "gain"), ("beta", "tau_mem")) if hasattr(unit, owner)]
    return f"{lower}raise {' or '.join(['network.init_scale', *raised])}, or take more neuron.steps"


def _picture(view: View) -> Picture:
    """Return spikes of the hidden layers and membranes of the output layer for the first sample of the first replica."""
    task = view.task
    assert isinstance(task, SpikingClassification)
    run = view.networks["forward"].forward(view.params, view.batch.x[:, :1], view.buffers)
    panels = []
    for i, trace in enumerate(run.traces[:-1][:2]):
        spikes = trace.out[0, 0].flatten(1)[:, :SHOWN]
        t, unit = (axis.tolist() for axis in spikes.nonzero(as_tuple=True))
        raster = [Series("", t, unit, points=True, marker="|")]
        panels.append(Panel("time step", f"unit (first {spikes.shape[1]})", raster, title=f"layer {i + 1}: spikes"))
    membrane = run.out[0, 0]
    steps = list(range(membrane.shape[0]))
    label = int(view.batch.y[0, 0])
    lines = [Series("", steps, membrane[:, k].tolist(), colour=None) for k in range(membrane.shape[1]) if k != label]
    lines.append(Series(f"class {label} (right)", steps, membrane[:, label].tolist(), colour=1))
    panels.append(Panel("time step", "membrane", lines, title="output units"))
    return Curves("spikes.png", "One test sample over time (first seed)", panels, "Grey: output units of the other classes.")
