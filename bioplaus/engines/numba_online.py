"""Compiled training one sample at a time: backpropagation through plain dense layers, on the CPU; and networks that are compiled themselves.

A sample through a small network costs microseconds here and most of a millisecond in the default loop, whose every operation has a fixed
price. Equal to that loop up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bioplaus.connections import DenseConnection
from bioplaus.engines import sign_pulses
from bioplaus.engines.base import Block, Engine
from bioplaus.engines.loop import LoopEngine
from bioplaus.layer import Layer
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.rectified import LeakyRelu, Relu
from bioplaus.neurons.smooth import Elu, Identity, Sigmoid, Tanh
from bioplaus.operations import Flatten
from bioplaus.plasticity.base import IdealSynapse
from bioplaus.tasks import Classification
from bioplaus.world import Model, World

__all__ = ["NumbaOnlineEngine", "samples"]

#: Samples between two questions whether to stop.
CHUNK = 256
#: Neurons it knows, and what the kernels call them.
NEURONS: dict[type[Neuron], str] = {
    Identity: "IDENTITY",
    Relu: "RELU",
    LeakyRelu: "LEAKY_RELU",
    Elu: "ELU",
    Tanh: "TANH",
    Sigmoid: "SIGMOID",
}


class NumbaOnlineEngine(Engine):
    """Compiled by Numba: online backpropagation with plain gradient steps; the network of Diehl & Cook."""

    def refuses(self, model: Model, batch_size: int) -> str | None:
        """Return why it cannot run the model, or None.

        It can run a network whose steps are a compiled loop (`Network.compiled`), which does the work under backend=loop too: the two are one.
        Else it can run: ``batch_size=1``, ``rule=bp``, classification, dense layers of identity, relu, leaky_relu, elu, tanh or sigmoid
        units without bias, norm, dendrites or pooling, ``plasticity=sgd`` with nothing but a rate, float32 or float64 on the CPU.
        For ``rule=memristor`` see `bioplaus.engines.sign_pulses`.
        """
        if model.networks["forward"].compiled:
            return None
        batch = f"it learns one sample at a time (batch_size=1), not {batch_size}" if batch_size != 1 else None
        if sign_pulses.knows(model):
            return sign_pulses.refuses(model) or batch
        return _refuses_method(model) or _refuses_network(model) or _refuses_plasticity(model) or batch

    def advance(self, model: Model, world: World, block: Block) -> dict[str, Tensor]:
        """Run the block in chunks of 256 samples; ``block.stop`` is asked after each."""
        if model.networks["forward"].compiled:
            return LoopEngine().advance(model, world, block)
        if sign_pulses.knows(model):
            return sign_pulses.advance(model, world, block)
        if not block.batches:
            return {}
        from bioplaus.engines import _online_kernels as kernels  # compiling costs a second: only when it is used

        layers = model.networks["forward"].layers
        flat = torch.cat([world.params[layer.weight].mT.flatten(1) for layer in layers], 1).numpy()
        sizes = np.array([layers[0].connection.in_shape[0], *(layer.connection.out_shape[0] for layer in layers)])
        codes = np.array([getattr(kernels, NEURONS[type(layer.neuron)]) for layer in layers])
        numbers = np.array([_number(layer.neuron) for layer in layers], flat.dtype)
        rates, learns = model.rates["forward"].numpy(), world.alive.numpy()
        losses: list[Tensor] = []
        for start in range(0, len(block.batches), CHUNK):
            batches = block.batches[start : start + CHUNK]
            x, y, rows = samples(model, block, batches, world.step)
            found = np.empty((len(batches), world.replicas), flat.dtype)
            kernels.train(flat, sizes, codes, numbers, rates, learns, x, y, rows, found)
            losses.append(torch.from_numpy(found))
            world.step += len(batches)
            world.counts["forward"] += world.alive * len(batches)
            if block.stop():
                break
        _put_back(world, layers, torch.from_numpy(flat))
        return {"loss": torch.cat(losses)}


def samples(
    model: Model, block: Block, batches: Sequence[Tensor], step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return samples ``[N, n]``, classes ``[N]`` and which of them comes when, ``[steps, R or 1]``."""
    feed = block.feed
    if feed.augment == "none":
        return feed.x.flatten(1).contiguous().numpy(), feed.y.numpy(), torch.cat(tuple(batches), 1).T.contiguous().numpy()
    drawn = [feed.batch(index, model.streams.at(step + i)) for i, index in enumerate(batches)]
    x = torch.stack([batch.x for batch in drawn]).flatten(0, 2).flatten(1)
    y = torch.stack([batch.y for batch in drawn]).flatten()
    return x.numpy(), y.numpy(), np.arange(y.shape[0]).reshape(len(batches), -1)


def _put_back(world: World, layers: Sequence[Layer], flat: Tensor) -> None:
    """Write the weights into the world; the kernels left those of stopped replicas as they were."""
    keys = [layer.weight for layer in layers]
    for key, part in zip(keys, flat.split([world.params[key][0].numel() for key in keys], 1)):
        weight = world.params[key]
        weight.copy_(part.view_as(weight.mT).mT)


def _refuses_method(model: Model) -> str | None:
    if model.rule.config.name != "bp":
        return f"it knows rule=bp, not rule={model.rule.config.name}"
    if not isinstance(model.task, Classification):
        return "it knows classification only"
    if model.streams.device.type != "cpu":
        return f"it runs on the CPU, not on {model.streams.device.type}"
    if model.streams.dtype not in (torch.float32, torch.float64):
        return f"it computes in float32 or float64, not in {str(model.streams.dtype).removeprefix('torch.')}"
    return "rule.lr=0 leaves nothing to do" if model.groups["forward"].frozen else None


def _refuses_network(model: Model) -> str | None:
    for i, layer in enumerate(model.networks["forward"].layers):
        if type(layer.connection) is not DenseConnection:
            return f"{layer.name} is not dense"
        before = layer.before[1:] if i == 0 and layer.before and type(layer.before[0]) is Flatten else layer.before
        if layer.bias or layer.norms or layer.dendrites or before or layer.after:
            return f"{layer.name} has a bias, norm, dendrites or operations around it"
        if type(layer.neuron) not in NEURONS:
            return f"{layer.name} has the neuron {type(layer.neuron).__name__}; known are {', '.join(n.__name__ for n in NEURONS)}"
    return None


def _refuses_plasticity(model: Model) -> str | None:
    plasticity, config = model.plasticity, model.plasticity.config
    if not plasticity.optimiser.identity or type(plasticity.synapse) is not IdealSynapse:
        return "it knows plasticity=sgd without momentum or decay"
    if config.clip != "none" or config.centralise or config.warmup or config.schedule != "constant":
        return "it knows no clip, centralise, warmup or schedule"
    return None


def _number(neuron: Neuron) -> float:
    if isinstance(neuron, LeakyRelu):
        return float(neuron.config.leak)
    return float(neuron.config.alpha) if isinstance(neuron, Elu) else 0.0
