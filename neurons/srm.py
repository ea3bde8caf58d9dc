"""Spike response unit: its membrane is the current behind two low-passes, less a trace of its own spikes.

::

    Q[t] = beta Q[t-1] + (1 - beta) I[t]           R[t] = alpha_r R[t-1] - (1 - alpha_r) weight_r S[t-1]     no gradient passes it
    P[t] = alpha P[t-1] + (1 - alpha) Q[t-1]       U[t] = P[t] + R[t],   S[t] = Theta(U[t] - threshold),   all 0 at rest

The unit of DECOLLE (Kaiser, Mostafa & Neftci 2020, Front. Neurosci. 14:424), whose threshold is 0. There P filters what a synapse receives and
weights come behind it; filters and weights commute as long as weights stand still. A bias is a current like others and passes the filters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from bioplaus.fields import choice, ranged
from bioplaus.neurons.online import Kept, State, Unit
from bioplaus.neurons.spiking import Spiking, SpikingConfig, check_error, series, spikes_of, torch_derivative, unseries

__all__ = ["Srm", "SrmConfig"]


@dataclass
class SrmConfig(SpikingConfig):
    """Settings of `Srm`."""

    name: str = "srm"
    alpha: float = ranged(0.97, 0, below=1)
    """Decay of the slow filter P per step, in [0, 1)."""
    beta: float = ranged(0.92, 0, below=1)
    """Decay of the fast filter Q per step, in [0, 1)."""
    alpha_r: float = ranged(0.65, 0, below=1)
    """Decay of the refractory trace R per step, in [0, 1)."""
    weight_r: float = ranged(1.0, 0)
    """Size of the refractory trace, >= 0, in units of the membrane."""
    threshold: float = ranged(0.0, 0)  # type: ignore[misc]
    """Membrane potential above which a unit fires (strictly), >= 0, in units of the membrane."""
    surrogate: str = choice("fast_sigmoid", "fast_sigmoid", "atan", "sigmoid", "boxcar", "gaussian", "straight_through")
    """Derivative of the spike in learning; see `bioplaus.neurons.surrogates`."""
    slope: float | None = ranged(None, above=0)
    """First parameter of the surrogate (k, alpha, w or s), > 0; if not given 10 for fast_sigmoid, the default of any other."""

    slopes: ClassVar[Mapping[str, float]] = {"fast_sigmoid": 10.0}


@dataclass(frozen=True)
class _Cache:
    membrane: Tensor  # [R, B, T, *units]
    constant: bool


class Srm(Spiking):
    """Spike response unit: two filters of the current, and a trace of its own spikes that holds it back."""

    Config = SrmConfig

    def readout(self) -> Spiking:
        config = replace(self.config, weight_r=0.0) if self.config.readout == "leaky" else self.config
        made = Srm(config)
        made.as_membrane = True
        return made

    def online(self) -> SrmUnit:
        return SrmUnit(self.config)

    def forward(self, current: Tensor, own: Mapping[str, Tensor] | None = None) -> tuple[Tensor, _Cache]:
        constant = current.shape[2] == 1
        spikes, membrane = self._loop(current, self.config.steps if constant else current.shape[2])
        return (membrane if self.as_membrane else spikes), _Cache(membrane, constant)

    def pull(self, cache: _Cache, error: Tensor) -> Tensor:
        c, found = self.config, []
        check_error(error, cache.membrane)
        at_u = error if self.as_membrane else error * torch_derivative(c, cache.membrane)
        at_p = at_q = torch.zeros_like(error[:, :, 0])
        for t in reversed(range(error.shape[2])):
            at_q = c.beta * at_q + (1 - c.alpha) * at_p  # P[t+1] holds Q[t]
            at_p = c.alpha * at_p + at_u[:, :, t]
            found.append((1 - c.beta) * at_q)
        back = torch.stack(found[::-1], 2)
        return back.sum(2, keepdim=True) if cache.constant else back

    def run(self, current: Tensor, time_axis: int = 0) -> tuple[Tensor, Tensor]:
        x = series(current, time_axis)
        spikes, membrane = self._loop(x, x.shape[2])
        return unseries(spikes, current, time_axis), unseries(membrane, current, time_axis)

    def _loop(self, current: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        unit = self.online()
        state, spikes, membrane = unit.start(current[:, :, 0]), [], []
        for t in range(steps):
            state = unit.step(state, current[:, :, 0 if current.shape[2] == 1 else t])
            spikes.append(state.spikes)
            membrane.append(state.membrane)
        return torch.stack(spikes, 2), torch.stack(membrane, 2)


class SrmUnit(Unit):
    """`Srm`, step by step; a trace is the two filters of what a synapse receives. A state remembers Q, P and R."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def start(self, current: Tensor) -> State:
        rest = torch.zeros_like(current)
        return State(rest, rest, (rest, rest, rest))

    def step(self, state: State, current: Tensor) -> State:
        c, (q, p, r) = self.config, state.more
        q, p = self.trace((q, p), current)
        r = c.alpha_r * r - (1 - c.alpha_r) * c.weight_r * state.spikes
        u = p + r
        return State(u, spikes_of(u, c), (q, p, r))

    def trace(self, kept: Kept, pre: Tensor) -> Kept:
        c = self.config
        if not kept:
            return (1 - c.beta) * pre, torch.zeros_like(pre)
        q, p = kept
        return c.beta * q + (1 - c.beta) * pre, c.alpha * p + (1 - c.alpha) * q

    def slope(self, state: State) -> Tensor:
        return torch_derivative(self.config, state.membrane)
