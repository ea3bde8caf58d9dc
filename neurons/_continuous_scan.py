"""Compiled scans of cells in continuous time: ``[rows, T, units]``, row by row, as in `bioplaus.neurons._scan`.

States are float64 whatever the arrays are.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from bioplaus.dynamics.cells import (
    HH_REST,
    HH_SPIKE,
    IZHIKEVICH_FLOOR,
    IZHIKEVICH_PEAK,
    IZHIKEVICH_START,
    hodgkin_huxley_gates,
    hodgkin_huxley_step,
    izhikevich_step,
)
from bioplaus.neurons._scan import add_slope_times

__all__ = ["hodgkin_huxley_forward", "izhikevich_backward", "izhikevich_forward"]


@numba.njit(cache=True, nogil=True)
def izhikevich_forward(
    first: int, last: int, current: Any, gain: float, dt: float, a: float, b: float, c: float, d: float, membrane: Any, spikes: Any
) -> None:
    """Fill membrane (mV, before the reset) and spikes ``[rows, T, C]`` for gain times the current ``[rows, T or 1, C]``."""
    for row in range(first, last):
        steps, units = membrane.shape[1:]
        v, u = np.full(units, IZHIKEVICH_START), np.full(units, b * IZHIKEVICH_START)
        for t in range(steps):
            drive = current[row, 0 if current.shape[1] == 1 else t]
            for k in range(units):
                v[k], u[k] = izhikevich_step(v[k], u[k], gain * drive[k], dt, a, b)
                membrane[row, t, k] = v[k]
                spikes[row, t, k] = 0
                if membrane[row, t, k] >= IZHIKEVICH_PEAK:
                    spikes[row, t, k] = 1
                    v[k] = c
                    u[k] += d


@numba.njit(cache=True, nogil=True)
def izhikevich_backward(
    first: int,
    last: int,
    membrane: Any,
    spikes: Any,
    error: Any,
    on_spikes: bool,
    gain: float,
    dt: float,
    a: float,
    b: float,
    c: float,
    code: int,
    p: Any,
    q: Any,
    one: Any,
    back: Any,
) -> None:
    """Fill back ``[rows, T or 1, C]``, the error at the current, from that at the spikes or at ``U = (v + 65)/95``.

    With w = v before the reset, and g what reaches w[t]: the surrogate of U - 1, beside ``(1 - S[t]) lambda_v[t] + dt a b lambda_u[t]``;
    ``lambda_v[t-1] = (1 + dt (0.08 v[t-1] + 5)) g``, ``lambda_u[t-1] = (1 - dt a) lambda_u[t] - dt g``, dL/dI[t] = gain dt g. Neither the
    reset nor a cell at its floor passes anything on.
    """
    span = IZHIKEVICH_PEAK - IZHIKEVICH_START
    for row in range(first, last):
        steps, units = membrane.shape[1:]
        at_v, at_u = np.zeros(units), np.zeros(units)
        scaled, pulled = np.empty(units, membrane.dtype), np.empty(units, membrane.dtype)
        summed = back.shape[1] == 1
        if summed:
            for k in range(units):
                back[row, 0, k] = 0
        for s in range(steps):
            t = steps - 1 - s
            for k in range(units):
                scaled[k] = (membrane[row, t, k] - IZHIKEVICH_START) / span
                pulled[k] = 0 if on_spikes else error[row, t, k]
            if on_spikes:
                add_slope_times(code, p, q, one, scaled, one, error[row, t], pulled)
            found = back[row, 0 if summed else t]
            for k in range(units):
                g = pulled[k] / span + (0.0 if spikes[row, t, k] > 0 else at_v[k]) + dt * a * b * at_u[k]
                if membrane[row, t, k] <= IZHIKEVICH_FLOOR:
                    g = 0.0
                before = IZHIKEVICH_START
                if t > 0:
                    before = c if spikes[row, t - 1, k] > 0 else float(membrane[row, t - 1, k])
                at_v[k] = (1.0 + dt * (0.08 * before + 5.0)) * g
                at_u[k] = (1.0 - dt * a) * at_u[k] - dt * g
                if summed:
                    found[k] += gain * dt * g
                else:
                    found[k] = gain * dt * g


@numba.njit(cache=True, nogil=True)
def hodgkin_huxley_forward(first: int, last: int, current: Any, gain: float, dt: float, membrane: Any, spikes: Any) -> None:
    """Fill membrane (mV) and spikes (upward crossings of 0 mV) ``[rows, T, C]`` for gain times the current ``[rows, T or 1, C]``."""
    for row in range(first, last):
        steps, units = membrane.shape[1:]
        for k in range(units):
            v = HH_REST
            m, h, n = hodgkin_huxley_gates(v)
            for t in range(steps):
                before = v
                v, m, h, n = hodgkin_huxley_step(v, m, h, n, gain * current[row, 0 if current.shape[1] == 1 else t, k], dt)
                membrane[row, t, k] = v
                spikes[row, t, k] = 1 if before <= HH_SPIKE < v else 0
