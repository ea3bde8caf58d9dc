"""A spiking network as a graph of NIR, the format between neuromorphic simulators and chips (Pedersen et al. 2024, Nat. Commun. 15:8122).

NIR's nodes are in continuous time; one Euler step of theirs is the step here, exactly::

    LIF       tau v' = -v + r I                       tau = dt / (1 - beta), r = tau / dt
    LI        the same without spikes                 the leaky output layer
    CubaLIF   tau_syn Y' = -Y + w_in I, tau_mem v' = -v + r Y     tau_syn = dt / (1 - alpha), w_in = tau_syn / dt, r = tau_mem / dt
    IF        v' = r I                                r = 1 / dt

in seconds. A reset of NIR goes to a value; that a spike subtracts the threshold, a step later, stands in the metadata of each node, and
a reader has to be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioplaus.connections import Conv2dConnection, DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.operations import Flatten

if TYPE_CHECKING:
    import nir

__all__ = ["graph"]

#: Spiking models that have a node, and what it is called.
NODES = {"lif": "LIF", "synaptic": "CubaLIF", "if": "IF"}
MS = 1e-3


def graph(network: Network, params: Mapping[str, Tensor], note: Mapping[str, Any]) -> nir.NIRGraph:
    """Return the graph of a spiking network.

    Parameters
    ----------
    network
        A chain of layers.
    params
        Its arrays, of one replica, ``[1, ...]``.
    note
        What a reader should know; metadata of the graph.

    Raises
    ------
    ConfigError
        One line: what in it has no node.
    """
    import nir

    nodes: dict[str, Any] = {"input": nir.Input({"input": np.array(network.in_shape)})}
    for i, layer in enumerate(network.layers):
        shape = layer.connection.in_shape
        for operation in layer.before:
            if not isinstance(operation, Flatten):
                raise ConfigError(f"format=nir: {layer.name} has a {type(operation).__name__}, for which NIR has no node here")
            nodes[f"{i}_flatten"] = nir.Flatten({"input": np.array(operation.shape)}, start_dim=0)
        nodes[f"{i}_synapses"] = _synapses(layer, params, shape)
        nodes[f"{i}_neurons"] = _neurons(layer, params)
    nodes["output"] = nir.Output({"output": np.array(network.out_shape)})
    names = list(nodes)
    return nir.NIRGraph(nodes, list(pairwise(names)), metadata=dict(note))


def _array(value: Tensor) -> NDArray[Any]:
    return value[0].detach().cpu().numpy()  # type: ignore[no-any-return]


def _synapses(layer: Layer, params: Mapping[str, Tensor], shape: tuple[int, ...]) -> Any:
    import nir

    c, extra = layer.connection, [*layer.norms, *layer.after, *([layer.dendrites] if layer.dendrites else [])]
    if extra:
        raise ConfigError(f"format=nir: {layer.name} has {type(extra[0]).__name__}, for which NIR has no node here")
    weight = _array(params[layer.weight])
    bias = _array(params[layer.bias]) if layer.bias else np.zeros(weight.shape[0], weight.dtype)
    if type(c) is DenseConnection:
        return nir.Affine(weight, bias) if layer.bias else nir.Linear(weight)
    left, right, top, bottom = c.padding if isinstance(c, Conv2dConnection) else (0, 1, 0, 0)
    if left != right or top != bottom:
        what = "padding that differs between sides" if isinstance(c, Conv2dConnection) else f"a {type(c).__name__}"
        raise ConfigError(f"format=nir: {layer.name} has {what}, for which NIR has no node here")
    return nir.Conv2d((shape[1], shape[2]), weight, c.stride, (top, left), 1, 1, bias)  # type: ignore[attr-defined]


def _decay(layer: Layer, params: Mapping[str, Tensor], own: str, name: str) -> float:
    """Return a decay per step: the one that the layer has learned, or that of its settings."""
    if own in layer.own:
        return float(torch.sigmoid(params[layer.own[own]]))
    return float(getattr(layer.neuron, name))


def _neurons(layer: Layer, params: Mapping[str, Tensor]) -> Any:
    """Return the node of a layer's units."""
    import nir

    config = layer.neuron.config
    if type(layer) is not Layer:
        raise ConfigError(f"format=nir: {layer.name} is a {type(layer).__name__}, for which NIR has no node here")
    if config.name not in NODES or getattr(config, "order", "new") != "new" or getattr(config, "bias", 0.0):
        what = "" if config.name not in NODES else " with order=old or a bias of its own"
        raise ConfigError(f"format=nir: neuron={config.name}{what} has no node in NIR; those that have: {', '.join(NODES)}")
    shape, dt = layer.connection.out_shape, getattr(config, "dt", 1.0) * MS

    def full(value: float) -> NDArray[np.float64]:
        return np.full(shape, value)

    spikes = config.reset != "none"
    keep = {"dt": dt, "reset": config.reset, "reset_delay": bool(config.reset_delay), "fires_at_threshold": bool(config.inclusive)}
    threshold, zero = full(config.threshold), full(0.0)
    if config.name == "if":
        return nir.IF(full(1 / dt), threshold, zero, metadata=keep)
    beta = _decay(layer, params, "leak", "beta")
    if beta >= 1:
        raise ConfigError(f"format=nir: {layer.name} has beta={beta:g}, no leak; neuron=if is the unit for that")
    tau = dt / (1 - beta)
    if config.name == "synaptic":
        tau_syn = dt / (1 - _decay(layer, params, "synaptic_leak", "alpha"))
        return nir.CubaLIF(full(tau_syn), full(tau), full(tau / dt), zero, threshold, zero, full(tau_syn / dt), metadata=keep)
    if not spikes and layer.neuron.as_membrane:  # type: ignore[attr-defined]
        return nir.LI(full(tau), full(tau / dt), zero, metadata=keep)
    return nir.LIF(full(tau), full(tau / dt), zero, threshold, zero, metadata=keep)
