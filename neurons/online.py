"""Spiking units one step at a time, for layers that are recurrent and rules that learn forward in time.

A `Unit` takes a step per call, ``state[t] = step(state[t-1], I[t])``. With I = W x its membrane depends on a synapse w_ji through a *trace* of
the presynaptic side alone, ``dU_j[t]/dw_ji = eps_i[t]``: what `trace` makes of x, resets taken as given. `slope` is psi, the surrogate
derivative of the spike. Units with an adapting threshold (`slow`) have a second variable, whose dependence on the synapse is one number per pair
of cells.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.neurons.spiking import spikes_of, torch_derivative

__all__ = ["AlifUnit", "Kept", "LifUnit", "State", "Unit"]

#: what a trace remembers; its last entry is the trace itself
Kept = tuple[Tensor, ...]


@dataclass(frozen=True)
class State:
    """A layer at one step.

    Parameters
    ----------
    membrane
        Before any immediate reset, ``[R, B, *units]``.
    spikes
        1 where a unit fires, of the same shape.
    more
        What else the model remembers.
    """

    membrane: Tensor
    spikes: Tensor
    more: tuple[Tensor, ...] = ()


class Unit(ABC):
    """A spiking model, step by step. Holds settings only."""

    #: factor per step of the membrane, where it is one low-pass of the current; None where it is not
    decay: float | None = None
    #: (rho, beta_a): factor per step of the threshold's adaptation, and its strength; None where the threshold stands still
    slow: tuple[float, float] | None = None

    def start(self, current: Tensor) -> State:
        """Return the state at rest, before the first step, for currents ``[R, B, *units]``."""
        rest = torch.zeros_like(current)
        return State(rest, rest)

    @abstractmethod
    def step(self, state: State, current: Tensor) -> State:
        """Return the state one step later."""

    @abstractmethod
    def trace(self, kept: Kept, pre: Tensor) -> Kept:
        """Return the presynaptic trace with one more step's activity in it; ``()`` is the trace at rest."""

    @abstractmethod
    def slope(self, state: State) -> Tensor:
        """Return psi, the surrogate derivative of the spikes."""


class LifUnit(Unit):
    """`bioplaus.neurons.lif.Lif`, step by step; its trace is ``eps[t] = beta eps[t-1] + x[t]``.

    What a state remembers beside is the membrane behind an immediate reset.

    Parameters
    ----------
    config
        Settings of the model.
    beta
        Decay of the membrane.
    bias
        Current into every unit at every step.
    """

    def __init__(self, config: Any, beta: float, bias: float = 0.0) -> None:
        self.config, self.decay, self.beta, self.bias = config, beta, beta, bias

    def step(self, state: State, current: Tensor) -> State:
        c = self.config
        left = state.more[0] if state.more else state.membrane
        current = current + self.bias if self.bias else current
        if c.reset == "none":
            u = current + self.beta * left
            return State(u, spikes_of(u, c))
        fired = state.spikes if c.reset_delay else spikes_of(left, c)
        u = current + self.beta * (left * (1 - fired) if c.reset == "zero" else left)
        u = u - fired * c.threshold if c.reset == "subtract" else u
        spikes = spikes_of(u, c)
        if c.reset_delay:
            return State(u, spikes)
        return State(u, spikes, (u - (spikes - fired) * (c.threshold if c.reset == "subtract" else u),))

    def trace(self, kept: Kept, pre: Tensor) -> Kept:
        return (self.beta * kept[0] + pre if kept else pre,)

    def slope(self, state: State) -> Tensor:
        return torch_derivative(self.config, state.membrane)


class AlifUnit(Unit):
    """`bioplaus.neurons.alif.Alif`, step by step; its membrane is ``v - beta_a b``, its trace that of `LifUnit`.

    What a state remembers beside is v, b and the quiet steps that are left.

    Parameters
    ----------
    config
        Settings of the model.
    beta, rho
        Decays of membrane and adaptation.
    """

    def __init__(self, config: Any, beta: float, rho: float) -> None:
        self.config, self.decay, self.beta, self.rho = config, beta, beta, rho
        self.slow = (rho, config.beta_a) if config.beta_a else None

    def start(self, current: Tensor) -> State:
        rest = torch.zeros_like(current)
        return State(rest, rest, (rest, rest, rest))

    def step(self, state: State, current: Tensor) -> State:
        c, (v, b, quiet), fired = self.config, state.more, state.spikes
        v = self.beta * (v * (1 - fired) if c.reset == "zero" else v) + current
        v = v - fired * c.threshold if c.reset == "subtract" else v
        b = self.rho * b + fired
        u = v - c.beta_a * b
        if not c.n_ref:
            return State(u, spikes_of(u, c), (v, b, quiet))
        quiet = torch.where(fired > 0, float(c.n_ref), (quiet - 1).clamp(min=0))
        return State(u, spikes_of(u, c) * (quiet == 0), (v, b, quiet))

    def trace(self, kept: Kept, pre: Tensor) -> Kept:
        return (self.beta * kept[0] + pre if kept else pre,)

    def slope(self, state: State) -> Tensor:
        psi = torch_derivative(self.config, state.membrane)
        return psi * (state.more[2] == 0) if self.config.n_ref else psi
