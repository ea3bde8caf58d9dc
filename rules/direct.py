"""What the rules share that broadcast one signal to every hidden layer through fixed random weights.

Layer l receives ``s R_l``, s ``[R, B, K]`` the signal (the output error, or the label), R_l drawn once, U(-1, 1)/sqrt(K). Nothing passes from
one hidden layer to the next on the way down, so all layers may change at once, in any order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from bioplaus.changes import Change
from bioplaus.connections import DenseConnection
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network, Pass
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Flatten, Operation, Scope, Unflatten
from bioplaus.rules.base import Group, plastic_leaves

__all__ = ["broadcast", "direct_groups", "with_direct"]


def with_direct(network: Network, scale: float) -> dict[str, Network]:
    """Return the network and, as "direct", one dense connection from the output to each hidden layer (none for a single layer)."""
    hidden = network.layers[:-1]
    if not hidden:
        return {"forward": network}
    width = math.prod(network.out_shape)
    first: list[Operation] = [Flatten(network.out_shape)] if len(network.out_shape) > 1 else []
    layers = [
        Layer(
            f"direct/{i}",
            DenseConnection((width,), (math.prod(layer.out_shape),)),
            Identity(),
            before=first,
            after=[Unflatten(layer.out_shape)] if len(layer.out_shape) > 1 else [],
            init=Init("uniform", scale),
        )
        for i, layer in enumerate(hidden)
    ]
    return {"forward": network, "direct": Network("direct", network.out_shape, layers)}


def direct_groups(networks: Mapping[str, Network], rate: float) -> dict[str, Group]:
    """Return the group of the forward network, and the broadcast weights, which never change."""
    found = {"forward": Group(plastic_leaves(networks["forward"]), rate)}
    return found | {name: Group(tuple(net.leaves), None) for name, net in networks.items() if name == "direct"}


def broadcast(
    networks: Mapping[str, Network], params: Mapping[str, Tensor], run: Pass, signal: Tensor, error: Tensor
) -> dict[str, Change]:
    """Return the changes of all layers: hidden ones by ``(s R_l) * phi'(z_l)``, the last one by its own error.

    Parameters
    ----------
    signal
        What is broadcast, ``[R or 1, B, *out_shape]``, any mean over the batch inside.
    error
        ``-dL/d out`` for the last layer.
    """
    forward = networks["forward"]
    _, changes = forward.layers[-1].wanted(run.traces[-1], error)
    if "direct" in networks:
        scope = Scope(params)
        for layer, trace, way in zip(forward.layers, run.traces, networks["direct"].layers):
            _, found = layer.wanted(trace, way.forward(scope, signal).out)
            changes |= found
    return changes
