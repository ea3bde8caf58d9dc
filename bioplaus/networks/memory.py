"""Networks that recall patterns: every pair of neurons connected, or every neuron with a few memory cells.

The two are one model. With weights ``W [K, N]`` between N neurons and K memory cells, used both ways, the recurrent current of neuron i is
``sum_mu W_mu,i (W s)_mu``: that of the synapses ``J = W^T W`` between neurons, at 2 K N instead of N^2 products.
"""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.connections import DenseConnection, RecurrentConnection, TransposedConnection
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.networks.base import flat_size
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.smooth import Identity

__all__ = ["Memory", "MemoryConfig", "Recurrent", "RecurrentConfig"]


@dataclass
class MemoryConfig:
    """Settings of the network of neurons and memory cells: none."""

    name: str = "memory"


@dataclass
class RecurrentConfig:
    """Settings of the fully connected recurrent network."""

    name: str = "recurrent"
    autapses: bool = False
    """Whether a neuron has a synapse on itself; parallel updates want them (without, they may end in a cycle of two states)."""


class Memory:
    """N neurons and K memory cells, one per pattern; the same synapses both ways."""

    Config = MemoryConfig
    task = "retrieval"

    @staticmethod
    def build(config: MemoryConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network ``N - K - N``, its second layer over the synapses of the first; it starts without memories."""
        connection = DenseConnection((flat_size(in_shape),), (flat_size(outputs),))
        up = Layer("forward/0", connection, Identity(), init=Init("zero"))
        return Network("forward", in_shape, [up, Layer("forward/1", TransposedConnection(connection), neuron, weight=up.weight, init=up.init)])


class Recurrent:
    """N neurons, every pair connected; starts without memories."""

    Config = RecurrentConfig
    task = "retrieval"

    @staticmethod
    def build(config: RecurrentConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network ``N - N``; it starts without memories."""
        connection = RecurrentConnection(flat_size(in_shape), config.autapses)
        return Network("forward", in_shape, [Layer("forward/0", connection, neuron, init=Init("zero"))])
