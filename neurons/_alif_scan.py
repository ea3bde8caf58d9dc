"""Compiled scans of adaptive units: ``[rows, T, units]``, row by row, as in `bioplaus.neurons._scan`."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from bioplaus.neurons._scan import SUBTRACT, ZERO, add_slope_times

__all__ = ["alif_backward", "alif_forward"]


@numba.njit(cache=True)
def _row_forward(
    drive: Any,
    a: Any,
    rho: Any,
    strength: Any,
    threshold: Any,
    one: Any,
    reset: int,
    refractory: int,
    effective: Any,
    voltage: Any,
    spikes: Any,
) -> None:
    steps, units = effective.shape
    v, b, quiet = np.zeros(units, effective.dtype), np.zeros(units, effective.dtype), np.zeros(units, np.int64)
    zero = one - one
    for t in range(steps):
        now, fired, came = effective[t], spikes[t], drive[0 if drive.shape[0] == 1 else t]
        for c in range(units):
            z = spikes[t - 1, c] if t > 0 else zero
            kept = one - z if reset == ZERO else one
            v[c] = a * kept * v[c] + came[c] - (z * threshold if reset == SUBTRACT else zero)
            b[c] = rho * b[c] + z
            now[c] = v[c] - strength * b[c]
        for c in range(units):
            fired[c] = one if now[c] > threshold and quiet[c] == 0 else zero
        if refractory > 0:
            for c in range(units):
                quiet[c] = refractory if fired[c] > zero else max(quiet[c] - 1, 0)
        if voltage.shape[0] > 0:
            for c in range(units):
                voltage[t, c] = v[c]


@numba.njit(cache=True)
def _row_backward(
    effective: Any,
    spikes: Any,
    error: Any,
    on_spikes: bool,
    a: Any,
    rho: Any,
    strength: Any,
    threshold: Any,
    one: Any,
    reset: int,
    refractory: int,
    code: int,
    p: Any,
    q: Any,
    back: Any,
) -> None:
    steps, units = effective.shape
    kind, zero, summed = effective.dtype, one - one, back.shape[0] == 1
    at_v, at_b, at_u, at_z = np.zeros(units, kind), np.zeros(units, kind), np.zeros(units, kind), np.zeros(units, kind)
    recent = np.zeros(units, kind)  # spikes in the steps t - refractory ... t - 1
    for t in range(max(steps - refractory, 0), steps):
        for c in range(units):
            recent[c] += spikes[t, c]
    if summed:
        for c in range(units):
            back[0, c] = zero
    for s in range(steps):
        t = steps - 1 - s
        if refractory > 0:
            for c in range(units):
                recent[c] -= spikes[t, c]
                if t >= refractory:
                    recent[c] += spikes[t - refractory, c]
        for c in range(units):
            at_u[c] = zero
            at_z[c] = error[t, c] + at_b[c] if on_spikes else at_b[c]
        add_slope_times(code, p, q, one, effective[t], threshold, at_z, at_u)
        found = back[0 if summed else t]
        for c in range(units):
            psi = at_u[c] if recent[c] == zero else zero
            psi += zero if on_spikes else error[t, c]
            kept = one - spikes[t, c] if reset == ZERO else one
            at_v[c] = psi + a * kept * at_v[c]
            at_b[c] = rho * at_b[c] - strength * psi
            if summed:
                found[c] += at_v[c]
            else:
                found[c] = at_v[c]


@numba.njit(cache=True, nogil=True)
def alif_forward(
    first: int,
    last: int,
    current: Any,
    a: Any,
    rho: Any,
    strength: Any,
    threshold: Any,
    one: Any,
    reset: int,
    refractory: int,
    effective: Any,
    voltage: Any,
    spikes: Any,
) -> None:
    """Fill spikes and effective ``v - beta_a b`` ``[rows, T, C]`` from current ``[rows, T or 1, C]``, rows first to last alone.

    Voltage v is filled where it has any steps.
    """
    for row in range(first, last):
        _row_forward(current[row], a, rho, strength, threshold, one, reset, refractory, effective[row], voltage[row], spikes[row])


@numba.njit(cache=True, nogil=True)
def alif_backward(
    first: int,
    last: int,
    effective: Any,
    spikes: Any,
    error: Any,
    on_spikes: bool,
    a: Any,
    rho: Any,
    strength: Any,
    threshold: Any,
    one: Any,
    reset: int,
    refractory: int,
    code: int,
    p: Any,
    q: Any,
    back: Any,
) -> None:
    """Fill back ``[rows, T or 1, C]``, the error at the current, from that at the spikes or at ``v - beta_a b``.

    With psi the surrogate derivative, 0 while refractory, and g what reaches ``v[t] - beta_a b[t]``, be it from outside or by
    ``psi (error[t] + lambda_b[t+1])``: ``lambda_v[t] = g + a k[t] lambda_v[t+1]``, ``lambda_b[t] = rho lambda_b[t+1] - beta_a g``, where
    k[t] = 1 - z[t] if the reset is to zero, else 1. The reset passes nothing on, the adaptation does.
    """
    for row in range(first, last):
        _row_backward(
            effective[row], spikes[row], error[row], on_spikes, a, rho, strength, threshold, one, reset, refractory, code, p, q, back[row]
        )  # fmt: skip
