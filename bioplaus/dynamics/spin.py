"""What both forms of the dynamics do to one neuron, and measure after a sweep."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from bioplaus.dynamics.random import coin, uniform

__all__ = ["draw_spin", "measure", "slope"]


@numba.njit(cache=True)
def slope(scale: float, temperature: float) -> Any:
    """Return ``2 scale / T``, what turns a bare field into the log-odds of +1; infinite at T = 0, with the sign of scale."""
    return 2 * scale / temperature if temperature > 0 else math.copysign(np.inf, scale)


@numba.njit(cache=True)
def draw_spin(bare: float, gain: float, words: Any) -> Any:
    """Return +1 with probability ``1 / (1 + exp(-gain bare))``, else -1; with gain infinite the sign of the field, a fair coin at 0.

    A draw u decides against the field if ``u < 1 / (1 + e^a)``, a = \\|gain bare\\|. That is at most ``1 / (2 + a + a^2/2 + a^3/6)``: where u is
    above, as it nearly always is in an ordered state, no exponential is needed.
    """
    if bare == 0:
        return coin(words)
    odds = gain * bare
    along = np.int8(1) if odds > 0 else np.int8(-1)
    if math.isinf(gain):
        return along
    a = abs(odds)
    u = uniform(words)
    if u * (2 + a * (1 + a * (0.5 + a * (1 / 6)))) >= 1 or u * (1 + math.exp(a)) >= 1:
        return along
    return np.int8(-along)


@numba.njit(cache=True)
def measure(probes: Any, s: Any, out: Any) -> None:
    """Put ``(1/N) probe . s`` of each probe ``[Q, N]`` into out ``[Q]``."""
    n = s.shape[0]
    for q in range(probes.shape[0]):
        row = probes[q]
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        whole = n - n % 4
        for i in range(0, whole, 4):
            a += row[i] * s[i]
            b += row[i + 1] * s[i + 1]
            c += row[i + 2] * s[i + 2]
            d += row[i + 3] * s[i + 3]
        for i in range(whole, n):
            a += row[i] * s[i]
        out[q] = ((a + b) + (c + d)) / n
