"""Compiled inner loop of sign pulses: bits up, ternary errors down, one pulse per active pair, one sample at a time; no Python per sample.

The equations are those of `bioplaus.rules.crossbar`, under ``plasticity.pulses=sign`` on devices with affine steps and no noise.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = ["CLIP", "IDENTITY", "RELU", "STEP", "train"]

CLIP, STEP, RELU, IDENTITY = range(4)


@numba.njit(cache=True, error_model="numpy")
def _unit(code: int, z: float) -> float:
    if code == STEP:
        return 1.0 if z > 0 else 0.0
    if code == CLIP:
        return min(max(z, 0.0), 1.0)
    return max(z, 0.0) if code == RELU else z


@numba.njit(cache=True, error_model="numpy")
def _gate(code: int, z: float) -> bool:
    """Return whether the slope is not 0."""
    if code == STEP:
        return abs(z) <= 1
    return 0 <= z <= 1 if code == CLIP else z > 0 or code == IDENTITY


@numba.njit(cache=True, error_model="numpy")
def _sign(e: float, theta: float) -> int:
    return 0 if abs(e) <= theta else 1 if e > 0 else -1


@numba.njit(cache=True, error_model="numpy")
def _loss(z: Any, label: int) -> float:
    top, total = z.max(), 0.0
    for value in z:
        total += math.exp(value - top)
    return math.log(total) + top - z[label]


@numba.njit(cache=True, error_model="numpy")
def _up(w: Any, x: Any, active: Any, gain: float, code: int, current: Any, out: Any) -> None:
    """Send x through w; `active` is room for which inputs are not 0."""
    many = 0
    for i in range(len(x)):
        if x[i] != 0:
            active[many] = i
            many += 1
    for k in range(len(out)):
        z = 0.0
        for i in active[:many]:
            z += w[k, i] * x[i]
        current[k] = z * gain
        out[k] = _unit(code, current[k])


@numba.njit(cache=True, error_model="numpy")
def _down(w: Any, error: Any, current: Any, code: int, theta: float, below: Any) -> None:
    """Put the ternary errors of the units below into `below`."""
    for i in range(len(below)):
        below[i] = 0
        if _gate(code, current[i]):
            e = 0.0
            for k in range(len(error)):
                if error[k] != 0:
                    e += w[k, i] * error[k]
            below[i] = _sign(e, theta)


@numba.njit(cache=True, error_model="numpy")
def _pulse(g: Any, j: int, up: bool, constants: Any, sums: Any) -> None:
    """One pulse on one device; sums: pulses up, down, and both weighted by the mean of g before and after."""
    ua, ub, da, db, low, high = constants
    first = float(g[j])
    if up:
        moved = first + (ua[j if len(ua) > 1 else 0] + ub[j if len(ub) > 1 else 0] * first)
    else:
        moved = first - (da[j if len(da) > 1 else 0] + db[j if len(db) > 1 else 0] * first)
    moved = min(max(moved, low[j if len(low) > 1 else 0]), high[j if len(high) > 1 else 0])
    g[j] = moved
    side = 0 if up else 1
    sums[side] += 1
    sums[side + 2] += (first + moved) / 2


@numba.njit(cache=True, error_model="numpy")
def _write(r: int, layer: Any, error: Any, rows: Any, pulses: Any, theta: float, both: bool, cost: Any, counters: Any, shortfall: Any) -> None:
    w, plus, minus, plus_own, minus_own, scale = layer
    fan_in, size = w.shape[2], w.shape[1] * w.shape[2]
    flat = w[r].reshape(-1)
    sums = np.zeros((2, 4))
    largest = 0.0
    for k in range(w.shape[1]):
        if error[k] == 0 or len(rows) == 0:
            continue
        rises = error[k] > 0
        largest = max(pulses[r, 0], pulses[r, 1])
        if pulses[r, 0 if rises else 1] <= theta:
            continue
        for i in rows:
            at = k * fan_in + i
            j = r * size + at
            if rises or both:
                _pulse(plus, j, rises, plus_own, sums[0])
            if both or not rises:
                _pulse(minus, j, not rises, minus_own, sums[1])
            flat[at] = (plus[j] - minus[j]) * scale[r]
    ups, downs, energy, idle, longest, writes = counters
    n_up, n_down = sums[:, 0].sum(), sums[:, 1].sum()
    writes[r] += 1
    ups[r] += int(n_up)
    downs[r] += int(n_down)
    for a in range(2):
        energy[r] += int(np.rint(cost[0, 0] * sums[a, 0] + cost[0, 1] * sums[a, 2] + cost[1, 0] * sums[a, 1] + cost[1, 1] * sums[a, 3]))
    if n_up + n_down == 0:
        shortfall[r] = largest
        idle[r] += 1
        longest[r] = max(longest[r], idle[r])
    else:
        idle[r] = 0


@numba.njit(cache=True, error_model="numpy")
def _listed(x: Any, least: float, found: Any) -> int:
    """Put where x is at least so much into found, and return how often that is."""
    many = 0
    for i in range(len(x)):
        if x[i] >= least:
            found[many] = i
            many += 1
    return many


@numba.njit(cache=True, error_model="numpy")
def train(
    layers: Any, counters: Any, shortfalls: Any, pulses: Any, gains: Any, codes: Any, thetas: Any, theta: float, both: bool, cost: Any,
    threshold: float, least: float, x: Any, y: Any, rows: Any, losses: Any,
) -> None:  # fmt: skip
    """Learn samples one by one in every replica, changing weights, conductances, counters and losses in place.

    Parameters
    ----------
    layers
        Of each layer: the weights ``[R, post, pre]``; g+ and g-, flat; constants of both (up a, b, down a, b, low, high, flat or ``[1]``); the
        scale ``[R]``.
    counters, shortfalls
        Of each layer: pulses up, down, energy in fJ, writes without a pulse, the longest stretch of them, writes, int64 ``[R]``; and ``[R]``.
    pulses
        Of each layer, ``[R, 2]``: pulses that an active pair wants, up and down.
    gains, codes
        Of each layer: amplification, unit.
    thetas, theta
        Dead zones of the errors, hidden and output; of a wanted change, in pulses.
    both
        Whether a pulse moves both devices of a pair, one up and one down; else one of them, up.
    cost
        Energy in fJ of a pulse up and down: at Gmin, and what is added at Gmax, ``[2, 2]``.
    threshold, least
        Inputs from here up are 1, others 0 (not a number: inputs as they are); rows from here up take part in an update.
    x, y, rows, losses
        Samples ``[N, n]``, classes ``[N]``, which comes when ``[steps, R or 1]``, loss of each step ``[steps, R]``.
    """
    depth = len(layers)
    widest = x.shape[1]
    for layer in layers:
        widest = max(widest, layer[0].shape[1])
    activity, current = np.zeros((depth + 1, widest)), np.zeros((depth + 1, widest))
    errors, found = np.zeros((depth, widest), np.int64), np.zeros(widest, np.int64)
    for r in range(losses.shape[1]):
        for step in range(rows.shape[0]):
            row = rows[step, r if rows.shape[1] > 1 else 0]
            for i in range(x.shape[1]):
                activity[0, i] = x[row, i] if threshold != threshold else 1.0 if x[row, i] >= threshold else 0.0
            for n in range(depth):
                w = layers[n][0][r]
                post, pre = w.shape
                _up(w, activity[n, :pre], found, gains[n], codes[n], current[n + 1, :post], activity[n + 1, :post])
            out = current[depth, : layers[depth - 1][0].shape[1]]
            losses[step, r] = _loss(out, y[row])
            for k in range(len(out)):
                errors[depth - 1, k] = _sign((1.0 if k == y[row] else 0.0) - 1 / (1 + math.exp(-out[k])), thetas[1])
            for n in range(depth - 1, 0, -1):
                w = layers[n][0][r]
                post, pre = w.shape
                _down(w, errors[n, :post], current[n, :pre], codes[n - 1], thetas[0], errors[n - 1, :pre])
            for n in range(depth):
                post, pre = layers[n][0].shape[1:]
                many = _listed(activity[n, :pre], least, found)
                _write(r, layers[n], errors[n, :post], found[:many], pulses[n], theta, both, cost, counters[n], shortfalls[n])
