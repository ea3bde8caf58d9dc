"""A network: a chain of layers, and its mirror.

A network holds structure only; its arrays are in ``params`` and ``buffers`` under its name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from bioplaus.connections import Conv2dConnection, DenseConnection, TransposedConnection
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer, Trace
from bioplaus.leaves import Leaf
from bioplaus.neurons.base import Neuron
from bioplaus.norm import BatchNorm
from bioplaus.operations import Flatten, MaxPool, Operation, Scope, Unflatten, Upsample
from bioplaus.streams import Streams

__all__ = ["Network", "Pass"]


@dataclass(frozen=True)
class Pass:
    """One forward pass: a trace per layer, and the running means to commit if it was a training pass."""

    traces: tuple[Trace, ...]
    running: dict[str, Tensor]

    @property
    def out(self) -> Tensor:
        """Output of the last layer."""
        return self.traces[-1].out


class Network:
    """A chain of layers.

    Parameters
    ----------
    name
        Prefix of all its keys.
    in_shape
        Shape of one input sample.
    layers
        In order from the input; every name starts with the name of the network.
    """

    #: whether its steps run in a compiled loop of its own instead of through its connections
    compiled: ClassVar[bool] = False

    def __init__(self, name: str, in_shape: tuple[int, ...], layers: Sequence[Layer]) -> None:
        self.name, self.in_shape, self.layers = name, in_shape, tuple(layers)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of one output sample."""
        return self.layers[-1].out_shape

    @property
    def widest(self) -> int:
        """Largest number of values that one sample has as the current of a layer, at one step where units have time."""
        return max(math.prod(layer.connection.out_shape) for layer in self.layers)

    @property
    def leaves(self) -> dict[str, Leaf]:
        """All arrays that a rule may change, by key."""
        return {key: leaf for layer in self.layers for key, leaf in layer.leaves.items()}

    @property
    def buffers(self) -> dict[str, Leaf]:
        """All running means, by key."""
        return {key: leaf for layer in self.layers for key, leaf in layer.buffers.items()}

    def draw(self, streams: Streams) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return fresh params and buffers for every replica of the streams."""
        return (
            {key: leaf.draw(key, streams) for key, leaf in self.leaves.items()},
            {key: leaf.draw(key, streams) for key, leaf in self.buffers.items()},
        )

    def forward(
        self,
        params: Mapping[str, Tensor],
        x: Tensor,
        buffers: Mapping[str, Tensor] | None = None,
        *,
        train: bool = False,
    ) -> Pass:
        """Run x ``[R or 1, B, *in_shape]`` through all layers."""
        scope = Scope(params, buffers or {}, train)
        traces = []
        for layer in self.layers:
            trace = layer.forward(scope, x)
            traces.append(trace)
            x = trace.out
        return Pass(tuple(traces), scope.running)

    def twin(self, name: str, first: int = 0) -> Network:
        """Return a network of the same connections with arrays of its own, from layer `first` up: synapses that run back along this one.

        Nothing is sent through it; ``connection.give_back(w, error)`` with its weights takes an error down past the layer of the same number.
        Weights start as the layer's do, as usual where those start as a constant.
        """
        layers = [
            Layer(f"{name}/{i}", copy(layer.connection), layer.neuron, init=layer.leaves[layer.weight].usual.init)
            for i, layer in enumerate(self.layers)
            if i >= first
        ]
        return Network(name, self.layers[first].connection.in_shape, layers)

    def transposed(self, name: str, last: Neuron, hidden: Neuron | None = None, *, norm_dense: bool = False) -> Network:
        """Return the network that runs from the output's shape to the input's through this one's own synapses.

        Each connection is replaced by its exact adjoint over the same weight; biases and norms are arrays of the new network's own.

        Parameters
        ----------
        name
            Prefix of the new arrays.
        last
            Neuron at the input, where there is no norm.
        hidden
            Neuron of the other populations; each population's own if it is not given.
        norm_dense
            Whether every hidden population that a dense layer lands on is normalised; else those that are normalised on the way up.

        Raises
        ------
        ConfigError
            If a layer has no way back over its own weight: pooling, upsampling, a norm at the input, strides beyond the kernel.
        """
        affine = any(norm.affine for layer in self.layers for norm in layer.norms)
        layers = []
        for i, layer in enumerate(reversed(self.layers)):
            below = self.layers[-2 - i] if i + 1 < len(self.layers) else None
            dense = isinstance(layer.connection, DenseConnection)
            normed = below is not None and (dense if norm_dense else below.norm is not None)
            neuron = last if below is None else hidden or below.neuron
            layers.append(_transposed(layer, f"{name}/{i}", neuron, affine if normed else None))
        return Network(name, self.out_shape, layers)

    def mirror(self, name: str, last: Neuron) -> Network:
        """Return the network of mirrored shape, which runs from the output's shape to the input's.

        Each layer is undone by its opposite: pooling and stride by nearest-neighbour upsampling before a stride-1 kernel of the same
        size, upsampling by a stride, flatten by unflatten. Neuron and normalisation are those of the population it lands on; the
        topmost layer lands on the input, where the neuron is ``last`` and there is no normalisation.
        """
        landing = [None, *self.layers[:-1]]
        pairs = list(zip(self.layers, landing))
        mirrored = [_mirrored(layer, below, f"{name}/{i}", last) for i, (layer, below) in enumerate(reversed(pairs))]
        return Network(name, self.out_shape, mirrored)


def _transposed(layer: Layer, name: str, neuron: Neuron, affine: bool | None) -> Layer:
    """Return the way back through one layer; `affine` is None for no norm."""
    source = layer.connection
    around = [op for op in (*layer.before, *layer.after) if not isinstance(op, Flatten)]
    if around or not isinstance(source, (DenseConnection, Conv2dConnection)):
        what = type(around[0] if around else source).__name__
        raise ConfigError(f"{layer.name} has a {what}, and no way back through it over the same synapses; choose network=mlp or strided")
    if isinstance(source, Conv2dConnection) and source.stride > source.kernel:
        raise ConfigError(
            f"{layer.name} steps by {source.stride} with a kernel of {source.kernel}: on the way back it leaves pixels out; "
            "make network.strides at most network.kernels"
        )
    connection = TransposedConnection(source)
    return Layer(
        name,
        connection,
        neuron,
        bias=layer.bias is not None,
        after=[Unflatten(op.shape) for op in layer.before if isinstance(op, Flatten)],
        norm=None if affine is None else BatchNorm(f"{name}/norm", connection.out_shape, affine=affine),
        init=layer.init,
        weight=layer.weight,
    )


def _mirrored(layer: Layer, below: Layer | None, name: str, last: Neuron) -> Layer:
    source, connection = layer.connection, layer.connection
    before: list[Operation] = []
    after: list[Operation] = []
    if isinstance(source, DenseConnection):
        connection = DenseConnection(source.out_shape, source.in_shape)
        before = [Flatten(op.shape) for op in layer.after if isinstance(op, Unflatten)]
        after = [Unflatten(op.shape) for op in layer.before if isinstance(op, Flatten)]
    elif isinstance(source, Conv2dConnection):
        before, connection = _mirrored_conv(layer, source)
    else:
        raise ConfigError(f"a {type(source).__name__} has no mirror; choose a network of dense and conv2d connections")
    norm = None
    if below is not None and below.norm is not None:
        norm = BatchNorm(f"{name}/norm", connection.out_shape, affine=below.norm.affine)
    return Layer(
        name,
        connection,
        last if below is None else below.neuron,
        bias=layer.bias is not None,
        before=before,
        after=after,
        norm=norm,
        init=layer.mirror_init,
        mirror_init=layer.init,
    )


def _mirrored_conv(layer: Layer, source: Conv2dConnection) -> tuple[list[Operation], Conv2dConnection]:
    kernel, channels = source.kernel, source.in_shape[0]
    size = source.in_shape[1:]
    shape: tuple[int, ...] = layer.out_shape
    enlarged = [op for op in layer.before if isinstance(op, Upsample)]
    if enlarged:
        stride, half = enlarged[0].factor, (kernel - 1) // 2
        return [], Conv2dConnection(shape, channels, kernel=kernel, stride=stride, padding=half)
    before: list[Operation] = []
    for operation in layer.after:
        if isinstance(operation, MaxPool):
            before.append(Upsample(operation.size, crop=source.out_shape[1:]))
    if source.stride > 1:
        before.append(Upsample(source.stride, crop=size))
    for operation in before:
        shape = operation.out_shape(shape)
    rows, columns = (inner - outer + kernel - 1 for inner, outer in zip(size, shape[1:]))
    padding = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return before, Conv2dConnection(shape, channels, kernel=kernel, padding=padding)
