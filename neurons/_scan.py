"""Compiled scans over time of leaky integrate-and-fire units: ``[rows, T, units]``, row by row, units side by side.

Only the membrane is kept: spikes and resets are functions of it. Strict floating point; a row's result depends on no other row and on no
number of threads (`bioplaus.neurons._threads` shares rows out). A row has a function of its own, and division follows IEEE
(``error_model="numpy"``): otherwise the loops over units are not vectorised.
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


@numba.njit(cache=True, error_model="numpy")
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


@numba.njit(cache=True, error_model="numpy")
def _forward(
    current: Any, b: Any, threshold: Any, level: Any, one: Any, reset: int, delay: bool, membrane: Any, after: Any, spikes: Any
) -> None:
    """One row of `lif_forward`, ``[T, C]``."""
    steps, units = membrane.shape
    zero, constant = one - one, current.shape[0] == 1
    for t in range(steps):
        drive, now, fired = current[0 if constant else t], membrane[t], spikes[t]
        state = drive if t == 0 else membrane[t - 1] if delay else after[t - 1]
        if t == 0:
            for c in range(units):
                now[c] = drive[c]
        elif reset == SUBTRACT:
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
            fired[c] = one if now[c] > level else zero
        if not delay:
            left = after[t]
            for c in range(units):
                was = one if t > 0 and state[c] > level else zero
                more = fired[c] - was
                left[c] = now[c] - more * (threshold if reset == SUBTRACT else now[c]) if reset != NONE else now[c]


@numba.njit(cache=True, nogil=True)
def lif_forward(
    first: int, last: int, current: Any, beta: Any, threshold: Any, level: Any, one: Any, reset: int, delay: bool, per: int,
    membrane: Any, after: Any, spikes: Any,
) -> None:  # fmt: skip
    """Fill membrane and spikes ``[rows, T, C]`` from current ``[rows, T or 1, C]``, and without delay the membrane behind the reset.

    Only rows first to last (exclusive) are touched.

    beta ``[replicas]``: row r belongs to replica ``r // per``. R[t] = 1 for state[t-1] > level (the threshold), the state being the membrane, or
    with an immediate reset what is left behind it; U[t] = beta state[t-1] + I[t] - R[t] threshold (subtract), beta (1 - R[t]) state[t-1] + I[t]
    (zero).
    Without delay S[t] - R[t] is reset at once, in the same way.
    """
    for row in range(first, last):
        _forward(current[row], beta[row // per], threshold, level, one, reset, delay, membrane[row], after[row], spikes[row])


@numba.njit(cache=True, error_model="numpy")
def _backward(
    membrane: Any, after: Any, error: Any, on_spikes: bool, decay: Any, threshold: Any, level: Any, one: Any, reset: int, delay: bool, code: int,
    a: Any, b: Any, back: Any, leaks: bool,
) -> float:  # fmt: skip
    """One row of `lif_backward`, ``[T, C]``; the error at beta is returned."""
    steps, units = membrane.shape
    zero, summed, total = one - one, back.shape[0] == 1, 0.0
    later = np.zeros(units, membrane.dtype)
    for s in range(steps):
        t = steps - 1 - s
        now, state = membrane[t], membrane[t] if delay else after[t]
        if leaks and s > 0:
            for c in range(units):
                if not (reset == ZERO and state[c] > level):
                    total += later[c] * state[c]
        if reset == ZERO:
            for c in range(units):
                later[c] = zero if state[c] > level else decay * later[c]
        else:
            for c in range(units):
                later[c] = decay * later[c]
        if reset == ZERO and not delay:
            before = after[max(t - 1, 0)]
            for c in range(units):
                was = one if t > 0 and before[c] > level else zero
                later[c] *= one - ((one if now[c] > level else zero) - was)
        if on_spikes:
            add_slope_times(code, a, b, one, now, threshold, error[t], later)
        else:
            direct = error[t]
            for c in range(units):
                later[c] += direct[c]
        found = back[0 if summed else t]
        if summed and s > 0:
            for c in range(units):
                found[c] += later[c]
        else:
            for c in range(units):
                found[c] = later[c]
    return total


@numba.njit(cache=True, nogil=True)
def lif_backward(
    first: int,
    last: int,
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
    """Fill back ``[rows, T or 1, C]``, the error at the current, and leak ``[rows]`` (if it has any), that at beta; rows first to last alone.

    error ``[rows, T, C]`` is that at the spikes (times the surrogate at the membrane) or at the membrane before any immediate reset. With
    lambda[t] the error at the membrane, ``lambda[t] = direct[t] + beta lambda[t+1]``, beta (1 - R[t+1]) where the reset is to zero; resets pass
    nothing on. Where the current was constant, its error is summed over time.
    """
    leaks = leak.shape[0] > 0
    for row in range(first, last):
        decay = beta[row // per]
        total = _backward(
            membrane[row], after[row], error[row], on_spikes, decay, threshold, level, one, reset, delay, code, a, b, back[row], leaks
        )
        if leaks:
            leak[row] = total
