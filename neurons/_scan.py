"""Compiled scans over time of leaky integrate-and-fire units: ``[rows, T, units]``, rows in parallel, units side by side.

Only the membrane is kept: spikes and resets are functions of it. Strict floating point; a row's result depends on no other row and on no
number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = ["NONE", "SUBTRACT", "ZERO", "add_slope_times", "lif_backward", "lif_forward"]

SUBTRACT, ZERO, NONE = range(3)
#: surrogates by number, in the order of `bioplaus.neurons.surrogates.SURROGATES`
FAST_SIGMOID, ATAN, SIGMOID, TRIANGULAR, BOXCAR, GAUSSIAN, STRAIGHT = range(7)


@numba.njit(cache=True, fastmath=False)
def add_slope_times(code: int, a: Any, b: Any, one: Any, membrane: Any, threshold: Any, error: Any, found: Any) -> None:
    """Add error times the surrogate derivative to found; a and b are the surrogate's numbers. A plain loop for each is vectorised."""
    if code == FAST_SIGMOID:
        for c in range(found.shape[0]):
            y = one + a * abs(membrane[c] - threshold)
            found[c] += error[c] / (y * y)
    elif code == ATAN:
        for c in range(found.shape[0]):
            y = a * (membrane[c] - threshold)
            found[c] += error[c] * (b / (one + y * y))
    elif code == SIGMOID:
        for c in range(found.shape[0]):
            s = one / (one + math.exp(a * abs(membrane[c] - threshold)))
            found[c] += error[c] * (a * s * (one - s))
    elif code == TRIANGULAR:
        for c in range(found.shape[0]):
            y = one - abs(membrane[c] - threshold) * b
            found[c] += error[c] * (a * y if y > 0 else one - one)
    elif code == BOXCAR:
        for c in range(found.shape[0]):
            found[c] += error[c] * (b if abs(membrane[c] - threshold) <= a else one - one)
    elif code == GAUSSIAN:
        for c in range(found.shape[0]):
            y = (membrane[c] - threshold) * a
            found[c] += error[c] * (b * math.exp(-y * y))
    else:
        for c in range(found.shape[0]):
            found[c] += error[c]


@numba.njit(cache=True, fastmath=False, parallel=True)
def lif_forward(
    current: Any, beta: Any, threshold: Any, level: Any, one: Any, reset: int, delay: bool, per: int, membrane: Any, after: Any, spikes: Any
) -> None:
    """Fill membrane and spikes ``[rows, T, C]`` from current ``[rows, T or 1, C]``, and without delay the membrane behind the reset.

    beta ``[replicas]``: row r belongs to replica ``r // per``. R[t] = 1 for state[t-1] > level (the threshold), the state being the membrane, or
    with an immediate reset what is left behind it; U[t] = beta state[t-1] + I[t] - R[t] threshold (subtract), beta (1 - R[t]) state[t-1] + I[t]
    (zero).
    Without delay S[t] - R[t] is reset at once, in the same way.
    """
    rows, steps, units = membrane.shape
    constant = current.shape[1] == 1
    for row in numba.prange(rows):
        b = beta[row // per]
        for t in range(steps):
            drive, now, fired = current[row, 0 if constant else t], membrane[row, t], spikes[row, t]
            if t == 0:
                for c in range(units):
                    now[c] = drive[c]
            else:
                state = membrane[row, t - 1] if delay else after[row, t - 1]
                if reset == SUBTRACT:
                    for c in range(units):
                        u = b * state[c] + drive[c]
                        now[c] = u - threshold if state[c] > level else u
                elif reset == ZERO:
                    for c in range(units):
                        now[c] = drive[c] if state[c] > level else b * state[c] + drive[c]
                else:
                    for c in range(units):
                        now[c] = b * state[c] + drive[c]
            for c in range(units):
                fired[c] = one if now[c] > level else one - one
            if not delay:
                left = after[row, t]
                for c in range(units):
                    was = one if t > 0 and after[row, t - 1, c] > level else one - one
                    more = fired[c] - was
                    left[c] = now[c] - more * (threshold if reset == SUBTRACT else now[c]) if reset != NONE else now[c]


@numba.njit(cache=True, fastmath=False, parallel=True)
def lif_backward(
    membrane: Any,
    after: Any,
    error: Any,
    on_spikes: bool,
    beta: Any,
    threshold: Any,
    level: Any,
    one: Any,
    reset: int,
    delay: bool,
    per: int,
    code: int,
    a: Any,
    b: Any,
    back: Any,
    leak: Any,
) -> None:
    """Fill back ``[rows, T or 1, C]``, the error at the current, and leak ``[rows]`` (if it has any), that at beta.

    error ``[rows, T, C]`` is that at the spikes (times the surrogate at the membrane) or at the membrane before any immediate reset. With
    lambda[t] the error at the membrane, ``lambda[t] = direct[t] + beta lambda[t+1]``, beta (1 - R[t+1]) where the reset is to zero; resets pass
    nothing on. Where the current was constant, its error is summed over time.
    """
    rows, steps, units = membrane.shape
    summed = back.shape[1] == 1
    for row in numba.prange(rows):
        decay, total = beta[row // per], 0.0
        later = np.zeros(units, membrane.dtype)
        if summed:
            back[row, 0, :] = 0
        for s in range(steps):
            t = steps - 1 - s
            now, state = membrane[row, t], membrane[row, t] if delay else after[row, t]
            direct, found = error[row, t], back[row, 0 if summed else t]
            if leak.shape[0] and s > 0:
                for c in range(units):
                    if not (reset == ZERO and state[c] > level):
                        total += later[c] * state[c]
            if reset == ZERO:
                for c in range(units):
                    later[c] = one - one if state[c] > level else decay * later[c]
            else:
                for c in range(units):
                    later[c] = decay * later[c]
            if reset == ZERO and not delay:
                for c in range(units):
                    was = one if t > 0 and after[row, t - 1, c] > level else one - one
                    later[c] *= one - ((one if now[c] > level else one - one) - was)
            if on_spikes:
                add_slope_times(code, a, b, one, now, threshold, direct, later)
            else:
                for c in range(units):
                    later[c] += direct[c]
            if summed:
                for c in range(units):
                    found[c] += later[c]
            else:
                for c in range(units):
                    found[c] = later[c]
        if leak.shape[0]:
            leak[row] = total
