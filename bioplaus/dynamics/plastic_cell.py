"""One leaky cell under Poisson inputs whose synapses learn by pairs of spikes (Song, Miller & Abbott 2000), compiled.

::

    tau_m dV/dt = V_rest - V + g (0 mV - V)        dg/dt = -g / tau_g, an input spike adds its weight to g
    spike at V > threshold, then V = reset

Within a step: decay of V and g; threshold; then input spikes, of which each depresses and arrives; then the cell's own spike, which potentiates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["song_cell"]


@numba.njit(cache=True)
def _run(
    w: NDArray[Any], draw: np.random.Generator, hertz: float, a_plus: float, a_minus: float,
    tau_plus: float, tau_minus: float, w_max: float, dt: float, steps: int,
) -> int:  # fmt: skip
    n = len(w)
    v, g, o, fired = -60.0, 0.0, 0.0, 0
    r, last = np.zeros(n), np.zeros(n)
    keep_g, keep_o = np.exp(-dt / 5.0), np.exp(-dt / tau_minus)
    for step in range(steps):
        now = step * dt
        v += dt * (-74.0 - v + g * (0.0 - v)) / 10.0
        g *= keep_g
        o *= keep_o
        spiked = v > -54.0
        for _ in range(draw.poisson(n * hertz * dt / 1000.0)):
            i = int(draw.integers(0, n))
            g += w[i]
            r[i] = r[i] * np.exp((last[i] - now) / tau_plus) + 1.0
            last[i] = now
            w[i] = max(w[i] - a_minus * w_max * o, 0.0)
        if spiked:
            v = -60.0
            fired += 1
            for k in range(n):
                if last[k] < now:  # spikes of one step do not see each other
                    w[k] = min(w[k] + a_plus * w_max * r[k] * np.exp((last[k] - now) / tau_plus), w_max)
            o += 1.0
    return fired


def song_cell(
    *, seed: int, seconds: float = 100.0, inputs: int = 1000, hertz: float = 15.0, a_plus: float = 0.01, a_minus: float = 0.0105,
    tau_plus: float = 20.0, tau_minus: float = 20.0, w_max: float = 0.01, dt: float = 0.1,
) -> tuple[NDArray[Any], int]:  # fmt: skip
    """Return the weights after some seconds in units of the largest, ``[inputs]`` in [0, 1], and the cell's spikes.

    Weights start uniform between 0 and `w_max`, which is in units of the leak; rates in Hz, times in ms.
    """
    draw = np.random.default_rng(seed)
    w = draw.uniform(0, w_max, inputs)
    fired = _run(w, draw, hertz, a_plus, a_minus, tau_plus, tau_minus, w_max, dt, round(1000 * seconds / dt))
    return w / w_max, fired
