"""A layer of spiking units with synapses among themselves: their spikes of one step are current of the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Change
from bioplaus.connections.recurrent import RecurrentConnection
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer, Trace
from bioplaus.leaves import Init, Leaf
from bioplaus.operations import Scope

__all__ = ["RecurrentLayer"]


class RecurrentLayer(Layer):
    """A layer with a second weight, ``I[t] = W x[t] + b + J z[t-1]``, J ``[R, N, N]`` without self-connections.

    It goes one step at a time. There is no pass back through it: errors would have to travel through time against J, which
    is what rules for it avoid.

    Parameters
    ----------
    recurrent_init
        How J starts; as the other weight if not given.
    """

    def __init__(self, *args: Any, recurrent_init: Init | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.recurrent_init = recurrent_init or self.init
        self.recurrent = RecurrentConnection(self.connection.out_shape[0])
        self.recurrent_weight = f"{self.name}/recurrent/weight"

    @property
    def one_way(self) -> bool:
        return True

    @property
    def leaves(self) -> dict[str, Leaf]:
        return super().leaves | {self.recurrent_weight: Leaf(self.recurrent.weight_shape, self.recurrent.fan_in, self.recurrent_init)}

    def forward(self, scope: Scope, x: Tensor) -> Trace:
        for operation in self.before:
            x, _ = operation.forward(scope, x)
        drive, unit = self.drive(scope.params, x), self.neuron.online()  # type: ignore[attr-defined]
        steps = self.neuron.config.steps if drive.shape[2] == 1 else drive.shape[2]
        state, found, currents = unit.start(drive[:, :, 0]), [], []
        for t in range(steps):
            current = drive[:, :, 0 if drive.shape[2] == 1 else t] + self.echo(scope.params, state.spikes)
            state = unit.step(state, current)
            currents.append(current)
            found.append(state.membrane if self.neuron.as_membrane else state.spikes)  # type: ignore[attr-defined]
        return Trace(x, torch.stack(currents, 2), torch.stack(found, 2))

    def echo(self, params: Mapping[str, Tensor], spikes: Tensor) -> Tensor:
        """Return the current that the layer's own spikes ``[R, B, N]`` of the last step make."""
        return self.recurrent.send(params[self.recurrent_weight], spikes)

    def pull(self, trace: Trace, error: Tensor) -> Tensor:
        raise ConfigError(_ONE_WAY)

    def wanted(self, trace: Trace, error: Tensor) -> tuple[Tensor, dict[str, Change]]:
        raise ConfigError(_ONE_WAY)


_ONE_WAY = "a recurrent spiking layer has no pass back through time; use rule=eprop, or network.recurrent=false"
