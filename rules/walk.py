"""A network of spiking units that goes forward in time, one layer and step after the other."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bioplaus.connections import DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.neurons.online import State, Unit
from bioplaus.operations import Scope
from bioplaus.recurrent_layer import RecurrentLayer
from bioplaus.spiking.losses import SUMMED

__all__ = ["Walk", "check_walkable"]


def check_walkable(network: Network, rule: str) -> None:
    """Raise ConfigError unless the network is a stack of dense layers (recurrent ones among them) whose units go step by step."""
    for layer in network.layers:
        if not isinstance(layer.connection, DenseConnection) or layer.norms or layer.dendrites:
            raise ConfigError(f"rule={rule} runs on dense layers alone; use network=mlp with network.norm=none and network.dendrites=false")
        layer.neuron.online()  # type: ignore[attr-defined]
    loss = network.layers[-1].neuron.config.loss
    if loss not in SUMMED:
        raise ConfigError(f"rule={rule} learns step by step, and neuron.loss={loss} needs the whole run; use one of {', '.join(SUMMED)}")
    if getattr(network.layers[0].neuron.config, "reset", "none") == "zero":
        raise ConfigError(f"rule={rule} needs traces of inputs that a spike does not end; use neuron.reset=subtract or none")


class Walk:
    """One run of a batch through a network, step by step.

    Parameters
    ----------
    network, params
        The network and its arrays, which may change between steps.
    x
        Inputs ``[R or 1, B, T or 1, *in_shape]``.
    still
        Whether weights stand still during the run, so that the current of a constant input is computed once.
    """

    def __init__(self, network: Network, params: Mapping[str, Tensor], x: Tensor, *, still: bool = True) -> None:
        self.layers, self.params, self.still = network.layers, params, still
        for operation in network.layers[0].before:
            x, _ = operation.forward(Scope(params), x)
        self.x = x
        self.constant = x.shape[2] == 1
        config = network.layers[0].neuron.config
        self.steps: int = config.steps if self.constant else x.shape[2]
        self.units: list[Unit] = [layer.neuron.online() for layer in network.layers]  # type: ignore[attr-defined]
        self.states: list[State | None] = [None] * len(network.layers)
        #: what each layer received at its last step, and its own spikes of the step before that
        self.pre: list[Tensor] = [x[:, :, 0]] * len(network.layers)
        self.echo: list[Tensor] = [x[:, :, 0]] * len(network.layers)
        self._first: Tensor | None = None

    def advance(self, i: int, t: int) -> State:
        """Let layer i take step t, the layer below having taken it, and return its state."""
        layer = self.layers[i]
        below = self.states[i - 1] if i else None
        self.pre[i] = self.x[:, :, 0 if self.constant else t] if below is None else below.spikes
        current = self._drive(i)
        was = self.states[i] or self.units[i].start(current)
        self.echo[i] = was.spikes
        if isinstance(layer, RecurrentLayer):
            current = current + layer.echo(self.params, was.spikes)
        state = self.states[i] = self.units[i].step(was, current)
        return state

    def _drive(self, i: int) -> Tensor:
        if i or not self.constant or not self.still:
            return self.layers[i].drive(self.params, self.pre[i])
        if self._first is None:
            self._first = self.layers[0].drive(self.params, self.pre[0])
        return self._first
