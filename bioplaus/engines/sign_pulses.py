"""Compiled online learning by sign pulses: ``rule=memristor`` on dense layers over pairs of noise-free devices.

Equal to the default loop up to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bioplaus.connections import DenseConnection
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.layer import Layer
from bioplaus.neurons.rectified import Clip, Relu
from bioplaus.neurons.smooth import Identity
from bioplaus.neurons.threshold import Step
from bioplaus.plasticity.devices.counted import CountedDevice
from bioplaus.plasticity.memristive.array import FEMTO, DeviceArray
from bioplaus.plasticity.memristive.cells import Bidirectional, Unidirectional
from bioplaus.plasticity.memristive.counting import Counting
from bioplaus.plasticity.memristive.synapse import MemristorSynapse
from bioplaus.rules.crossbar import Amplified, Bits
from bioplaus.world import Model, World

__all__ = ["advance", "knows", "refuses"]

#: Units it knows, and what the kernels call them.
UNITS: dict[type, str] = {Clip: "CLIP", Step: "STEP", Relu: "RELU", Identity: "IDENTITY"}
#: Samples between two questions whether to stop.
CHUNK = 256
COUNTED = ("up", "down", "energy", "idle", "longest_idle", "writes")


def knows(model: Model) -> bool:
    """Return whether this is for it: whether the rule sends bits and ternary errors through crossbars."""
    return any(isinstance(layer.neuron, Amplified) for layer in model.networks["forward"].layers)


def refuses(model: Model) -> str | None:
    """Return why it cannot run the model, or None.

    It can run dense layers of clip, step or relu units without bias, on the CPU, with ``plasticity=memristor`` and pulses=sign, pairs with
    update=bi or uni, and devices of models exponential or linear without noise.
    """
    synapse, config = model.plasticity.synapse, model.plasticity.config
    for layer in model.networks["forward"].layers:
        if type(layer.connection) is not DenseConnection or layer.bias or layer.after or layer.weight not in model.groups["forward"].leaves:
            return f"{layer.name} is not plain and dense"
        if type(_unit(layer)) not in UNITS:
            return f"{layer.name} has the neuron {type(_unit(layer)).__name__}; with rule=memristor known are clip, step and relu"
    if not isinstance(synapse, MemristorSynapse) or type(synapse.pulses) is not Counting or synapse.pulses.theta is None:
        return "with rule=memristor it knows plasticity=memristor with pulses=sign"
    if type(synapse.cell) not in (Bidirectional, Unidirectional):
        return "with rule=memristor it knows pairs with update=bi or uni"
    device = synapse.cell.arrays[0].device
    if not isinstance(device, CountedDevice) or not synapse.cell.arrays[0].compiled or device.cycle_noise or synapse.whole:
        return f"with rule=memristor it knows noise-free devices of models exponential and linear (plasticity.noise=0), not {config.device}"
    if not model.plasticity.optimiser.identity or config.clip != "none" or config.centralise or config.warmup or config.schedule != "constant":
        return "it knows no optimiser, clip, centralise, warmup or schedule"
    if model.streams.device.type != "cpu":
        return f"it runs on the CPU, not on {model.streams.device.type}"
    return "rule.lr=0 leaves nothing to do" if model.groups["forward"].frozen else None


def _unit(layer: Layer) -> Any:
    return layer.neuron.unit if isinstance(layer.neuron, Amplified) else layer.neuron


def advance(model: Model, world: World, block: Block) -> dict[str, Tensor]:
    """Run the block in stretches that end where a refresh is due; ``block.stop`` is asked after each."""
    if not block.batches:
        return {}
    if not bool(world.alive.all()):
        return LoopEngine().advance(model, world, block)
    from bioplaus.engines import _sign_pulse_kernels as kernels
    from bioplaus.engines.numba_online import samples

    synapse, config = model.plasticity.synapse, model.rule.config
    assert isinstance(synapse, MemristorSynapse) and isinstance(synapse.pulses, Counting)
    theta = synapse.pulses.theta
    assert theta is not None  # `refuses` has seen to all of this
    layers = model.networks["forward"].layers
    states = [world.behind(layer.weight) for layer in layers]
    crossbars = tuple(_crossbar(synapse, world.params[layer.weight], state) for layer, state in zip(layers, states))
    counters = tuple(tuple(state[name].numpy() for name in COUNTED) for state in states)
    shortfalls = tuple(state["shortfall"].numpy() for state in states)
    rate = model.rates["forward"].double()
    units = torch.tensor(synapse.pulses.units, dtype=torch.float64)
    pulses = np.stack([((rate / state["scale"]).unsqueeze(1) / units).numpy() for state in states])
    gains = np.array([layer.neuron.gain for layer in layers])  # type: ignore[attr-defined]
    codes = np.array([getattr(kernels, UNITS[type(_unit(layer))]) for layer in layers])
    bits = [operation.threshold for operation in layers[0].before if isinstance(operation, Bits)]
    uni = synapse.cell if isinstance(synapse.cell, Unidirectional) else None
    losses, done = [], 0
    while done < len(block.batches):
        to_refresh = uni.every - int(states[0]["writes"][0]) % uni.every if uni else CHUNK
        until = min(len(block.batches), done + min(CHUNK, to_refresh))
        batches = block.batches[done:until]
        x, y, rows = samples(model, block, batches, world.step)
        found = np.empty((len(batches), world.replicas))
        kernels.train(
            crossbars, counters, shortfalls, pulses, gains, codes, np.array([config.theta_hidden, config.theta_output]),
            theta, uni is None, _cost(synapse.cell.arrays[0]), bits[0] if bits else np.nan, config.active,
            x, y, rows, found,
        )  # fmt: skip
        losses.append(torch.from_numpy(found).to(model.streams.dtype))
        done = until
        world.step += len(batches)
        world.counts["forward"] += len(batches)
        for layer, state in zip(layers, states):
            synapse.tend(layer.weight, state, world.params[layer.weight], model.streams.at(world.step - 1).within("write/forward/0/"))
        if block.stop():
            break
    return {"loss": torch.cat(losses)}


def _crossbar(synapse: MemristorSynapse, weight: Tensor, state: Mapping[str, Tensor]) -> tuple[Any, ...]:
    """Return a layer as `train` takes it: views of the world's own arrays."""
    names = ("up_a", "up_b", "down_a", "down_b", "low", "high")
    found: list[Any] = [weight.numpy()]
    constants = []
    for array in synapse.cell.arrays:
        own, mean = array.own(state), array.device.steps.flat()
        found.append(state[array.name].view(-1).numpy())
        constants.append(tuple(own[key].view(-1).numpy() if key in own else np.full(1, mean[key], found[0].dtype) for key in names))
    return (*found, *constants, state["scale"].numpy())


def _cost(array: DeviceArray) -> np.ndarray[Any, Any]:
    """Return the energy in fJ of a pulse up and one down at Gmin, and what is added at Gmax; 0 where the device does not say."""
    if not array.has_energy:
        return np.zeros((2, 2))
    low = array.device.siemens(0.0)
    return np.array([[cost * low, cost * (array.device.siemens(1.0) - low)] for cost in array.pulse_cost if cost is not None]) * FEMTO
