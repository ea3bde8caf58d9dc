"""Leaky integrate-and-fire unit, in discrete time.

::

    R[t] = Theta(U[t-1] - threshold)                         no gradient passes it
    subtract   U[t] = beta U[t-1] + I[t] - R[t] threshold    zero   U[t] = beta (1 - R[t]) U[t-1] + I[t]    none   U[t] = beta U[t-1] + I[t]
    S[t] = Theta(U[t] - threshold), Theta(x) = 1 for x > 0 alone; U[0] = 0

With ``reset_delay=False`` what S[t] - R[t] asks for is reset at once, and U[t] is what is left. The input carries neither dt nor 1 - beta.
In continuous time ``tau dU/dt = -U + R I`` with beta = exp(-dt / tau_mem) (exact for a constant current; 1 - dt / tau_mem is Euler's).

These are the conventions of snnTorch 1.0's ``Leaky`` (Eshraghian et al. 2023, Proc. IEEE 111:1016), so that runs can be compared spike by spike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from bioplaus.allocation import room
from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.neurons._scan import NONE, SUBTRACT, ZERO, lif_backward, lif_forward
from bioplaus.neurons._threads import over_rows
from bioplaus.neurons.base import NeuronConfig
from bioplaus.neurons.online import LifUnit
from bioplaus.neurons.spiking import (
    Spiking,
    ThresholdConfig,
    check_error,
    decay,
    level,
    numbers,
    rows_of,
    series,
    spikes_of,
    torch_derivative,
    unseries,
)

__all__ = ["Lif", "LifConfig"]

RESETS = {"subtract": SUBTRACT, "zero": ZERO, "none": NONE}


@dataclass
class LifConfig(ThresholdConfig):
    """Settings of `Lif`."""

    name: str = "lif"
    #: decays per step, and the time constants they follow from where they are not given
    decays: ClassVar[Mapping[str, str]] = {"beta": "tau_mem"}
    beta: float | None = ranged(None, 0, 1)
    """Decay of the membrane per step, in [0, 1]; exp(-dt / tau_mem) if not given."""
    tau_mem: float = ranged(20.0, above=0)
    """Time constant of the membrane, ms, > 0."""
    dt: float = ranged(1.0, above=0)
    """Duration of a step, ms, > 0."""
    readout_beta: float | None = ranged(None, 0, 1)
    """Decay of the output layer's membrane per step (kappa), in [0, 1]; that of the other layers if not given."""
    learn_tau: bool = False
    """Whether each layer learns its decay, beta = sigmoid(leak), from where the settings put it."""


@dataclass(frozen=True)
class _Cache:
    membrane: Tensor  # before an immediate reset
    after: Tensor  # behind it; the same array where the reset is delayed
    beta: Tensor  # [replicas]
    constant: bool


class Lif(Spiking):
    """Leaky integrate-and-fire unit with reset by subtraction, to zero, or none."""

    Config: ClassVar[type[NeuronConfig]] = LifConfig

    @property
    def beta(self) -> float:
        """Decay of the membrane per step."""
        c = self.config
        return decay(c.tau_mem, c.dt) if c.beta is None else c.beta

    @property
    def parameters(self) -> Mapping[str, float]:
        if not self.config.learn_tau:
            return {}
        beta = min(max(self.beta, 1e-6), 1 - 1e-6)
        return {"leak": float(np.log(beta / (1 - beta)))}

    def forward(self, current: Tensor, own: Mapping[str, Tensor] | None = None) -> tuple[Tensor, _Cache]:
        replicas = current.shape[0]
        if own:
            beta = torch.sigmoid(own["leak"]).flatten().expand(replicas)
        else:
            beta = torch.full((replicas,), self.beta, dtype=current.dtype, device=current.device)
        steps = self.config.steps if current.shape[2] == 1 else current.shape[2]
        membrane, after, spikes = self._scan(current, beta, steps)
        return (membrane if self.as_membrane else spikes), _Cache(membrane, after, beta, current.shape[2] == 1)

    def pull(self, cache: _Cache, error: Tensor) -> Tensor:
        return self._back(cache, error)[0]

    def changes(self, cache: _Cache, error: Tensor) -> dict[str, Tensor]:
        if not self.config.learn_tau:
            return {}
        slope = cache.beta * (1 - cache.beta)
        return {"leak": (self._back(cache, error, leak=True)[1] * slope).unsqueeze(1)}

    def online(self) -> LifUnit:
        if self.config.learn_tau:
            raise ConfigError("neuron.learn_tau=true: a decay that is learned needs the whole run of a sample; leave it out for online rules")
        return LifUnit(self.config, self.beta)

    def run(self, current: Tensor, time_axis: int = 0) -> tuple[Tensor, Tensor]:
        x = series(current, time_axis)
        _, after, spikes = self._scan(x, torch.full((1,), self.beta, dtype=x.dtype, device=x.device), x.shape[2])
        return unseries(spikes, current, time_axis), unseries(after, current, time_axis)

    def _scan(self, current: Tensor, beta: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return membrane, membrane behind an immediate reset, and spikes, ``[R, B, T, *units]``."""
        c = self.config
        if current.device.type != "cpu":
            return self._loop(current, beta, steps)
        shape = (*current.shape[:2], steps, *current.shape[3:])
        membrane, spikes = room(current, shape), room(current, shape)
        after = membrane if c.reset_delay else room(current, shape)
        kind = membrane.numpy().dtype.type
        over_rows(
            lif_forward, shape[0] * shape[1], membrane.numel(), rows_of(current), beta.numpy(), kind(c.threshold), level(c, kind), kind(1),
            RESETS[c.reset], c.reset_delay, current.shape[1], rows_of(membrane), rows_of(after), rows_of(spikes),
        )  # fmt: skip
        return membrane, after, spikes

    def _back(self, cache: _Cache, error: Tensor, *, leak: bool = False) -> tuple[Tensor, Tensor]:
        """Return the error at the current, and that at beta ``[R]`` if asked for."""
        c, u = self.config, cache.membrane
        check_error(error, u)
        if u.device.type != "cpu":
            return self._loop_back(cache, error)
        back = room(u, (*u.shape[:2], 1 if cache.constant else u.shape[2], *u.shape[3:]))
        kind = u.numpy().dtype.type
        found = np.zeros(u.shape[0] * u.shape[1] if leak else 0)
        code, a, b = numbers(c)
        over_rows(
            lif_backward, u.shape[0] * u.shape[1], u.numel(), rows_of(u), rows_of(cache.after), rows_of(error), not self.as_membrane,
            cache.beta.numpy(), kind(c.threshold), level(c, kind), kind(1), RESETS[c.reset], c.reset_delay, u.shape[1],
            code, kind(a), kind(b), rows_of(back), found,
        )  # fmt: skip
        return back, torch.from_numpy(found.reshape(u.shape[0], -1).sum(1) if leak else found).to(u.dtype)

    def _loop(self, current: Tensor, beta: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """The same, step by step in torch, for other devices."""
        c = self.config
        b = beta.view(-1, *[1] * (current.dim() - 2))
        state, kept = torch.zeros_like(current[:, :, 0]), []
        for t in range(steps):
            drive, fired = current[:, :, 0 if current.shape[2] == 1 else t], spikes_of(state, c)
            u = drive + b * (state * (1 - fired) if c.reset == "zero" else state)
            u = u - fired * c.threshold if c.reset == "subtract" else u
            state, more = u, spikes_of(u, c) - fired
            if not c.reset_delay and c.reset != "none":
                state = u - more * (c.threshold if c.reset == "subtract" else u)
            kept.append((u, state))
        membrane, after = (torch.stack(found, 2) for found in zip(*kept))
        return membrane, after, spikes_of(membrane, c)

    def _loop_back(self, cache: _Cache, error: Tensor) -> tuple[Tensor, Tensor]:
        c, u, after = self.config, cache.membrane, cache.after
        b = cache.beta.view(-1, *[1] * (u.dim() - 2))
        fired = spikes_of(after, c)  # R[t + 1]
        later, leak, found = torch.zeros_like(u[:, :, 0]), torch.zeros_like(cache.beta), []
        for t in reversed(range(u.shape[2])):
            kept = 1 - fired[:, :, t] if c.reset == "zero" else torch.ones_like(later)
            leak = leak + (later * kept * after[:, :, t]).flatten(1).sum(1)
            later = b * kept * later
            if c.reset == "zero" and not c.reset_delay:
                was = fired[:, :, t - 1] if t else torch.zeros_like(later)
                later = later * (1 - (spikes_of(u[:, :, t], c) - was))
            later = later + error[:, :, t] * (1 if self.as_membrane else torch_derivative(c, u[:, :, t]))
            found.append(later)
        back = torch.stack(found[::-1], 2)
        return (back.sum(2, keepdim=True) if cache.constant else back), leak
