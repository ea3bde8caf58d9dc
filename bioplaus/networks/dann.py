"""Layers of dendrites and somas: a dendrite hears a few inputs, a soma its own dendrites alone (Chavlis & Poirazi 2025).

::

    h = phi((M1 * V) x + c),   y = phi((M2 * U) h + b)

M1 keeps ``inputs`` synapses per dendrite, M2 is block-diagonal. Where on an image a dendrite looks is set by ``sampling``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bioplaus.connections import DenseConnection, SparseConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.networks.base import check_widths, flat_size, flattening
from bioplaus.neurons.base import Neuron

__all__ = ["Dann", "DannConfig", "inputs_of", "parameters"]


@dataclass
class DannConfig:
    """Settings of the dendritic network."""

    name: str = "dann"
    somas: list[int] = field(default_factory=lambda: [64])
    """Somas of each dendritic layer."""
    branches: int = ranged(16, 1)
    """Dendrites of each soma."""
    inputs: int = ranged(16, 1)
    """Synapses of each dendrite; all inputs where there are fewer."""
    sampling: str = choice("random", "random", "global", "local")
    """Inputs of a dendrite: random (any) | global (of the field of its soma) | local (the pixels nearest to a point of its own). Layers above
    the first have no pixels and sample at random."""
    field_share: float = ranged(0.25, above=0, high=1)
    """sampling=global: the field of a soma, the pixels nearest to a point, as a share of the image, in (0, 1]."""
    wiring: int = ranged(0, 0)
    """Seed of the sampling, for all seeds of the run alike; >= 0."""
    bias: bool = True
    """Whether dendrites, somas and outputs have a bias, which starts at 0."""
    init: str = choice("uniform", "uniform", "normal", "truncated_fan_in")
    """Start of the weights, over sqrt(fan_in): uniform (U(-1,1)) | normal (N(0,1)) | truncated_fan_in (N(0,1) within 2)."""
    init_scale: float = ranged(1.0, 0)
    """Factor on the start, dimensionless, >= 0."""


class Dann:
    """Somas that hear a few dendrites of their own, each of which hears a few inputs; a dense output layer."""

    Config = DannConfig

    @staticmethod
    def build(config: DannConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network ``flat(in_shape) - (dendrites - somas) - .. - flat(outputs)``.

        Raises
        ------
        ConfigError
            No dendritic layer or an empty one, or receptive fields on inputs that are no image.
        """
        check_widths(config.somas, "network.somas")
        if not config.somas:
            raise ConfigError("network.somas=[] leaves no dendritic layer; give a number of somas such as [64], or use network=mlp")
        if config.sampling != "random" and len(in_shape) != 3:
            raise ConfigError(f"network.sampling={config.sampling} needs images, and samples have the shape {in_shape}; use sampling=random")
        start, layers = Init(config.init, config.init_scale), []
        below = flat_size(in_shape)
        for i, somas in enumerate(config.somas):
            dendrites = SparseConnection(below, inputs_of(config, i, in_shape if i == 0 else (below,)).tolist())
            own = np.arange(somas * config.branches).reshape(somas, config.branches)
            first = flattening(in_shape) if i == 0 else []
            layers.append(Layer(f"forward/{2 * i}", dendrites, neuron, bias=config.bias, before=first, init=start))
            soma = SparseConnection(somas * config.branches, own.tolist())
            layers.append(Layer(f"forward/{2 * i + 1}", soma, neuron, bias=config.bias, init=start))
            below = somas
        top = DenseConnection((below,), (flat_size(outputs),))
        layers.append(Layer(f"forward/{len(layers)}", top, neuron.readout(), bias=config.bias, init=start))
        return Network("forward", in_shape, layers)


def parameters(config: DannConfig, inputs: int, outputs: int) -> int:
    """Return weights and biases: per dendritic layer of m somas with D dendrites of s synapses ``m (D (s + 1) + D + 1)``, and the outputs'."""
    total, below, own = 0, inputs, int(config.bias)
    for somas in config.somas:
        total += somas * (config.branches * (min(config.inputs, below) + own) + config.branches + own)
        below = somas
    return total + outputs * (below + own)


def inputs_of(config: DannConfig, layer: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the inputs of each dendrite of a layer, ``[somas branches, synapses]`` ascending, drawn by ``wiring``; shape is that of its input.

    A pixel stands for all its channels: they are as near to a point as the pixel is.
    """
    draw = np.random.default_rng([config.wiring, layer])
    n, somas = flat_size(shape), config.somas[layer]
    count = min(config.inputs, n)
    rows: list[NDArray[np.int64]] = []
    for _ in range(somas):
        field = np.arange(n)
        if config.sampling == "global" and len(shape) == 3:
            field = _nearest(shape, draw)[: max(count, round(config.field_share * n))]
        for _ in range(config.branches):
            if config.sampling == "local" and len(shape) == 3:
                rows.append(_nearest(shape, draw)[:count])
            else:
                rows.append(draw.choice(field, count, replace=False))
    return np.sort(np.stack(rows), 1)


def _nearest(shape: tuple[int, ...], draw: np.random.Generator) -> NDArray[np.int64]:
    """Return all inputs of an image ``(C, H, W)`` by their distance from a pixel drawn at random; equally near ones in random order."""
    channels, height, width = shape
    y, x = draw.integers(height), draw.integers(width)
    rows, columns = np.mgrid[:height, :width]
    distance = np.broadcast_to((rows - y) ** 2 + (columns - x) ** 2, (channels, height, width)).ravel()
    return np.lexsort((draw.random(distance.size), distance))
