"""Compiled scans of leaky integrate-and-fire units behind synapses that decay: ``[rows, T, units]``, as in `bioplaus.neurons._scan`.

Of the two states only the membrane is kept: the way back needs no synaptic current, which for a learning decay is computed again.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from bioplaus.neurons._scan import NONE, SUBTRACT, ZERO, add_slope_times

__all__ = ["synaptic_backward", "synaptic_forward"]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def synaptic_forward(
    first: int,
    last: int,
    current: Any,
    alpha: Any,
    beta: Any,
    threshold: Any,
    one: Any,
    reset: int,
    delay: bool,
    old: bool,
    per: int,
    membrane: Any,
    after: Any,
    spikes: Any,
) -> None:
    """Fill membrane and spikes ``[rows, T, C]`` from current ``[rows, T or 1, C]``, and without delay the membrane behind the reset.

    Only rows first to last (exclusive) are touched.

    alpha, beta ``[replicas]``: row r belongs to replica ``r // per``. Y[t] = alpha Y[t-1] + I[t] drives the membrane in the same step, with
    old in the next one. A reset to zero leaves nothing, not even what the step brings.
    """
    _, steps, units = membrane.shape
    constant, zero = current.shape[1] == 1, one - one
    for row in range(first, last):
        a, b = alpha[row // per], beta[row // per]
        y = np.zeros(units, membrane.dtype)
        for t in range(steps):
            drive, now, fired = current[row, 0 if constant else t], membrane[row, t], spikes[row, t]
            if not old:
                for c in range(units):
                    y[c] = a * y[c] + drive[c]
            if t == 0:
                for c in range(units):
                    now[c] = y[c]
            else:
                state = membrane[row, t - 1] if delay else after[row, t - 1]
                if reset == SUBTRACT:
                    for c in range(units):
                        u = b * state[c] + y[c]
                        now[c] = u - threshold if state[c] > threshold else u
                elif reset == ZERO:
                    for c in range(units):
                        now[c] = zero if state[c] > threshold else b * state[c] + y[c]
                else:
                    for c in range(units):
                        now[c] = b * state[c] + y[c]
            if old:
                for c in range(units):
                    y[c] = a * y[c] + drive[c]
            for c in range(units):
                fired[c] = one if now[c] > threshold else zero
            if not delay:
                left = after[row, t]
                for c in range(units):
                    was = one if t > 0 and after[row, t - 1, c] > threshold else zero
                    left[c] = now[c] - (fired[c] - was) * (threshold if reset == SUBTRACT else now[c]) if reset != NONE else now[c]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def synaptic_backward(
    first: int,
    last: int,
    membrane: Any,
    after: Any,
    current: Any,
    error: Any,
    on_spikes: bool,
    alpha: Any,
    beta: Any,
    threshold: Any,
    one: Any,
    reset: int,
    delay: bool,
    old: bool,
    per: int,
    code: int,
    p: Any,
    q: Any,
    back: Any,
    leaks: Any,
) -> None:
    """Fill back ``[rows, T or 1, C]``, the error at the current, and leaks ``[2, rows]`` (if it has any), those at alpha and beta.

    Only rows first to last (exclusive) are touched.

    With lambda[t] the error at the membrane, as in `lif_backward`, and k[t] = 0 for a unit that a reset to zero silences at t, else 1:
    ``lambda[t] = direct[t] + beta k[t+1] lambda[t+1]``; the error at the current is ``mu[t] = k[t] lambda[t] + alpha mu[t+1]``, with old
    ``mu[t] = k[t+1] lambda[t+1] + alpha mu[t+1]``. The current ``[rows, T or 1, C]`` is read for leaks alone.
    """
    _, steps, units = membrane.shape
    summed, constant, learns, zero = back.shape[1] == 1, current.shape[1] == 1, leaks.shape[1] > 0, one - one
    for row in range(first, last):
        a, b = alpha[row // per], beta[row // per]
        later, mu = np.zeros(units, membrane.dtype), np.zeros(units, membrane.dtype)
        y = np.zeros((steps if learns else 0, units), membrane.dtype)
        at_alpha, at_beta = 0.0, 0.0
        if learns:
            for t in range(steps):
                for c in range(units):
                    y[t, c] = (a * y[t - 1, c] if t > 0 else zero) + current[row, 0 if constant else t, c]
        if summed:
            back[row, 0, :] = 0
        for s in range(steps):
            t = steps - 1 - s
            now, state = membrane[row, t], membrane[row, t] if delay else after[row, t]
            before = state if t == 0 else membrane[row, t - 1] if delay else after[row, t - 1]
            direct, found = error[row, t], back[row, 0 if summed else t]
            if reset == ZERO:
                for c in range(units):
                    later[c] = zero if state[c] > threshold else later[c]
            if learns and s > 0:
                for c in range(units):
                    at_beta += later[c] * state[c]
            for c in range(units):
                mu[c] *= a
                if old:
                    mu[c] += later[c]
                later[c] *= b
            if reset == ZERO and not delay:
                for c in range(units):
                    was = one if t > 0 and before[c] > threshold else zero
                    later[c] *= one - ((one if now[c] > threshold else zero) - was)
            if on_spikes:
                add_slope_times(code, p, q, one, now, threshold, direct, later)
            else:
                for c in range(units):
                    later[c] += direct[c]
            if not old:
                for c in range(units):
                    mu[c] += zero if reset == ZERO and t > 0 and before[c] > threshold else later[c]
            if learns and t > 0:
                for c in range(units):
                    at_alpha += mu[c] * y[t - 1, c]
            if summed:
                for c in range(units):
                    found[c] += mu[c]
            else:
                for c in range(units):
                    found[c] = mu[c]
        if learns:
            leaks[0, row], leaks[1, row] = at_alpha, at_beta
