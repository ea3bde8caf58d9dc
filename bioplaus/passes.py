"""Downward passes that rules share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from bioplaus.changes import Change
from bioplaus.layer import Layer, Trace
from bioplaus.network import Network, Pass

__all__ = ["downward", "lowest_sent_down", "to_input"]


def downward(
    network: Network,
    params: Mapping[str, Tensor],
    run: Pass | list[Trace],
    error: Tensor,
    feedback: Callable[[Layer], Tensor] | None = None,
) -> dict[str, Change]:
    """Send an error from the output to the first layer and return the changes of all leaves on its way.

    ``D_l = (D_{l+1} F_{l+1}) * phi'(z_l)``, change of ``W_l`` = ``D_l^T h_{l-1}`` (a sum over the batch).

    Parameters
    ----------
    network, params, run
        The network, its arrays and the traces of a forward pass; a list of traces is used up, so that each is gone once it was needed.
    error
        ``-dL/d out``, already divided by the batch size.
    feedback
        Which matrix takes the error down through a layer; the layer's own weight by default, which is backpropagation.
    """
    changes: dict[str, Change] = {}
    lowest, traces = lowest_sent_down(network), run if isinstance(run, list) else list(run.traces)
    for i in reversed(range(len(network.layers))):
        layer, trace = network.layers[i], traces.pop()
        at_current, found = layer.wanted(trace, error)
        changes |= found
        if i >= lowest:
            w = params[layer.weight] if feedback is None else feedback(layer)
            error, found = layer.give_back(trace, at_current, w)
            changes |= found
    return changes


def lowest_sent_down(network: Network) -> int:
    """Return the lowest layer past which an error is sent: 1, or 0 where a norm stands before the first connection.

    Below the first layer there is nothing else to teach.
    """
    return 0 if network.layers[0].learns_at_input else 1


def to_input(network: Network, params: Mapping[str, Tensor], run: Pass, error: Tensor) -> Tensor:
    """Send an error from the output down through the network's own weights and return it at the input, ``[R, B, *in_shape]``.

    Spikes have their surrogate's slope; dendrites, through which no error is sent, none.
    """
    for layer, trace in zip(reversed(network.layers), reversed(run.traces)):
        error, _ = layer.give_back(trace, layer.pull(trace, error), params[layer.weight])
    return error
