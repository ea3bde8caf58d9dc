"""Layers as the presets stack them: a layer under a network's settings, and a chain of dense ones."""

from __future__ import annotations

from collections.abc import Sequence

from bioplaus.connections import DenseConnection
from bioplaus.connections.base import Connection
from bioplaus.layer import Layer
from bioplaus.networks.base import NetworkConfig, flat_size, flattening, start, with_norm
from bioplaus.neurons.base import Neuron
from bioplaus.operations import Operation

__all__ = ["dense_layers", "layer_of"]


def layer_of(
    config: NetworkConfig,
    number: int,
    connection: Connection,
    neuron: Neuron,
    *,
    normed: bool = True,
    before: Sequence[Operation] = (),
    after: Sequence[Operation] = (),
    kind: type[Layer] = Layer,
) -> Layer:
    """Return layer ``forward/number`` with the bias, start and dendrites of the settings, and their normalisation if `normed`."""
    name = f"forward/{number}"
    norms, norm = with_norm(config, name, connection.in_shape, connection.out_shape, hidden=normed)
    return kind(
        name,
        connection,
        neuron,
        bias=config.bias,
        before=[*before, *norms],
        norm=norm,
        after=after,
        dendrites=config.dendrites,
        init=start(config),
    )


def dense_layers(
    config: NetworkConfig,
    layers: list[Layer],
    shape: tuple[int, ...],
    widths: Sequence[int],
    neuron: Neuron,
    *,
    normed: bool = True,
    after: Sequence[Operation] = (),
    hidden_kind: type[Layer] = Layer,
) -> list[Layer]:
    """Append dense layers to those that end in `shape`; the last one has the neuron's readout.

    Parameters
    ----------
    normed
        Whether hidden ones have the network's normalisation.
    after
        What follows the last one.
    hidden_kind
        Class of the hidden ones.
    """
    pre = flat_size(shape)
    for j, post in enumerate(widths):
        last, first = j == len(widths) - 1, flattening(shape) if j == 0 else ()
        connection = DenseConnection((pre,), (post,))
        if last:
            layers.append(layer_of(config, len(layers), connection, neuron.readout(), normed=False, before=first, after=after))
        else:
            layers.append(layer_of(config, len(layers), connection, neuron, normed=normed, before=first, kind=hidden_kind))
        pre = post
    return layers
