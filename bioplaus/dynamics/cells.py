"""Single cells in continuous time, clocked: one step of each model, compiled, and the spike times of a cell under a constant current.

Time is in ms, potentials in mV (for the leaky cell in units of its threshold). What a step returns is the state at its end.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CELLS",
    "HH_REST",
    "HH_SPIKE",
    "IZHIKEVICH_FLOOR",
    "IZHIKEVICH_PEAK",
    "IZHIKEVICH_START",
    "hodgkin_huxley_gates",
    "hodgkin_huxley_spikes",
    "hodgkin_huxley_step",
    "izhikevich_spikes",
    "izhikevich_step",
    "lif_spikes",
]

#: Izhikevich's cut-off, where a cell starts, and where it is held from below, mV: lower down Euler's step of the quadratic makes a spike.
IZHIKEVICH_PEAK, IZHIKEVICH_START, IZHIKEVICH_FLOOR = 30.0, -65.0, -100.0
#: a, b, c, d of Izhikevich's regular spiking, intrinsically bursting, chattering, fast spiking and low-threshold spiking cells.
CELLS = {
    "rs": (0.02, 0.2, -65.0, 8.0),
    "ib": (0.02, 0.2, -55.0, 4.0),
    "ch": (0.02, 0.2, -50.0, 2.0),
    "fs": (0.1, 0.2, -65.0, 2.0),
    "lts": (0.02, 0.25, -65.0, 2.0),
}
#: Hodgkin and Huxley's resting potential, and the one that a spike crosses upwards, mV.
HH_REST, HH_SPIKE = -65.0, 0.0
#: Largest exponent: exp(700) is still a number, and a gate with such a rate is settled within any step.
_LARGE = 700.0


@numba.njit(cache=True)
def izhikevich_step(v: float, u: float, current: float, dt: float, a: float, b: float) -> tuple[float, float]:
    """Return v and u behind one Euler step of ``v' = 0.04 v^2 + 5 v + 140 - u + I``, then ``u' = a (b v - u)`` with the new v (no reset)."""
    v = max(v + dt * (0.04 * v * v + 5.0 * v + 140.0 - u + current), IZHIKEVICH_FLOOR)
    return v, u + dt * a * (b * v - u)


@numba.njit(cache=True)
def _ratio(x: float) -> float:
    """Return ``x / (1 - exp(-x))``, 1 at 0."""
    if abs(x) < 1e-6:
        return 1.0 + 0.5 * x
    return x / -math.expm1(-x) if x > 0.0 else x * math.exp(x) / math.expm1(x)


@numba.njit(cache=True)
def _exp(x: float) -> float:
    return math.exp(min(x, _LARGE))


@numba.njit(cache=True)
def _rates(v: float) -> tuple[float, float, float, float, float, float]:
    """Return opening and closing rates of m, h and n, per ms."""
    x = v + 65.0
    return (
        _ratio((v + 40.0) / 10.0), 4.0 * _exp(-x / 18.0), 0.07 * _exp(-x / 20.0), 1.0 / (1.0 + _exp(-(v + 35.0) / 10.0)),
        0.1 * _ratio((v + 55.0) / 10.0), 0.125 * _exp(-x / 80.0),
    )  # fmt: skip


@numba.njit(cache=True)
def hodgkin_huxley_gates(v: float) -> tuple[float, float, float]:
    """Return m, h and n as they settle at a potential."""
    am, bm, ah, bh, an, bn = _rates(v)
    return am / (am + bm), ah / (ah + bh), an / (an + bn)


@numba.njit(cache=True)
def hodgkin_huxley_step(v: float, m: float, h: float, n: float, current: float, dt: float) -> tuple[float, float, float, float]:
    """Return v, m, h, n behind one step: the gates, exact at the old v, then v, exact with the new gates.

    The gates stand half a step ahead of v, as in NEURON: an error of second order, where plain exponential Euler has one of first.

    ``C v' = I - 120 m^3 h (v - 50) - 36 n^4 (v + 77) - 0.3 (v + 54.387)``, C = 1 uF/cm^2, I in uA/cm^2; ``x' = a_x (1 - x) - b_x x``.
    """
    am, bm, ah, bh, an, bn = _rates(v)
    m = am / (am + bm) + (m - am / (am + bm)) * math.exp(-dt * (am + bm))
    h = ah / (ah + bh) + (h - ah / (ah + bh)) * math.exp(-dt * (ah + bh))
    n = an / (an + bn) + (n - an / (an + bn)) * math.exp(-dt * (an + bn))
    sodium, potassium = 120.0 * m * m * m * h, 36.0 * n * n * n * n
    total = sodium + potassium + 0.3
    goal = (current + sodium * 50.0 - potassium * 77.0 - 0.3 * 54.387) / total
    return goal + (v - goal) * math.exp(-dt * total), m, h, n


@numba.njit(cache=True)
def lif_spikes(current: float, tau: float, held: int, dt: float, steps: int) -> NDArray[Any]:
    """Return the spike times of ``tau v' = -v + I`` (exact steps; above 1 a spike, then 0 for `held` steps), from 0."""
    found, decay, v, wait = np.empty(steps), math.exp(-dt / tau), 0.0, 0
    count = 0
    for t in range(steps):
        if wait > 0:
            wait -= 1
            continue
        v = current + (v - current) * decay
        if v > 1.0:
            found[count], v, wait = (t + 1) * dt, 0.0, held
            count += 1
    return found[:count].copy()


@numba.njit(cache=True)
def izhikevich_spikes(current: float, a: float, b: float, c: float, d: float, dt: float, steps: int) -> NDArray[Any]:
    """Return the spike times of Izhikevich's cell: at v >= 30 a spike, then v = c and u rises by d."""
    found, v = np.empty(steps), IZHIKEVICH_START
    u, count = b * v, 0
    for t in range(steps):
        v, u = izhikevich_step(v, u, current, dt, a, b)
        if v >= IZHIKEVICH_PEAK:
            found[count], v, u = (t + 1) * dt, c, u + d
            count += 1
    return found[:count].copy()


@numba.njit(cache=True)
def hodgkin_huxley_spikes(current: float, dt: float, steps: int) -> NDArray[Any]:
    """Return the times at which a Hodgkin-Huxley cell, from rest, crosses 0 mV upwards."""
    found, v = np.empty(steps), HH_REST
    m, h, n = hodgkin_huxley_gates(v)
    count = 0
    for t in range(steps):
        before = v
        v, m, h, n = hodgkin_huxley_step(v, m, h, n, current, dt)
        if before <= HH_SPIKE < v:
            found[count] = (t + 1) * dt
            count += 1
    return found[:count].copy()
