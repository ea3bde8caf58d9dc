"""Cells that fire once: postsynaptic potentials of spikes, and the moment at which their weighted sum first reaches a threshold.

::

    eps(s) = (s / tau) exp(1 - s / tau)  for s > 0, else 0        1 at its peak, s = tau
    x_j(t) = sum_{i,k} w_jik sign_i eps(t - a_ik)                  a_ik = t_i + d_k, when the spike of cell i arrives through delay k
    t_j    = the first t with x_j(t) >= threshold

A crossing is bracketed on a grid of step dt and then refined to rounding, each cell at a time of its own. What rises above the threshold and
falls below it within one step is not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Crossing", "first_crossing", "potential", "potential_slope"]

#: Refinements at most: Newton's steps need about five, halving a step of 1 ms down to rounding 50.
REFINEMENTS = 60
#: A time is good when its next correction is below so many roundings of the window.
ROUNDINGS = 4


def potential(lag: Tensor, tau: float) -> Tensor:
    """Return eps of times since arrival, ms: ``(s/tau) exp(1 - s/tau)``, 0 before it."""
    z = (lag / tau).clamp(min=0)
    return z * torch.exp(1 - z)


def potential_slope(lag: Tensor, tau: float) -> Tensor:
    """Return d eps / ds, per ms: ``(1 - s/tau) exp(1 - s/tau) / tau``, 0 up to the arrival."""
    z = (lag / tau).clamp(min=0)
    return (1 - z) * torch.exp(1 - z) * (lag > 0) / tau


class Crossing(NamedTuple):
    """When cells fire: times ``[R, B, N]`` in ms, that of their largest membrane where they do not, and whether they do."""

    time: Tensor
    fired: Tensor


def first_crossing(
    on_grid: Tensor, grid: Tensor, threshold: float, at: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> Crossing:
    """Return the first time at which each membrane reaches the threshold.

    Parameters
    ----------
    on_grid
        Membranes ``[R, B, T, N]``.
    grid
        The T times, rising, ms; at the first nothing has arrived.
    threshold
        Above 0.
    at
        Membranes and their slopes ``[R, B, N]`` at times ``[R, B, N]``, one for each cell.
    """
    above = on_grid >= threshold
    fired = above.any(2)
    n = above.int().argmax(2).clamp(min=1)
    low, high = grid[n - 1], grid[n]
    rise = [on_grid.gather(2, i.unsqueeze(2)).squeeze(2) for i in (n - 1, n)]
    share = ((threshold - rise[0]) / (rise[1] - rise[0])).nan_to_num(0.5).clamp(0, 1)
    time, good = low + (high - low) * share, ~fired
    tolerance = ROUNDINGS * torch.finfo(grid.dtype).eps * float(grid[-1])
    for _ in range(REFINEMENTS):
        if bool(good.all()):
            break
        value, slope = at(time)
        low, high = torch.where(value < threshold, time, low), torch.where(value < threshold, high, time)
        newton = time + (threshold - value) / slope
        # outside the bracket the tangent is no guide: halve
        new = torch.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        step = (new - time).abs()
        time = torch.where(good, time, new)
        good = good | (step <= tolerance)
    return Crossing(torch.where(fired, time, grid[on_grid.argmax(2)]), fired)
