"""Eligibility traces of e-prop, forward in time, and three ways to add them up.

::

    e_ji[t]    = psi_j[t] (eps_i[t] - beta_a a_ji[t]),                           eps: the presynaptic trace
    a_ji[t+1]  = rho a_ji[t] + e_ji[t]                                           for adapting thresholds
    ebar_ji[t] = kappa ebar_ji[t-1] + e_ji[t]
    change_ji  = sum_t L_j[t] ebar_ji[t] + x_j e_ji[t]                           L: learning signal; x: that of the rate regulariser

=========  =================================================  ============================================================
class      keeps                                              is for
=========  =================================================  ============================================================
Cells      two numbers per sample and postsynaptic cell       biases and constant inputs, where eps_i[t] = c[t] x_i
Pairs      one or two per sample and synapse, whatever T      any input: the traces as they are
Products   psi, eps and L of every step                       any input, without adaptation: a sum of outer products
=========  =================================================  ============================================================

The three agree up to rounding. `Products` sums the filter the other way round, ``sum_t psi_j[t] eps_i[t] sum_(s >= t) kappa^(s-t) L_j[s]``: a
matrix product instead of a number per synapse and sample, at the price of memory that grows with T.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer
from bioplaus.connections.base import Connection
from bioplaus.connections.recurrent import RecurrentConnection
from bioplaus.rules._eligibility_scan import advance

__all__ = ["Cells", "Pairs", "Products"]

Slow = tuple[float, float] | None


class Cells:
    """Traces of synapses whose presynaptic side is one course in time for all: a number per sample and postsynaptic cell.

    Parameters
    ----------
    kappa
        Factor per step of the read-out.
    slow
        (rho, beta_a) of adapting thresholds, or None.
    """

    def __init__(self, kappa: float, slow: Slow) -> None:
        self.kappa, self.slow = kappa, slow
        self.adapted = self.filtered = self.total = torch.zeros(())

    def add(self, psi: Tensor, eps: Tensor, signal: Tensor, extra: Tensor | None) -> None:
        """Take in one step: psi, signal ``[R, B, N]``, eps a number, extra ``[R, N]``."""
        e = psi * eps
        if self.slow:
            rho, strength = self.slow
            e = e - psi * (strength * self.adapted)
            self.adapted = rho * self.adapted + e
        self.filtered = self.kappa * self.filtered + e
        self.total = self.total + signal * self.filtered
        if extra is not None:
            self.total = self.total + extra.unsqueeze(1) * e

    def take(self) -> Tensor:
        """Return the postsynaptic side ``[R, B, N]`` of what has been added up since it was last taken."""
        found, self.total = self.total, torch.zeros(())
        return found


class Pairs:
    """Traces of synapses, one number per sample and synapse; memory does not grow with T."""

    def __init__(self, connection: Connection, kappa: float, slow: Slow) -> None:
        self.connection, self.kappa, self.slow = connection, kappa, slow
        self.adapted = self.filtered = self.change = torch.zeros(0)

    def add(self, psi: Tensor, eps: Tensor, signal: Tensor, extra: Tensor | None) -> None:
        """Take in one step: psi, signal ``[R, B, N]``, eps ``[R or 1, B, M]``, extra ``[R, N]``."""
        if not self.filtered.numel():
            self.filtered = psi.new_zeros(*psi.shape, eps.shape[-1])
            self.adapted = torch.zeros_like(self.filtered) if self.slow else psi.new_zeros(0, 0, 0, 0)
            self.change = psi.new_zeros(psi.shape[0], psi.shape[2], eps.shape[-1])
        (_compiled if psi.device.type == "cpu" else _plain)(self, psi, eps, signal, extra)

    def take(self) -> Change:
        """Return what has been added up since it was last taken."""
        found, self.change = self.change, torch.zeros_like(self.change)
        if isinstance(self.connection, RecurrentConnection):
            found.diagonal(dim1=-2, dim2=-1).zero_()
        return Dense(found)


class Products:
    """The same from products that are kept apart, step by step."""

    def __init__(self, connection: Connection, kappa: float) -> None:
        self.connection, self.kappa = connection, kappa
        self.steps: list[tuple[Tensor, Tensor, Tensor, Tensor | None]] = []

    def add(self, psi: Tensor, eps: Tensor, signal: Tensor, extra: Tensor | None) -> None:
        """Take in one step: psi, signal ``[R, B, N]``, eps ``[R or 1, B, M]``, extra ``[R, N]``."""
        self.steps.append((psi, eps, signal, extra))

    def take(self) -> Change:
        """Return the sum of all steps, factored over samples and steps."""
        later: Tensor | float = 0.0
        sides = []
        for psi, eps, signal, extra in reversed(self.steps):
            later = self.kappa * later + signal
            sides.append((eps, psi * (later if extra is None else later + extra.unsqueeze(1))))
        pre, post = (torch.stack(side[::-1], 2) for side in zip(*sides))
        return Outer(self.connection, ((pre, post),))


def _compiled(pairs: Pairs, psi: Tensor, eps: Tensor, signal: Tensor, extra: Tensor | None) -> None:
    kind = pairs.change.numpy().dtype.type
    rho, strength = pairs.slow or (0.0, 0.0)
    more = np.zeros((psi.shape[0], psi.shape[2]), kind) if extra is None else extra.contiguous().numpy()
    advance(
        psi.contiguous().numpy(), eps.expand(psi.shape[0], -1, -1).contiguous().numpy(), signal.contiguous().numpy(), more,
        kind(rho), kind(strength), kind(pairs.kappa), pairs.adapted.numpy(), pairs.filtered.numpy(), pairs.change.numpy(),
    )  # fmt: skip


def _plain(pairs: Pairs, psi: Tensor, eps: Tensor, signal: Tensor, extra: Tensor | None) -> None:
    """The same in torch, for other devices."""
    e = psi.unsqueeze(-1) * eps.unsqueeze(-2)
    if pairs.slow:
        rho, strength = pairs.slow
        e = e - psi.unsqueeze(-1) * (strength * pairs.adapted)
        pairs.adapted.mul_(rho).add_(e)
    pairs.filtered.mul_(pairs.kappa).add_(e)
    pairs.change += torch.einsum("rbn,rbnm->rnm", signal, pairs.filtered)
    if extra is not None:
        pairs.change += extra.unsqueeze(-1) * e.sum(1)
