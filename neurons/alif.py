"""Leaky integrate-and-fire unit with an adapting threshold, in discrete time.

::

    b[t] = rho b[t-1] + z[t-1]                           every spike raises the threshold
    A[t] = threshold + adaptation b[t]
    v[t] = beta v[t-1] + I[t] - threshold z[t-1]         no gradient passes the reset
    z[t] = Theta(v[t] - A[t]), 0 for `refractory` steps after a spike; v[0] = b[0] = 0

beta = exp(-dt / tau_mem), rho = exp(-dt / tau_adapt). The surrogate derivative is taken at v - A, and is 0 while a unit is refractory (Bellec et al.
2020, Nat. Commun. 11:3625). The output layer is that of `bioplaus.neurons.lif`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.neurons import surrogates
from bioplaus.neurons.lif import Lif, LifConfig
from bioplaus.neurons.online import Kept, State, Unit
from bioplaus.neurons.spiking import Spiking, decay, shape_of

__all__ = ["Alif", "AlifConfig"]


@dataclass
class AlifConfig(LifConfig):
    """Settings of `Alif`."""

    name: str = "alif"
    rho: float | None = ranged(None, 0, 1)
    """Decay of the adaptation per step, in [0, 1]; exp(-dt / tau_adapt) if not given."""
    tau_adapt: float = ranged(200.0, above=0)
    """Time constant of the adaptation, ms, > 0."""
    adaptation: float = ranged(0.1, 0)
    """Rise of the threshold per spike (beta_a), >= 0, in units of the membrane."""
    refractory: int = ranged(0, 0)
    """Steps after a spike in which a unit stays silent, >= 0."""


@dataclass(frozen=True)
class _Cache:
    slope: Tensor  # [R, B, T, *units]
    constant: bool


class Alif(Spiking):
    """Leaky integrate-and-fire unit whose threshold rises with every spike."""

    Config = AlifConfig

    def __init__(self, config: Any = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        if self.config.reset != "subtract" or not self.config.reset_delay or self.config.learn_tau:
            raise ConfigError("neuron=alif has neuron.reset=subtract, neuron.reset_delay=true and neuron.learn_tau=false only")

    def readout(self) -> Spiking:
        shared = {f.name: getattr(self.config, f.name) for f in fields(LifConfig) if f.name != "name"}
        return Lif(LifConfig(**shared)).readout()

    def online(self) -> AlifUnit:
        return AlifUnit(self.config)

    def forward(self, current: Tensor, own: Mapping[str, Tensor] | None = None) -> tuple[Tensor, _Cache]:
        unit, constant = self.online(), current.shape[2] == 1
        states = _states(unit, current, self.config.steps if constant else current.shape[2])
        slope = torch.stack([unit.slope(state) for state in states], 2)
        return torch.stack([state.spikes for state in states], 2), _Cache(slope, constant)

    def pull(self, cache: _Cache, error: Tensor) -> Tensor:
        unit = self.online()
        (rho, strength), found = unit.slow, []
        at_v = at_b = torch.zeros_like(error[:, :, 0])
        for t in reversed(range(error.shape[2])):
            at_crossing = cache.slope[:, :, t] * (error[:, :, t] + at_b)  # b[t+1] holds z[t]
            at_v, at_b = unit.decay * at_v + at_crossing, rho * at_b - strength * at_crossing
            found.append(at_v)
        back = torch.stack(found[::-1], 2)
        return back.sum(2, keepdim=True) if cache.constant else back

    def run(self, current: Tensor, time_axis: int = 0) -> tuple[Tensor, Tensor]:
        x = current.movedim(time_axis, 0)
        states = _states(self.online(), x.reshape(1, 1, x.shape[0], -1), x.shape[0])
        found = ((torch.stack(side, 2)) for side in zip(*((state.spikes, state.membrane) for state in states)))
        return tuple(side.reshape(x.shape).movedim(0, time_axis) for side in found)  # type: ignore[return-value]


class AlifUnit(Unit):
    """`Alif`, step by step; what a state remembers beside is the adaptation b and the refractory steps that are left."""

    def __init__(self, config: AlifConfig) -> None:
        self.config = config
        self.decay: float = decay(config.tau_mem, config.dt) if config.beta is None else config.beta
        self.slow: tuple[float, float] = (decay(config.tau_adapt, config.dt) if config.rho is None else config.rho, config.adaptation)

    def start(self, current: Tensor) -> State:
        rest = torch.zeros_like(current)
        return State(rest, rest, (rest, rest))

    def step(self, state: State, current: Tensor) -> State:
        c, (b, silent) = self.config, state.more
        b = self.slow[0] * b + state.spikes
        if c.refractory:
            silent = torch.where(state.spikes > 0, float(c.refractory), (silent - 1).clamp(min=0))
        v = current + self.decay * state.membrane - c.threshold * state.spikes
        spikes = (v > c.threshold + self.slow[1] * b).to(v.dtype)
        return State(v, spikes * (silent == 0) if c.refractory else spikes, (b, silent))

    def trace(self, kept: Kept, pre: Tensor) -> Kept:
        return (self.decay * kept[0] + pre if kept else pre,)

    def slope(self, state: State) -> Tensor:
        c, (b, silent) = self.config, state.more
        away = state.membrane - c.threshold - self.slow[1] * b
        psi = surrogates.derivative(c.surrogate, away, **shape_of(c))
        return psi * (silent == 0) if c.refractory else psi


def _states(unit: Unit, current: Tensor, steps: int) -> list[State]:
    state, found = unit.start(current[:, :, 0]), []
    for t in range(steps):
        state = unit.step(state, current[:, :, 0 if current.shape[2] == 1 else t])
        found.append(state)
    return found
