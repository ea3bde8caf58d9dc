"""Normal averages on a plain fine grid: an oracle that shares nothing with the solvers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Z = np.linspace(-9, 9, 6001)
WEIGHT = np.exp(-(Z**2) / 2)
WEIGHT /= WEIGHT.sum()


def binomial(M: int, r: float) -> list[tuple[float, float]]:
    """Return weight and value of ``u = etabar/sqrt(R)``."""
    R = r**2 + (1 - r**2) / M
    up = (1 + r) / 2
    return [(math.comb(M, k) * up**k * (1 - up) ** (M - k), (2 * k / M - 1) / math.sqrt(R)) for k in range(M + 1)]


def averages(law: list[tuple[float, float]], c: float, s: float, T: float) -> tuple[float, float, float]:
    """Return E tanh, E u tanh and E tanh^2 of ``(c u + s z)/T``."""
    p, u = np.array(law).T
    tanh = np.tanh((c * u[:, None] + s * Z) / T)
    mean = tanh @ WEIGHT
    return float(p @ mean), float(p @ (u * mean)), float(p @ (tanh**2 @ WEIGHT))


def iterate(step: Callable[[Any], Any], start: Any, damping: float = 0.5, most: int = 4000) -> Any:
    """Return the damped fixed point of a map of arrays."""
    now = np.asarray(start, dtype=np.float64)
    for _ in range(most):
        new = np.asarray(step(now))
        if np.abs(new - now).max() < 1e-13:
            break
        now = (1 - damping) * now + damping * new
    return now
