"""Surrogate gradients by snnTorch: its units step by step, gradients by autograd, the change written as every rule's is.

A second implementation of what the default engine computes, to be run beside it. Equal to it up to rounding; some ten times as slow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Dense, Wanted
from bioplaus.engines._snntorch_units import State, missing, released, start, unit_of, unsuited
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.operations import Scope
from bioplaus.rules.base import Learned, Learning, Rule
from bioplaus.spiking.task import SpikingClassification
from bioplaus.view import View
from bioplaus.world import Model, World

__all__ = ["SnntorchEngine", "Unrolled", "unroll"]

RULES = ("surrogate", "bp")


@dataclass(frozen=True)
class Unrolled:
    """One pass, with its graph: spikes ``[R, B, T, *units]`` of every layer's cells, membrane of the last one."""

    spikes: tuple[Tensor, ...]
    membrane: Tensor


class SnntorchEngine(LoopEngine):
    """Surrogate gradients on snnTorch's `Leaky` and `Synaptic`, step by step, by autograd."""

    def refuses(self, model: Model, batch_size: int) -> str | None:
        """Return why it cannot run the model, or None.

        It can run: ``rule=surrogate`` and ``rule=bp`` on networks of dense and convolutional layers without norm or dendrites, of neuron=lif or
        neuron=synaptic (order=new) with the delayed reset and a surrogate that snnTorch has right, in float32 or float64.
        """
        return missing() or _refuses_method(model) or _refuses_network(model)

    def advance(self, model: Model, world: World, block: Block) -> dict[str, Tensor]:
        """Run the block as the default engine does, changes found by snnTorch."""
        return super().advance(replace(model, rule=_Stepped(model.rule)), world, block)


class _Stepped(Rule):
    """A rule of exact gradients, which autograd finds."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.config)

    def learn(self, view: View) -> Learning:
        network, task = view.networks["forward"], view.task
        assert isinstance(task, SpikingClassification)
        with torch.enable_grad():
            leaves = {key: view.params[key].detach().requires_grad_() for key in network.leaves}
            run = unroll(network, leaves, view.batch.x)
            membrane = run.membrane
        loss, at_spikes, at_membrane = task.found(membrane.detach(), view.batch.y)
        end, error = (membrane, at_membrane) if at_membrane is not None else (run.spikes[-1], at_spikes)
        changes = torch.autograd.grad(end, list(leaves.values()), error)
        del run, membrane, end  # the graph goes before the change is written
        yield Wanted("forward", {key: Dense(change) for key, change in zip(leaves, changes)})
        return Learned({"loss": loss})


def unroll(network: Network, params: Mapping[str, Tensor], x: Tensor) -> Unrolled:
    """Run x ``[R or 1, B, T or 1, *in_shape]`` through a network of snnTorch's units, one step of all layers after the other."""
    steps = network.layers[0].neuron.config.steps if x.shape[2] == 1 else x.shape[2]  # type: ignore[attr-defined]
    scope = Scope(params, {}, True)
    units: list[Any] = [None] * len(network.layers)
    states: list[State] = [()] * len(network.layers)
    spikes: list[list[Tensor]] = [[] for _ in network.layers]
    membrane = []
    for t in range(steps):
        now = x[:, :, 0 if x.shape[2] == 1 else t]
        for i, layer in enumerate(network.layers):
            current = _current(layer, scope, now)
            if units[i] is None:
                own = {key: params[leaf] for key, leaf in layer.own.items()}
                units[i], states[i] = unit_of(layer.neuron, own, current), start(layer.neuron, current)
            now, *state = units[i](current, *states[i])
            states[i] = tuple(state)
            spikes[i].append(now)
            for operation in layer.after:
                now, _ = operation.forward(scope, now)
        membrane.append(states[-1][-1])
    for unit in units:
        released(unit)
    return Unrolled(tuple(torch.stack(found, 2) for found in spikes), torch.stack(membrane, 2))


def _current(layer: Layer, scope: Scope, x: Tensor) -> Tensor:
    for operation in layer.before:
        x, _ = operation.forward(scope, x)
    return layer.drive(scope.params, x)


def _refuses_method(model: Model) -> str | None:
    if model.rule.config.name not in RULES:
        return f"it knows rule=surrogate and rule=bp, not rule={model.rule.config.name}"
    if not isinstance(model.task, SpikingClassification):
        return "it knows classification by spiking units (neuron=lif, neuron=synaptic) only"
    if model.streams.dtype not in (torch.float32, torch.float64):
        return f"it computes in float32 or float64, not in {str(model.streams.dtype).removeprefix('torch.')}"
    return None


def _refuses_network(model: Model) -> str | None:
    for layer in model.networks["forward"].layers:
        if type(layer) is not Layer:
            return f"{layer.name} is a {type(layer).__name__}, and it knows layers without recurrence"
        if layer.norms or layer.dendrites:
            return f"{layer.name} has a norm, which needs all steps at once, or dendrites"
        refusal = unsuited(layer.neuron)
        if refusal:
            return refusal
    return None
