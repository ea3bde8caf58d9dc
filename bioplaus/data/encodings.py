"""From values in [0, 1] to currents or spikes over time: ``[R, B, *shape] -> [R, B, T, *shape]``.

========  ==============================================================================================
direct    the value itself as a constant current: T = 1, which every layer takes as "the same at each step"
rate      S[t] ~ Bernoulli(clip(gain x + offset, 0, 1)), independent over steps
latency   one spike at round(tau ln(x / (x - theta))), scaled to reach from 0 to T - 1 in a sample; linear: (T - 1)(1 - x)
delta     +1 where x[t] - x[t-1] >= theta, -1 where <= -theta: for inputs that change over time
========  ==============================================================================================

The conventions are those of snnTorch 1.0's `spikegen`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.shapes import leading
from bioplaus.streams import Streams

__all__ = ["Encoding", "delta", "direct", "latency", "rate"]


@dataclass(frozen=True)
class Encoding:
    """How a run turns its inputs into time: settings ``data.encode*`` and the units' number of steps."""

    kind: str
    steps: int
    gain: float = 1.0
    tau: float = 0.0
    threshold: float = 0.01

    def check(self, low: float, high: float) -> None:
        """Raise ConfigError if inputs from low to high cannot be coded."""
        if self.kind != "direct":
            _in_unit(low, high, self.kind.partition("_")[0])

    def __call__(self, x: Tensor, streams: Streams) -> Tensor:
        """Return ``[R, B, T, *shape]`` for x ``[R or 1, B, *shape]``; only rate coding draws."""
        if self.kind == "direct":
            return direct(x)
        if self.kind == "rate":
            return rate(x, streams.uniform("encode", (x.shape[1], self.steps, *x.shape[2:])).to(x.dtype), self.gain)
        linear = self.kind == "latency_linear"
        return latency(x, self.steps, self.tau or 1.0, self.threshold, linear=linear, normalise=not self.tau, clip=True)


def _in_unit(low: float, high: float, name: str) -> None:
    if not (low >= 0 and high <= 1):
        reach = f"these reach from {low:.3g} to {high:.3g}"
        raise ConfigError(f"{name} coding needs inputs between 0 and 1, {reach}; use data.standardise=none, on pixels")


def _reach(x: Tensor) -> tuple[float, float]:
    """Return the smallest and the largest value, 0 and 0 where there is none."""
    return (float(x.min()), float(x.max())) if x.numel() else (0.0, 0.0)


def direct(x: Tensor) -> Tensor:
    """Return the input as a constant current, ``[R, B, 1, *shape]``."""
    return x.unsqueeze(2)


def rate(x: Tensor, uniform: Tensor, gain: float = 1.0, offset: float = 0.0) -> Tensor:
    """Return Bernoulli spikes: 1 where uniform ``[R, B, T, *shape]``, drawn from U(0, 1), lies below ``clip(gain x + offset, 0, 1)``.

    Raises
    ------
    ConfigError
        Inputs outside [0, 1].
    """
    _in_unit(*_reach(x), "rate")
    return (uniform < (gain * x + offset).clamp(0, 1).unsqueeze(2)).to(x.dtype)


def latency(
    x: Tensor, steps: int, tau: float = 1.0, threshold: float = 0.01, *, linear: bool = False, normalise: bool = True, clip: bool = False
) -> Tensor:
    """Return one spike per input; the larger the value, the earlier.

    Parameters
    ----------
    tau
        Time constant in steps, > 0 (logarithmic, not normalised).
    threshold
        theta in (0, 1); values are raised to just above it.
    linear, normalise
        Whether times fall linearly in x; whether they are scaled so that each sample's last spike is at T - 1 (else later ones are lost;
        linear times reach from 0 for x = 1 to T - 1 for x = 0).
    clip
        Whether values below the threshold send no spike. Logarithmic times that are scaled then reach from 0 to T - 1 over the spikes of each
        sample; in snnTorch the values left out have a part in the scale, and a dark background presses all spikes into the first step.

    Raises
    ------
    ConfigError
        Inputs outside [0, 1].
    """
    _in_unit(*_reach(x), "latency")
    last = steps - 1
    if linear:
        when = (last if normalise else tau) * (1 - x.clamp(min=threshold))
    else:
        raised = x.clamp(min=threshold + 1e-7)
        when = tau * torch.log(raised / (raised - threshold))
        if normalise:
            when = _stretched(when, x >= threshold, last) if clip else when * (last / leading(when.flatten(2).amax(2), x))
    at = when.round().clamp(max=last).long().unsqueeze(2)
    spikes = torch.zeros(*x.shape[:2], steps, *x.shape[2:], dtype=x.dtype, device=x.device).scatter_(2, at, 1)
    spikes *= (when.round() <= last).unsqueeze(2)
    return spikes * (x >= threshold).unsqueeze(2) if clip else spikes


def _stretched(when: Tensor, sent: Tensor, last: int) -> Tensor:
    """Return times moved and scaled so that those sent reach from 0 to last in each sample; all at 0 where they are one."""
    first = leading(when.masked_fill(~sent, torch.inf).flatten(2).amin(2), when)
    final = leading(when.masked_fill(~sent, -torch.inf).flatten(2).amax(2), when)
    span = final - first
    return torch.where(span > 0, (when - first) * (last / span), 0)


def delta(x: Tensor, threshold: float, *, padding: bool = False, off: bool = False) -> Tensor:
    """Return on-spikes (and with off, off-spikes of -1) where x ``[R, B, T, *shape]`` changes by at least the threshold.

    The first step is compared with 0, or with itself where padding is on.
    """
    first = x[:, :, :1] if padding else torch.zeros_like(x[:, :, :1])
    change = torch.diff(torch.cat([first, x], 2), dim=2)
    found = (change >= threshold).to(x.dtype)
    return found - (change <= -threshold).to(x.dtype) if off else found
