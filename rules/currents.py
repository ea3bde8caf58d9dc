"""A network seen by its currents, for rules whose states are what arrives at a cell, not what it sends.

A layer's current is all of it but the neuron: ``c_l(h) = pool(norm(W_l h + b_l))``. Pooling the current instead of the activity is the same
thing for a neuron that never falls, ``phi(max z) = max phi(z)``, and leaves one state per cell of the population that sends on.
"""

from __future__ import annotations

import copy

from torch import Tensor

from bioplaus.changes import Change
from bioplaus.layer import Layer, Trace
from bioplaus.network import Network
from bioplaus.neurons.smooth import Identity

__all__ = ["currents", "wanted_of"]


def currents(network: Network) -> tuple[Layer, ...]:
    """Return the layers without their neurons: `forward`, `pull`, `wanted` and `give_back` are then those of the current."""
    return tuple(_without_neuron(layer) for layer in network.layers)


def _without_neuron(layer: Layer) -> Layer:
    found = copy.copy(layer)
    found.neuron = Identity()
    return found


def wanted_of(layer: Layer, trace: Trace, error: Tensor, w: Tensor) -> dict[str, Change]:
    """Return the changes of all leaves of one layer that go with an error at its output, a norm before its connection among them."""
    at_current, changes = layer.wanted(trace, error)
    if layer.learns_at_input:
        changes |= layer.give_back(trace, at_current, w)[1]
    return changes
