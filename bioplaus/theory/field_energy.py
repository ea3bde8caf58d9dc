"""The energy part of the theory of binary weights with fields: from order parameters to their conjugates."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bioplaus.theory._binary_kernels import energy
from bioplaus.theory.gauss_tail import even_normal, legendre, log_tail, steep_normal

__all__ = ["Hats", "hats"]

#: Half width and steepness of the grid over z, its nodes, those of the small argument of r's equation, and those over x.
_REACH, _STEEP, _POINTS, _FEW, _INNER = 8.5, 6.0, 300, 80, 260


class Hats(NamedTuple):
    """Conjugate order parameters, and the energy term of the free entropy per pattern."""

    q_hat: float
    r_hat: float
    Q_hat: float
    G_E: float


def hats(q: float, r: float, Q: float, alpha: float, beta: float) -> Hats:
    """Return the conjugates of order parameters with ``r^2 < q < Q < 1``.

    With E over z, ``f(w) = ln F``, ``F = E_x h(y)``, ``y = sqrt(Q - q) x + w``, ``h(y) = H(y/sqrt(1 - Q))^beta``, ``B = H(r z/sqrt(q - r^2))``::

        qh = 2 alpha E B f'(sqrt(q) z)^2         rh = -2 alpha/sqrt(2 pi) E f'(sqrt(q - r^2) z)
        Qh = 2 alpha E B [F''/(2 F) + E_x y h'/(2 (1 - Q) F)]         G_E = 2 E B f(sqrt(q) z)

    q - r^2 becomes so small that B is nearly a step at z = 0, where the grid is dense.
    """
    z, w = steep_normal(0.0, _REACH, _STEEP, _POINTS)
    near, gauss = even_normal(_REACH, _FEW)
    narrow = math.sqrt(max(q - r * r, 1e-300))
    at = np.concatenate([math.sqrt(q) * z, narrow * near])
    found = energy(at, Q - q, 1 - Q, beta, *legendre(_INNER))
    logs, first, by_x, by_y = found[: len(z)].T
    share = w * np.exp(log_tail(r * z / narrow))
    bend = by_x / math.sqrt(Q - q) / 2 + by_y / (2 * (1 - Q))
    return Hats(
        2 * alpha * float(share @ first**2),
        -2 * alpha / math.sqrt(2 * math.pi) * float(gauss @ found[len(z) :, 1]),
        2 * alpha * float(share @ bend),
        2 * float(share @ logs),
    )
