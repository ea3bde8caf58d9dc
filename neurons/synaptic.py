"""Leaky integrate-and-fire unit behind synapses whose current decays, in discrete time.

::

    R[t] = Theta(U[t-1] - threshold)                            no gradient passes it
    new    Y[t] = alpha Y[t-1] + I[t],  V = beta U[t-1] + Y[t]  old  V = beta U[t-1] + Y[t-1],  Y[t] = alpha Y[t-1] + I[t]
    subtract   U[t] = V - R[t] threshold                        zero   U[t] = (1 - R[t]) V      none   U[t] = V
    S[t] = Theta(U[t] - threshold), Theta(x) = 1 for x > 0 alone; U[0] = Y[0] = 0

With ``reset_delay=False`` what S[t] - R[t] asks for is reset at once, and U[t] is what is left. In continuous time
``tau_syn dY/dt = -Y + I`` and ``tau_mem dU/dt = -U + Y`` with alpha = exp(-dt / tau_syn), beta = exp(-dt / tau_mem).

A reset to zero here sets the outcome of a step to zero, its input with it; that of `Lif` keeps the input. Both are as in snnTorch 1.0, whose
``Synaptic`` the order new is, spike by spike; old, reset to zero, is the unit of SpyTorch (Neftci, Mostafa & Zenke 2019, IEEE Signal
Process. Mag. 36:51). Of one input w to a unit that does not fire, k steps later (new): ``U = w (alpha^(k+1) - beta^(k+1)) / (alpha - beta)``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from bioplaus.allocation import room
from bioplaus.fields import choice, ranged
from bioplaus.neurons._synaptic_scan import synaptic_backward, synaptic_forward
from bioplaus.neurons._threads import over_rows
from bioplaus.neurons.lif import RESETS, LifConfig
from bioplaus.neurons.scanned import Scanned, Unrolled, fire
from bioplaus.neurons.spiking import check_error, decay, numbers, rows_of, spikes_of

__all__ = ["Synaptic", "SynapticConfig"]


@dataclass
class SynapticConfig(LifConfig):
    """Settings of `Synaptic`."""

    name: str = "synaptic"
    #: decays per step, and the time constants they follow from where they are not given
    decays: ClassVar[Mapping[str, str]] = {"beta": "tau_mem", "alpha": "tau_syn"}
    alpha: float | None = ranged(None, 0, 1)
    """Decay of the synaptic current per step, in [0, 1]; exp(-dt / tau_syn) if not given."""
    tau_syn: float = ranged(5.0, above=0)
    """Time constant of the synaptic current, ms, > 0."""
    order: str = choice("new", "new", "old")
    """Which synaptic current drives the membrane: new (with this step's input) | old (that of the step before)."""
    learn_tau: bool = False
    """Whether each layer learns its decays, beta = sigmoid(leak) and alpha = sigmoid(synaptic_leak), from where the settings put them."""


@dataclass(frozen=True)
class _Cache:
    membrane: Tensor  # before an immediate reset
    after: Tensor  # behind it; the same array where the reset is delayed
    current: Tensor  # as it came; empty unless the decays learn
    constant: bool
    alpha: Tensor  # [replicas]
    beta: Tensor


class Synaptic(Scanned):
    """Leaky integrate-and-fire unit behind synapses whose current decays exponentially."""

    Config = SynapticConfig

    @property
    def alpha(self) -> float:
        """Decay of the synaptic current per step."""
        c = self.config
        return decay(c.tau_syn, c.dt) if c.alpha is None else c.alpha

    @property
    def beta(self) -> float:
        """Decay of the membrane per step."""
        c = self.config
        return decay(c.tau_mem, c.dt) if c.beta is None else c.beta

    @property
    def parameters(self) -> Mapping[str, float]:
        if not self.config.learn_tau:
            return {}
        inside = {key: min(max(value, 1e-6), 1 - 1e-6) for key, value in {"leak": self.beta, "synaptic_leak": self.alpha}.items()}
        return {key: math.log(value / (1 - value)) for key, value in inside.items()}

    def changes(self, cache: _Cache | Unrolled, error: Tensor) -> dict[str, Tensor]:
        if not self.config.learn_tau:
            return {}
        if isinstance(cache, Unrolled):
            return cache.back(error)[1]
        at_alpha, at_beta = self._both(cache, error, leaks=True)[1]
        slopes = {"leak": at_beta * cache.beta * (1 - cache.beta), "synaptic_leak": at_alpha * cache.alpha * (1 - cache.alpha)}
        return {key: value.unsqueeze(1) for key, value in slopes.items()}

    def _decays(self, current: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return alpha and beta ``[replicas]``."""
        if own:
            return tuple(torch.sigmoid(own[key]).flatten().expand(current.shape[0]) for key in ("synaptic_leak", "leak"))  # type: ignore[return-value]
        return current.new_full((current.shape[0],), self.alpha), current.new_full((current.shape[0],), self.beta)

    def _scan(
        self, current: Tensor, own: Mapping[str, Tensor], steps: int, *, shown: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, _Cache]:
        c, (alpha, beta) = self.config, self._decays(current, own)
        shape = (*current.shape[:2], steps, *current.shape[3:])
        membrane, spikes = room(current, shape), room(current, shape)
        after = membrane if c.reset_delay else room(current, shape)
        kind = membrane.numpy().dtype.type
        over_rows(
            synaptic_forward, shape[0] * shape[1], membrane.numel(), rows_of(current), alpha.numpy(), beta.numpy(), kind(c.threshold), kind(1),
            RESETS[c.reset], c.reset_delay, c.order == "old", current.shape[1], rows_of(membrane), rows_of(after), rows_of(spikes),
        )  # fmt: skip
        return spikes, membrane, after, _Cache(membrane, after, current if own else current.new_empty(0), current.shape[2] == 1, alpha, beta)

    def _back(self, cache: _Cache, error: Tensor) -> Tensor:
        return self._both(cache, error)[0]

    def _both(self, cache: _Cache, error: Tensor, *, leaks: bool = False) -> tuple[Tensor, Tensor]:
        """Return the error at the current, and those at alpha and beta ``[2, R]`` if asked for."""
        c, u = self.config, cache.membrane
        check_error(error, u)
        current = cache.current if leaks else u  # read for leaks alone
        back, kind = room(u, (*u.shape[:2], 1 if cache.constant else u.shape[2], *u.shape[3:])), u.numpy().dtype.type
        found = np.zeros((2, u.shape[0] * u.shape[1] if leaks else 0))
        code, p, q = numbers(c)
        over_rows(
            synaptic_backward, u.shape[0] * u.shape[1], u.numel(), rows_of(u), rows_of(cache.after), rows_of(current), rows_of(error),
            not self.as_membrane, cache.alpha.numpy(), cache.beta.numpy(), kind(c.threshold), kind(1), RESETS[c.reset], c.reset_delay,
            c.order == "old", u.shape[1], code, kind(p), kind(q), rows_of(back), found,
        )  # fmt: skip
        return back, torch.from_numpy(found.reshape(2, u.shape[0], -1).sum(2)).to(u.dtype)

    def _loop(self, current: Tensor, own: Mapping[str, Tensor], steps: int) -> tuple[Tensor, Tensor, Tensor]:
        c = self.config
        alpha, beta = (decayed.view(-1, *[1] * (current.dim() - 2)) for decayed in self._decays(current, own))
        state = y = torch.zeros_like(current[:, :, 0])
        kept = []
        for t in range(steps):
            now = alpha * y + current[:, :, 0 if current.shape[2] == 1 else t]
            reset = spikes_of(state.detach(), c)
            u = beta * state + (y if c.order == "old" else now)
            u = u - reset * c.threshold if c.reset == "subtract" else u * (1 - reset) if c.reset == "zero" else u
            y, state = now, u
            if not c.reset_delay and c.reset != "none":
                more = spikes_of(u.detach(), c) - reset
                state = u - more * (c.threshold if c.reset == "subtract" else u)
            kept.append((fire(u, c), u, state))
        spikes, membrane, after = (torch.stack(found, 2) for found in zip(*kept))
        return spikes, membrane, after
