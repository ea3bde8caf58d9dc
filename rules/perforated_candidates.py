"""What a candidate dendrite follows: the covariance of its output with the error of its own neuron.

::

    C_i = (1/P) sum_p (d_pi - dbar_i)(E_pi - Ebar_i),   S_i = |C_i|,   dS_i/da_pi = sign(C_i) (E_pi - Ebar_i) g'(a_pi) / P

exactly, since ``sum_p (E - Ebar) = 0`` takes the term of dbar away (after Fahlman & Lebiere 1990, with one neuron in place of all outputs).
P counts patterns, and for a convolution positions too. E is per pattern, +dL_p/dz, not divided by the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.dendrites import BranchChange, Dendrites, Grown
from bioplaus.operations import Scope
from bioplaus.shapes import not_units, per_unit

__all__ = ["Moments", "Sides", "ascent", "sides_of"]

TINY = 1e-12


@dataclass(frozen=True)
class Sides:
    """All that a candidate of a layer may know of a batch: the layer's input, the older dendrites of its neuron, and the neuron's error E."""

    pre: Tensor
    older: Sequence[Tensor]
    error: Tensor
    shape: tuple[int, ...]

    @property
    def patterns(self) -> int:
        """P of this batch."""
        return self.error.numel() // (self.error.shape[0] * self.shape[0])


def sides_of(change: BranchChange, size: int) -> Sides:
    """Return the sides, given the change of u that an error source wants and the size of its batch."""
    return Sides(change.branches.pre, change.branches.outputs, change.error * -size, change.shape)


class Moments:
    """Means, variances and covariances of d and E over some batches, ``[R, pool, m]`` and ``[R, m]``, float64; exact over their union.

    Parameters
    ----------
    dendrites, arrays
        The layer's dendrites, and their arrays with those of the candidates.
    """

    def __init__(self, dendrites: Dendrites, arrays: Mapping[str, Tensor]) -> None:
        self.dendrites, self.arrays = dendrites, arrays
        self.n = 0
        self._sums: dict[str, Tensor] = {}

    def add(self, sides: Sides) -> list[Grown]:
        """Take in a batch, and return the candidates' pass over it."""
        axes = not_units(sides.error, sides.shape)
        e = sides.error.double()
        self.n += sides.patterns
        self._sum("e", e.sum(axes))
        self._sum("ee", e.square().sum(axes))
        found: dict[str, list[Tensor]] = {"d": [], "dd": [], "de": [], "a": [], "aa": []}
        grown = []
        for p in range(self.dendrites.pool):
            own = of_candidate(self.dendrites, self.arrays, p)
            grown.append(self.dendrites.grow(_scope(self.dendrites, own), sides.pre, sides.older))
            d = grown[-1].out.double()
            found["d"].append(d.sum(axes))
            found["dd"].append(d.square().sum(axes))
            found["de"].append((d * e).sum(axes))
            if self.dendrites.norm:
                a = self.dendrites.connection.send(own[self.dendrites.v], sides.pre)
                a = (a + per_unit(own[self.dendrites.c], a, sides.shape)).double()
                found["a"].append(a.sum(axes))
                found["aa"].append(a.square().sum(axes))
        for key, parts in found.items():
            if parts:
                self._sum(key, torch.stack(parts, 1).expand(e.shape[0], -1, -1))
        return grown

    def _sum(self, key: str, value: Tensor) -> None:
        self._sums[key] = self._sums[key] + value if key in self._sums else value

    def _variance(self, one: str, two: str) -> Tensor:
        mean = self._sums[one] / self.n
        return (self._sums[two] / self.n - mean.square()).clamp_(min=0)

    @property
    def mean_e(self) -> Tensor:
        """Ebar ``[R, m]``."""
        return self._sums["e"] / self.n

    @property
    def var_e(self) -> Tensor:
        """Variance of E ``[R, m]``."""
        return self._variance("e", "ee")

    @property
    def mean_d(self) -> Tensor:
        """dbar ``[R, pool, m]``."""
        return self._sums["d"] / self.n

    @property
    def var_d(self) -> Tensor:
        """Variance of d ``[R, pool, m]``."""
        return self._variance("d", "dd")

    @property
    def covariance(self) -> Tensor:
        """C ``[R, pool, m]``, of the error as it is."""
        return self._sums["de"] / self.n - self.mean_d * self.mean_e.unsqueeze(1)

    @property
    def of_norm(self) -> dict[str, Tensor]:
        """Mean and variance of what the candidates' norms receive ``[R, pool, m]``; empty without norms."""
        if not self.dendrites.norm:
            return {}
        return {self.dendrites.norm.mean: self._sums["a"] / self.n, self.dendrites.norm.variance: self._variance("a", "aa")}


def of_candidate(dendrites: Dendrites, arrays: Mapping[str, Tensor], p: int) -> dict[str, Tensor]:
    """Return the arrays of candidate p of every neuron, under the keys that they have in a dendrite."""
    return {key: arrays[dendrites.candidate(key)][:, p] for key in dendrites.inner}


def _scope(dendrites: Dendrites, own: Mapping[str, Tensor]) -> Scope:
    """Return what a candidate's pass reads: its norm has the statistics of the batch, as that of its neuron has."""
    return Scope(own, {key: torch.zeros_like(own[dendrites.c]) for key in dendrites.means}, train=True)


def ascent(
    dendrites: Dendrites,
    arrays: Mapping[str, Tensor],
    sides: Sides,
    covariance: Tensor,
    mean_e: Tensor,
    std_e: Tensor | None,
    passes: Sequence[Grown] | None = None,
) -> dict[str, Tensor]:
    """Return dS/dV, dS/dc and dS/dq of all candidates, by the keys of their arrays, ``[R, pool, ...]``.

    Parameters
    ----------
    covariance
        C ``[R, pool, m]``, of which only the sign is used.
    mean_e
        Ebar ``[R, m]``.
    std_e
        What E is divided by ``[R, m]``; None for nothing.
    passes
        The candidates' pass over the batch, where it is known.
    """
    dtype = sides.error.dtype
    centred = sides.error - per_unit(mean_e.to(dtype), sides.error, sides.shape)
    if std_e is not None:
        centred = centred / per_unit(std_e.to(dtype) + TINY, sides.error, sides.shape)
    found: list[dict[str, Tensor]] = []
    for p in range(dendrites.pool):
        own = of_candidate(dendrites, arrays, p)
        grown = passes[p] if passes else dendrites.grow(_scope(dendrites, own), sides.pre, sides.older)
        sign = covariance[:, p].sign().to(dtype) / sides.patterns
        at_out = per_unit(sign, sides.error, sides.shape) * centred
        at_sum = dendrites.neuron.slope_times(grown.current.expand_as(at_out), grown.out.expand_as(at_out), at_out)
        found.append(dendrites.changes(grown, own, sides.pre, sides.older, at_sum))
    return {dendrites.candidate(key): torch.stack([one[key] for one in found], 1) for key in dendrites.inner}
