"""Leaky integrate-and-fire unit whose threshold rises with each spike (adaptive), in discrete time.

::

    v[t] = a v[t-1] + I[t] - z[t-1] threshold       b[t] = rho b[t-1] + z[t-1]       A[t] = threshold + beta_a b[t]
    z[t] = Theta(v[t] - A[t]), Theta(x) = 1 for x > 0 alone; 0 in the n_ref steps behind a spike; v[0] = b[0] = z[0] = 0

a = exp(-dt / tau_mem), rho = exp(-dt / tau_adapt): in continuous time ``tau_mem dv/dt = -v + R I``, ``tau_adapt db/dt = -b``, both with a jump
at a spike. The membrane integrates on while a unit is refractory. A reset to zero is ``a (1 - z[t-1]) v[t-1] + I[t]``.

In learning dz/dv is the surrogate at v - A, 0 while refractory; nothing passes a reset, whereas the adaptation, z[t] to A[t+1], passes on
(Bellec et al. 2020, Nat. Commun. 11:3625). Here units of a layer do not reach each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.neurons import surrogates
from bioplaus.neurons._alif_scan import alif_backward, alif_forward
from bioplaus.neurons._threads import over_rows
from bioplaus.neurons.lif import RESETS
from bioplaus.neurons.online import AlifUnit
from bioplaus.neurons.scanned import Scanned, fire
from bioplaus.neurons.spiking import Spiking, ThresholdConfig, check_error, decay, numbers, rows_of

__all__ = ["Alif", "AlifConfig"]


@dataclass
class AlifConfig(ThresholdConfig):
    """Settings of `Alif`."""

    name: str = "alif"
    #: decays per step, and the time constants they follow from where they are not given
    decays: ClassVar[Mapping[str, str]] = {"beta": "tau_mem", "rho": "tau_adapt"}
    beta: float | None = ranged(None, 0, 1)
    """Decay a of the membrane per step, in [0, 1]; exp(-dt / tau_mem) if not given."""
    tau_mem: float = ranged(20.0, above=0)
    """Time constant of the membrane, ms, > 0."""
    rho: float | None = ranged(None, 0, 1)
    """Decay of the adaptation per step, in [0, 1]; exp(-dt / tau_adapt) if not given."""
    tau_adapt: float = ranged(200.0, above=0)
    """Time constant of the adaptation, ms, > 0."""
    beta_a: float = ranged(0.1, 0)
    """What one spike adds to the threshold, >= 0, in units of the membrane."""
    n_ref: int = ranged(0, 0)
    """Steps behind a spike in which a unit is silent, >= 0."""
    dt: float = ranged(1.0, above=0)
    """Duration of a step, ms, > 0."""
    readout_beta: float | None = ranged(None, 0, 1)
    """Decay of the output layer's membrane per step (kappa), in [0, 1]; that of the other layers if not given."""
    surrogate: str = choice("triangular", *surrogates.SURROGATES)
    """Derivative of the spike in learning; see `bioplaus.neurons.surrogates`."""


@dataclass(frozen=True)
class _Cache:
    effective: Tensor  # v - beta_a b
    spikes: Tensor
    constant: bool


class Alif(Scanned):
    """Leaky integrate-and-fire unit with an adaptive threshold and a refractory period.

    As a read-out it has no refractory period, and its membrane is v - beta_a b, from which spikes follow by the resting threshold.
    """

    Config = AlifConfig

    def __init__(self, config: Any = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        if not self.config.reset_delay:
            raise ConfigError(f"neuron.reset_delay=false: {self.config.name} resets in the step after a spike; use lif or synaptic")

    def readout(self) -> Spiking:
        leaky = {"beta_a": 0.0, "reset": "none"} if self.config.readout == "leaky" else {}
        made = type(self)(replace(self.config, n_ref=0, **leaky, **self._kappa()))
        made.as_membrane = True
        return made

    def online(self) -> AlifUnit:
        return AlifUnit(self.config, *self._decays())

    def _decays(self) -> tuple[float, float]:
        """Return a and rho."""
        c = self.config
        return (decay(c.tau_mem, c.dt) if c.beta is None else c.beta), (decay(c.tau_adapt, c.dt) if c.rho is None else c.rho)

    def _numbers(self, kind: Any) -> tuple[Any, Any, Any, Any, Any, int, int]:
        """Return what the scans take in common, of a NumPy type."""
        c, (a, rho) = self.config, self._decays()
        return kind(a), kind(rho), kind(c.beta_a), kind(c.threshold), kind(1), RESETS[c.reset], c.n_ref

    def _scan(
        self, current: Tensor, own: Mapping[str, Tensor], steps: int, *, shown: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, _Cache]:
        shape = (*current.shape[:2], steps, *current.shape[3:])
        effective, spikes = current.new_empty(shape), current.new_empty(shape)
        voltage = effective.new_empty((*shape[:2], steps if shown else 0, *shape[3:]))
        kind = effective.numpy().dtype.type
        over_rows(
            alif_forward, shape[0] * shape[1], effective.numel(), rows_of(current), *self._numbers(kind),
            rows_of(effective), rows_of(voltage), rows_of(spikes),
        )  # fmt: skip
        return spikes, effective, voltage, _Cache(effective, spikes, current.shape[2] == 1)

    def _back(self, cache: _Cache, error: Tensor) -> Tensor:
        u = cache.effective
        check_error(error, u)
        back, kind = u.new_empty((*u.shape[:2], 1 if cache.constant else u.shape[2], *u.shape[3:])), u.numpy().dtype.type
        code, p, q = numbers(self.config)
        over_rows(
            alif_backward, u.shape[0] * u.shape[1], u.numel(), rows_of(u), rows_of(cache.spikes), rows_of(error),
            not self.as_membrane, *self._numbers(kind), code, kind(p), kind(q), rows_of(back),
        )  # fmt: skip
        return back

    def _loop(self, current: Tensor, own: Mapping[str, Tensor], steps: int) -> tuple[Tensor, Tensor, Tensor]:
        c, (a, rho) = self.config, self._decays()
        v = b = z = torch.zeros_like(current[:, :, 0])
        quiet, kept = torch.zeros_like(v), []
        for t in range(steps):
            reset = z.detach()
            v = a * (v * (1 - reset) if c.reset == "zero" else v) + current[:, :, 0 if current.shape[2] == 1 else t]
            v = v - reset * c.threshold if c.reset == "subtract" else v
            b = rho * b + z
            u = v - c.beta_a * b
            z = fire(u, c) * (quiet == 0)
            quiet = torch.where(z.detach() > 0, c.n_ref, (quiet - 1).clamp(min=0))
            kept.append((z, u, v))
        spikes, effective, voltage = (torch.stack(found, 2) for found in zip(*kept))
        return spikes, effective, voltage
