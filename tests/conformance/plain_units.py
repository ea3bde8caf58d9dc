"""Spiking units as plain loops in torch, so that autograd says what their way back is: spikes by a custom Function, resets without a gradient.

Equations are written out once more, from the definitions; nothing is imported of the units. Currents are ``[R, B, T, n]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

#: decays in a step of 1 ms: membrane (20 ms), synapse (5 ms), adaptation (200 ms)
MEMBRANE, SYNAPSE, ADAPTATION = math.exp(-1 / 20), math.exp(-1 / 5), math.exp(-1 / 200)
#: dS/dx by name, x = U - threshold, with default parameters
SLOPES: dict[str, Callable[[Tensor], Tensor]] = {
    "fast_sigmoid": lambda x: 1 / (1 + 25 * x.abs()) ** 2,
    "atan": lambda x: 1 / (1 + (math.pi * x) ** 2),
    "sigmoid": lambda x: 25 * torch.exp(-25 * x.abs()) / (1 + torch.exp(-25 * x.abs())) ** 2,
    "triangular": lambda x: 0.3 * torch.relu(1 - x.abs()),
    "boxcar": lambda x: (x.abs() <= 0.5).to(x.dtype),
    "gaussian": lambda x: torch.exp(-(x**2) / (2 * 0.4**2)) / (0.4 * math.sqrt(2 * math.pi)),
    "straight_through": torch.ones_like,
    "fast_sigmoid_10": lambda x: 1 / (1 + 10 * x.abs()) ** 2,
}


class Spike(torch.autograd.Function):
    """1 for x > 0; its derivative is a surrogate."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, name: str) -> Tensor:
        ctx.save_for_backward(x)
        ctx.name = name
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *errors: Tensor) -> tuple[Tensor, None]:
        return errors[0] * SLOPES[ctx.name](ctx.saved_tensors[0]), None


def spike(x: Tensor, name: str) -> Tensor:
    found: Tensor = Spike.apply(x, name)
    return found


def stacked(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return torch.stack([s for s, _ in pairs], 2), torch.stack([u for _, u in pairs], 2)


def leaky(
    current: Tensor,
    *,
    beta: Any = MEMBRANE,
    alpha: Any = None,
    order: str = "new",
    reset: str = "subtract",
    reset_delay: bool = True,
    surrogate: str = "atan",
) -> tuple[Tensor, Tensor]:
    """Return (spikes, membrane before an immediate reset) of a leaky unit, with alpha behind a synapse."""
    state = torch.zeros_like(current[:, :, 0])
    y, pairs = state, []
    for t in range(current.shape[2]):
        fired = (state.detach() > 1).to(state.dtype)
        fresh = current[:, :, t] if alpha is None else alpha * y + current[:, :, t]
        drive = y if order == "old" else fresh
        if reset == "zero":
            u = beta * state * (1 - fired) + drive if alpha is None else (beta * state + drive) * (1 - fired)
        else:
            u = beta * state + drive - (fired if reset == "subtract" else 0)
        s, y = spike(u - 1, surrogate), fresh
        more = (u.detach() > 1).to(u.dtype) - fired
        at_once = u - more if reset == "subtract" else u * (1 - more)
        state = u if reset_delay or reset == "none" else at_once
        pairs.append((s, u))
    return stacked(pairs)


def synaptic(current: Tensor, **settings: Any) -> tuple[Tensor, Tensor]:
    return leaky(current, **{"alpha": SYNAPSE, **settings})


def integrate_fire(current: Tensor, **settings: Any) -> tuple[Tensor, Tensor]:
    """Random currents never meet the threshold exactly, where it would fire too."""
    return leaky(current, beta=1.0, **settings)


def adaptive(
    current: Tensor,
    *,
    a: float = MEMBRANE,
    rho: float = ADAPTATION,
    beta_a: float = 0.1,
    n_ref: int = 0,
    reset: str = "subtract",
    surrogate: str = "triangular",
) -> tuple[Tensor, Tensor]:
    """Return (spikes, v - beta_a b)."""
    v = b = z = torch.zeros_like(current[:, :, 0])
    pairs: list[tuple[Tensor, Tensor]] = []
    for t in range(current.shape[2]):
        was = z.detach()
        v = a * v * (1 - was if reset == "zero" else 1) + current[:, :, t] - (was if reset == "subtract" else 0)
        b = rho * b + z
        awake = torch.ones_like(v)
        for s, _ in pairs[max(t - n_ref, 0) : t]:
            awake = awake * (s.detach() == 0)
        z = spike(v - (1 + beta_a * b), surrogate) * awake
        pairs.append((z, v - beta_a * b))
    return stacked(pairs)


def izhikevich(
    current: Tensor,
    *,
    dt: float = 0.5,
    gain: float = 100.0,
    abcd: tuple[float, float, float, float] = (0.02, 0.2, -65.0, 8.0),
    surrogate: str = "atan",
) -> tuple[Tensor, Tensor]:
    """Return (spikes, (v + 65)/95 before the reset); regular spiking."""
    a, b, c, d = abcd
    v = torch.full_like(current[:, :, 0], -65.0)
    u, pairs = b * v, []
    for t in range(current.shape[2]):
        v = (v + dt * (0.04 * v**2 + 5 * v + 140 - u + gain * current[:, :, t])).clamp(min=-100)
        u = u + dt * a * (b * v - u)
        scaled = (v + 65) / 95
        s = spike(scaled - 1, surrogate)
        pairs.append((s, scaled))
        hard = s.detach()
        v, u = v * (1 - hard) + c * hard, u + d * hard
    return stacked(pairs)


def spike_response(
    current: Tensor, *, alpha: float = 0.97, beta: float = 0.92, alpha_r: float = 0.65, weight_r: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return (spikes, P + R); the threshold is 0."""
    p = q = r = s = torch.zeros_like(current[:, :, 0])
    pairs = []
    for t in range(current.shape[2]):
        p, q = alpha * p + (1 - alpha) * q, beta * q + (1 - beta) * current[:, :, t]
        r = alpha_r * r - (1 - alpha_r) * weight_r * s.detach()
        s = spike(p + r, "fast_sigmoid_10")
        pairs.append((s, p + r))
    return stacked(pairs)


#: by registered name, default settings as in the units
PLAIN: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    "lif": leaky,
    "synaptic": synaptic,
    "if": integrate_fire,
    "alif": adaptive,
    "izhikevich": izhikevich,
    "srm": spike_response,
}
