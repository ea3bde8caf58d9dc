"""A copy of the rule's networks whose verbs are overheard: every `send` and `give_back` passes an ear that may answer otherwise.

The copies are instances with methods of their own; no class, no global and none of the networks that were given is touched.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.connections import Connection
from bioplaus.layer import Layer
from bioplaus.network import Network

__all__ = ["Call", "Channel", "Ear", "Taps"]

#: (verb, weight): one way that signals take.
Channel = tuple[str, str]


@dataclass(frozen=True)
class Call:
    """One use of a verb: which verb, through which weight, and how many such came before in this batch.

    ``weight`` is the key of the parameter that was handed in, or ``layer/*`` for a matrix that is none (a sign, a sum, a transpose).
    """

    verb: str
    weight: str
    turn: int

    @property
    def channel(self) -> Channel:
        """Verb and weight."""
        return self.verb, self.weight


#: Is told a call and what came of it; what it returns is what the rule gets.
Ear = Callable[[Call, Tensor], Tensor]


class Taps:
    """Tapped copies of networks.

    Parameters
    ----------
    networks
        The rule's networks, which stay as they are.
    """

    def __init__(self, networks: Mapping[str, Network]) -> None:
        self.networks = {name: self._network(network) for name, network in networks.items()}
        self._weights = [layer.weight for network in networks.values() for layer in network.layers]
        self.listen({}, lambda call, out: out)

    def listen(self, params: Mapping[str, Tensor], ear: Ear) -> None:
        """Start anew: count calls from zero, know weights by these params, and ask this ear."""
        self._params, self._ear = params, ear
        self._turns: Counter[Channel] = Counter()

    def _network(self, network: Network) -> Network:
        tapped = copy.copy(network)
        tapped.layers = tuple(self._layer(layer) for layer in network.layers)
        return tapped

    def _layer(self, layer: Layer) -> Layer:
        tapped = copy.copy(layer)
        tapped.connection = self._connection(layer)
        if layer.dendrites is not None:
            tapped.dendrites = copy.copy(layer.dendrites)
            tapped.dendrites.connection = tapped.connection
        return tapped

    def _connection(self, layer: Layer) -> Connection:
        real, tapped = layer.connection, copy.copy(layer.connection)

        def send(w: Tensor, pre: Tensor) -> Tensor:
            if pre.requires_grad and torch.is_grad_enabled():
                # the gradient that autograd sends down through this weight is a `give_back` by another name
                pre = pre.view_as(pre)
                pre.register_hook(lambda gradient: self._heard("give_back", layer, w, gradient))
            return self._heard("send", layer, w, real.send(w, pre))

        def give_back(w: Tensor, post: Tensor) -> Tensor:
            return self._heard("give_back", layer, w, real.give_back(w, post))

        tapped.send, tapped.give_back = send, give_back  # type: ignore[method-assign]
        return tapped

    def _heard(self, verb: str, layer: Layer, w: Tensor, out: Tensor) -> Tensor:
        channel = (verb, self._name(layer, w))
        call = Call(*channel, self._turns[channel])
        self._turns[channel] += 1
        return self._ear(call, out)

    def _name(self, layer: Layer, w: Tensor) -> str:
        """Return the key of the parameter that w is: the same memory, else (a copy that autograd was given) the same numbers."""
        known = [(name, self._params[name]) for name in (layer.weight, *self._weights) if name in self._params]
        fitting = [(name, value) for name, value in known if value.shape == w.shape]
        same = (name for name, value in fitting if value.data_ptr() == w.data_ptr() and value.stride() == w.stride())
        equal = (name for name, value in fitting if torch.equal(value, w))
        return next(same, None) or next(equal, None) or f"{layer.name}/*"
