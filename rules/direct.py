"""What the rules share that broadcast one signal to every hidden layer through fixed random weights.

Layer l receives ``s R_l``, s ``[R, B, K]`` the signal (the output error, or the label), R_l drawn once, U(-1, 1)/sqrt(K). Nothing passes from
one hidden layer to the next on the way down, so all layers may change at once, in any order.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bioplaus.changes import Change, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.fields import ranged, replica
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network, Pass
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Flatten, Operation, Scope, Unflatten
from bioplaus.rules.base import Group, Learned, Learning, Rule, RuleConfig
from bioplaus.view import View

__all__ = ["Direct", "DirectConfig", "broadcast", "with_direct"]


@dataclass
class DirectConfig(RuleConfig):
    """Settings of all rules that broadcast to hidden layers."""

    lr: float = replica(0.1)
    feedback_scale: float = ranged(1.0, above=0)
    """Factor on R, which is drawn from U(-1, 1)/sqrt(K), K the number of outputs; > 0, dimensionless."""


class Direct(Rule):
    """A rule that broadcasts one signal to all hidden layers; the output layer learns by its own error."""

    tasks = ("classification", "regression", "autoencoding", "spiking", "classification in context")

    @abstractmethod
    def signal(self, view: View, error: Tensor) -> Tensor:
        """Return what is broadcast, ``[R or 1, B, *out_shape]``, any mean over the batch inside; error is ``-dL/d out``."""

    def build(self, network: Network) -> dict[str, Network]:
        return with_direct(network, self.config.feedback_scale)

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        fixed = {"direct": Group(tuple(networks["direct"].leaves), None)} if "direct" in networks else {}
        return super().groups(networks) | fixed

    def learn(self, view: View) -> Learning:
        run = view.networks["forward"].forward(view.params, view.batch.x, view.buffers, train=True)
        error = view.task.error(run.out, view.batch.y)
        yield Wanted("forward", broadcast(view.networks, view.params, run, self.signal(view, error), error))
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, running=run.running)


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
