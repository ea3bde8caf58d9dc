"""Compiled loops over devices: which are to be written, and what their pulses do."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bioplaus.plasticity.devices.steps import AFFINE, POWER

__all__ = ["EACH", "NONE", "TOGETHER", "find", "one_way", "write_pulses"]

Array = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]
#: Noise of pulses: none | one number for all that are written at once | one for each
NONE, TOGETHER, EACH = range(3)
#: Pulses up to which powers are multiplied out.
FEW = 16


@numba.njit(cache=True, nogil=True, error_model="numpy")
def find(
    change: Array, factor: Array, up: float, down: float, theta: float, most_up: float, most_down: float, index: Whole, n: Array, sizes: Whole
) -> int:
    """Put the places that get pulses, and how many with their sign, one after the other into index and n, and return their number.

    Parameters
    ----------
    change, factor
        ``[R, N]`` and ``[R]``; their product is the wanted change in units of the scale.
    up, down
        What one pulse changes.
    theta
        Dead zone of one pulse by sign, < 0 for counts.
    sizes
        ``[R]``, becomes how many of each replica.
    """
    k = 0
    for r in range(change.shape[0]):
        before, by_up, by_down = k, factor[r] / up, -factor[r] / down
        least = 0.5 if theta < 0 else theta
        for i in range(change.shape[1]):
            c = change[r, i]
            x = max(c * by_up, c * by_down)  # one of them is negative
            if not x >= least or x == theta:
                continue
            m = 1.0 if theta >= 0 else math.floor(x + 0.5)
            index[k] = r * change.shape[1] + i
            n[k] = min(m, most_up) if c > 0 else -min(m, most_down)
            k += 1
        sizes[r] = k - before
    return k


@numba.njit(cache=True, nogil=True, error_model="numpy")
def one_way(total: Array, signed: Array, sign: float, index: Whole, n: Array, sizes: Whole) -> int:
    """Put the places that get pulses of one sign, and these, into index and n, and return their number.

    Of total pulses whose signs add up to signed, ``[R, N]`` each, ``(total + sign signed)/2`` are of this sign; sizes as in `find`.
    """
    k = 0
    for r in range(total.shape[0]):
        before = k
        for i in range(total.shape[1]):
            m = (total[r, i] + sign * signed[r, i]) / 2
            index[k] = r * total.shape[1] + i
            n[k] = sign * math.floor(m + 0.5)
            k += m > 0.5
        sizes[r] = k - before
    return k


@numba.njit(cache=True, error_model="numpy")
def _step(kind: int, a: float, b: float, c: float, g: float) -> float:
    if kind == AFFINE:
        return a + b * g
    if kind == POWER:
        return a * abs(b - g) ** c
    return max(a - b * math.exp(c * g), 0.0)


@numba.njit(cache=True, error_model="numpy")
def _compound(rate: float, count: float) -> float:
    """Return ``((1 + rate)^count - 1) / rate``."""
    if count <= FEW:
        total = 1.0
        for _ in range(1, int(count)):
            total = total * (1 + rate) + 1
        return total
    if rate == 0:
        return count
    return math.expm1((math.log1p(rate) if rate > -1 else -50.0) * count) / rate


@numba.njit(cache=True, error_model="numpy")
def _deviation(rate: float, first: float, count: float, relative: float, fixed: float) -> float:
    """Return the standard deviation after so many affine steps, the first of this size, each with noise ``relative step + fixed``.

    One of relative and fixed is 0. See `bioplaus.plasticity.devices.steps.spread`, which this does pulse by pulse.
    """
    if rate == 0:
        return (relative * first + fixed) * math.sqrt(count)
    keep, now, variance = (1 + rate) ** 2, (relative * first) ** 2 + fixed**2, 0.0
    grows = keep + (rate * relative) ** 2 if fixed == 0 else 1.0
    for _ in range(int(count)):
        variance = variance * keep + now
        now *= grows
    return math.sqrt(variance)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def write_pulses(
    g: Array, index: Whole, sizes: Whole, n: Array, xi: Array, noise: int, kinds: tuple[int, int], constants: tuple[Array, ...],
    relative: float, fixed: float, slope: float, w_min: float, span: float, reset: bool, walks: bool, sums: Array,
) -> None:  # fmt: skip
    """Write n pulses, signed, to some devices in place, and add up what it took.

    Parameters
    ----------
    g, index, sizes
        All conductances, flat; the places that are written, and how many there are of each replica.
    n
        Pulses of each place, whole numbers.
    xi
        Standard normal numbers: one per place, or one per pulse, place after place.
    kinds
        Shape of the steps up and down.
    constants
        up a, b, c, down a, b, c, low, high; each of g's size, or ``[1]`` where devices agree.
    relative, fixed, slope
        The deviation of a single step is ``relative step + fixed + slope |w_min + span g|``.
    reset
        Whether pulses down are free of noise.
    walks
        Whether the noise of pulses together is ``fixed sqrt(n)``, whatever the step does to it.
    sums
        ``[R, 4]``: to it are added pulses up, pulses down, and both weighted by the mean of g before and after.
    """
    ua, ub, uc, da, db, dc, low, high = constants
    at = i = 0
    for r in range(len(sizes)):
        for _ in range(sizes[r]):
            j, rises, count = index[i], n[i] > 0, abs(n[i])
            lo, hi = low[j if len(low) > 1 else 0], high[j if len(high) > 1 else 0]
            if rises:
                kind, sign, a, b, c = kinds[0], 1.0, ua[j if len(ua) > 1 else 0], ub[j if len(ub) > 1 else 0], uc[j if len(uc) > 1 else 0]
            else:
                kind, sign, a, b, c = kinds[1], -1.0, da[j if len(da) > 1 else 0], db[j if len(db) > 1 else 0], dc[j if len(dc) > 1 else 0]
            x = first = float(g[j])
            if noise != EACH and kind == AFFINE:
                first_step = a + b * x
                x += sign * first_step * _compound(sign * b, count)
                if noise == TOGETHER:
                    x += xi[i] * (fixed * math.sqrt(count) if walks else _deviation(sign * b, first_step, count, relative, fixed))
                x = min(max(x, lo), hi)
            else:
                quiet = noise != EACH or (reset and not rises)
                for k in range(int(count)):
                    step = _step(kind, a, b, c, x)
                    if not quiet:
                        step += (relative * step + fixed + slope * abs(w_min + span * x)) * xi[at + k]
                    x = min(max(x + sign * step, lo), hi)
                at += int(count)
            g[j] = x
            side = 0 if rises else 1
            sums[r, side] += count
            sums[r, side + 2] += count * (first + x) / 2
            i += 1
