"""Compiled step of the traces of all synapses of a layer: one number per sample and pair of cells."""

from __future__ import annotations

from typing import Any

import numba

__all__ = ["advance"]


@numba.njit(cache=True, fastmath=False)
def advance(
    psi: Any, eps: Any, signal: Any, extra: Any, rho: Any, strength: Any, kappa: Any, slow: Any, filtered: Any, change: Any
) -> None:
    """Move the traces one step on and add to the change, in place.

    ``e = psi (eps - strength slow)``, ``slow = rho slow + e``, ``filtered = kappa filtered + e``, ``change += sum_b signal filtered + extra e``.

    Shapes: psi, signal ``[R, B, N]``, eps ``[R, B, M]``, extra ``[R, N]``, filtered ``[R, B, N, M]``, slow the same, or of size 0 where
    thresholds stand still; change ``[R, N, M]``.
    """
    replicas, batch, cells = psi.shape
    pres = eps.shape[2]
    adapting = slow.shape[0] > 0
    for row in range(replicas * cells):
        r, j = row // cells, row % cells
        total, more = change[r, j], extra[r, j]
        for b in range(batch):
            p, s, pre, low = psi[r, b, j], signal[r, b, j], eps[r, b], filtered[r, b, j]
            if adapting:
                a = slow[r, b, j]
                for i in range(pres):
                    e = p * (pre[i] - strength * a[i])
                    a[i] = rho * a[i] + e
                    low[i] = kappa * low[i] + e
                    total[i] += s * low[i] + more * e
            else:
                for i in range(pres):
                    e = p * pre[i]
                    low[i] = kappa * low[i] + e
                    total[i] += s * low[i] + more * e
