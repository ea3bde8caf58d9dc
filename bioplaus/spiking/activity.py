"""How a batch goes through a spiking network, in numbers: firing rates, silent and saturated units, ties, synaptic operations."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bioplaus.layer import Layer, Trace
from bioplaus.network import Network, Pass
from bioplaus.recurrent_layer import RecurrentLayer
from bioplaus.spiking.task import SpikingClassification

__all__ = ["activity", "layer_spikes"]


@torch.no_grad()
def activity(network: Network, run: Pass, task: SpikingClassification) -> dict[str, Tensor]:
    """Return what one pass of a network says about its spikes, float64.

    Returns
    -------
    dict
        ``firing_rate`` ``[R, layers]``: spikes per unit and step, in [0, 1], of pooled units where a layer pools; ``silent_share``,
        ``saturated_share`` ``[R, layers]``: units that fire in no step, in every step, of the whole batch; ``tie_fraction`` ``[R]``: samples
        whose predicted class is level with another in what is compared (counts, first steps, largest membranes); ``synaptic_operations``
        ``[R]``: spikes times the synapses they reach, per sample, less those into the first layer, whose input need not be spikes. An output
        layer that cannot fire has NaN in the first three.
    """
    rates, silent, saturated = [], [], []
    sent = layer_spikes(run, task)
    for spikes in sent:
        if spikes is None:
            nothing = torch.full((run.out.shape[0],), torch.nan, device=run.out.device)
            units, shares = nothing, (nothing, nothing)
        else:
            each = spikes.flatten(3).mean((1, 2), dtype=torch.float64)
            units, shares = each.mean(1), ((each == 0).double().mean(1), (each == 1).double().mean(1))
        rates.append(units)
        silent.append(shares[0])
        saturated.append(shares[1])
    evidence = task.evidence(run.out)
    ties = (evidence == evidence.amax(-1, keepdim=True)).sum(-1) > 1
    operations = [_operations(layer, trace) for layer, trace in list(zip(network.layers, run.traces))[1:]]
    echoes = [_echoes(layer, own) for layer, own in zip(network.layers, sent) if isinstance(layer, RecurrentLayer) and own is not None]
    return {
        **{
            key: torch.stack(found, 1).double()
            for key, found in (("firing_rate", rates), ("silent_share", silent), ("saturated_share", saturated))
        },
        "tie_fraction": ties.double().mean(1),
        "synaptic_operations": sum(
            [*operations, *echoes], torch.zeros(run.out.shape[0], dtype=torch.float64, device=run.out.device)
        ),
    }


def layer_spikes(run: Pass, task: SpikingClassification) -> list[Tensor | None]:
    """Return the spikes of every layer ``[R, B, T, *units]``, pooled ones where a layer pools; None for an output layer that cannot fire."""
    return [*(trace.out for trace in run.traces[:-1]), task.spikes(run.out) if task.fires else None]


def _operations(layer: Layer, trace: Trace) -> Tensor:
    """Return the input spikes of a layer, per sample, times the synapses that each reaches, ``[R]``."""
    c = layer.connection
    everything = trace.pre.new_ones((1, 1, *c.out_shape), dtype=torch.float64)
    reached = c.give_back(trace.pre.new_ones((1, *c.weight_shape), dtype=torch.float64), everything)[
        0, 0
    ]  # all weights 1: it counts
    return (trace.pre.sum(2, dtype=torch.float64).mean(1) * reached).flatten(1).sum(1)


def _echoes(layer: Layer, spikes: Tensor) -> Tensor:
    """Return the same for spikes that come back to the layer they are from, one step later: those of the last step are too late."""
    others = math.prod(layer.connection.out_shape) - 1
    return spikes[:, :, :-1].flatten(2).sum(2, dtype=torch.float64).mean(1) * others
