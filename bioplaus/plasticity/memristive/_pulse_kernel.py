"""Noisy pulses one by one, compiled: every device takes its own, with a number of noise for each."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bioplaus.plasticity.devices.steps import AFFINE, POWER

__all__ = ["noisy_pulses"]

Array = NDArray[np.floating[Any]]


@numba.njit(cache=True, error_model="numpy")
def _step(kind: int, a: float, b: float, c: float, g: float) -> float:
    if kind == AFFINE:
        return a + b * g
    if kind == POWER:
        return a * abs(b - g) ** c
    return max(a - b * math.exp(c * g), 0.0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def noisy_pulses(
    g: Array, n: Array, xi: Array, kinds: tuple[int, int], constants: tuple[Array, ...], relative: float, fixed: float, slope: float,
    w_min: float, span: float, reset: bool,
) -> None:  # fmt: skip
    """Write n pulses, signed, to each device in place.

    Parameters
    ----------
    g, n
        ``[K]``.
    xi
        Standard normal numbers, one per pulse, device after device.
    kinds
        Shape of the steps up and down.
    constants
        up a, b, c, down a, b, c, low, high; each ``[K]``, or ``[1]`` where devices agree.
    relative, fixed, slope
        The deviation of a step is ``relative step + fixed + slope |w_min + span g|``, in units of the range.
    reset
        Whether pulses down are free of noise.
    """
    ua, ub, uc, da, db, dc, low, high = constants
    at = 0
    for i in range(len(g)):
        x, count = g[i], int(abs(n[i]))
        lo, hi = low[i if len(low) > 1 else 0], high[i if len(high) > 1 else 0]
        if n[i] > 0:
            kind, sign, a, b, c = kinds[0], 1.0, ua[i if len(ua) > 1 else 0], ub[i if len(ub) > 1 else 0], uc[i if len(uc) > 1 else 0]
        else:
            kind, sign, a, b, c = kinds[1], -1.0, da[i if len(da) > 1 else 0], db[i if len(db) > 1 else 0], dc[i if len(dc) > 1 else 0]
        quiet = reset and n[i] < 0
        for _ in range(count):
            step = _step(kind, a, b, c, x)
            if not quiet:
                step += (relative * step + fixed + slope * abs(w_min + span * x)) * xi[at]
            at += 1
            x = min(max(x + sign * step, lo), hi)
        g[i] = x
