"""What surrogate gradients hold: two numbers per unit and step on the way up, spikes and errors alone when the change is handed over."""

from __future__ import annotations

import gc
import weakref
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import torch
from spiking_kit import held_bytes, inputs, model_of, network
from torch import Tensor

from bioplaus.rules.surrogate import Surrogate
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

WIDTHS, SAMPLES = (6, 9, 7, 3), 5
HIDDEN = sum(WIDTHS[1:-1])


def tensors(found: Any) -> list[Tensor]:
    """All tensors within nested dataclasses, tuples and lists."""
    if isinstance(found, Tensor):
        return [found]
    inner = (
        [getattr(found, f.name) for f in fields(found)]
        if is_dataclass(found)
        else found
        if isinstance(found, (tuple, list))
        else []
    )
    return [tensor for one in inner for tensor in tensors(one)]


def numbers(found: Any) -> int:
    """Numbers in the memory behind them, each counted once."""
    stores = {
        one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() // one.element_size() for one in tensors(found)
    }
    return sum(stores.values())


def build(neuron: str, steps: int, constant: bool, **settings: Any) -> tuple[Model, World, Batch]:
    net = network(neuron, WIDTHS, bias=False, steps=steps, **settings)
    model, world = model_of(Surrogate(), net, seeds=(3,))
    return model, world, inputs(WIDTHS[0], SAMPLES, None if constant else steps)


@pytest.mark.parametrize("neuron", ["lif", "synaptic", "alif"])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("steps", [5, 10, 40])
def test_traces_of_a_forward_pass(neuron: str, constant: bool, steps: int) -> None:
    """Membrane and spikes of the hidden layers, the membrane of the output, the input: B (T (2 sum n_hidden + K) + n_input (T or 1))."""
    model, world, batch = build(neuron, steps, constant)
    run = model.networks["forward"].forward(world.params, batch.x, train=True)
    expected = SAMPLES * (steps * (2 * HIDDEN + WIDTHS[-1]) + WIDTHS[0] * (1 if constant else steps))
    own = 4 * len(WIDTHS)  # decays, a number or two per layer
    assert expected <= numbers(run) <= expected + own + (SAMPLES * steps * WIDTHS[-1] if neuron == "alif" else 0)


@pytest.mark.parametrize("neuron", ["lif", "synaptic"])
@pytest.mark.parametrize("constant", [False, True])
def test_membranes_are_gone_when_the_change_is_handed_over(neuron: str, constant: bool) -> None:
    """Left are the two sides of each change, spikes below and errors above, and the output: no trace, no membrane."""
    steps = 200
    model, world, batch = build(neuron, steps, constant)
    with torch.no_grad():
        before = held_bytes()
        learning = model.rule.learn(view(model, world, batch, Clock()))
        wanted = next(learning)
        held = (held_bytes() - before) / 8
    upper = HIDDEN + WIDTHS[-1] - WIDTHS[1]
    errors = steps * upper + (1 if constant else steps) * WIDTHS[1]
    expected = SAMPLES * (steps * (HIDDEN + WIDTHS[-1]) + errors)
    assert expected <= held < 1.02 * expected + 100
    assert wanted.changes.keys() == model.networks["forward"].leaves.keys()


def test_a_list_of_traces_is_used_up_from_the_top() -> None:
    from bioplaus.passes import downward

    model, world, batch = build("lif", 10, False)
    net = model.networks["forward"]
    run = net.forward(world.params, batch.x, train=True)
    kept = downward(net, world.params, run, model.task.error(run.out, batch.y))
    traces, error = list(run.traces), model.task.error(run.out, batch.y)
    gone = [weakref.ref(trace) for trace in traces]
    del run
    changes = downward(net, world.params, traces, error)
    gc.collect()
    assert traces == [] and not any(ref() for ref in gone)
    assert all(torch.equal(changes[key].dense(), value.dense()) for key, value in kept.items())
