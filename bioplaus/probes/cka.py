"""Similarity of what two paired populations represent: linear centred kernel alignment.

Source: Kornblith et al. 2019, ICML, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bioplaus.probes.base import Observation, Probe
from bioplaus.probes.mirrored import mirrored_pairs

__all__ = ["CkaProbe", "linear_cka"]

SAMPLES = 2000
COLUMNS = 4096


def linear_cka(a: Tensor, b: Tensor) -> Tensor:
    """Return ``|A^T B|_F^2 / (|A^T A|_F |B^T B|_F)``, in [0, 1]; A, B: a ``[n, d]``, b ``[n, e]`` centred.

    Worked out in float64 from n x n products of samples or from d x e products of columns, whichever is
    smaller; the two are equal because ``|A^T B|_F^2 = <A A^T, B B^T>``. NaN where a or b does not vary.
    """
    if a.shape[0] <= max(a.shape[1], b.shape[1]):
        x, y = _between_samples(a), _between_samples(b)
        return torch.vdot(x.flatten(), y.flatten()) / (x.norm() * y.norm())
    x, y = (torch.cat(list(_centred(rows)), 1) for rows in (a, b))
    return (x.T @ y).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())


def _between_samples(rows: Tensor) -> Tensor:
    """Return A A^T ``[n, n]`` of the centred columns, without a float64 copy of all of them."""
    total = rows.new_zeros(rows.shape[0], rows.shape[0], dtype=torch.float64)
    for part in _centred(rows):
        total.addmm_(part, part.T)
    return total


def _centred(rows: Tensor) -> Iterator[Tensor]:
    """Yield the columns minus their means, some at a time, in float64.

    The first sample is taken off before the mean is formed, so that a constant column becomes exactly 0.
    """
    for part in rows.split(COLUMNS, 1):
        columns = part.double()
        columns = columns - columns[:1]
        yield columns - columns.mean(0)


class CkaProbe(Probe):
    """Linear CKA between forward activity and the feedback code of each sample, for each pair of populations.

    Column l compares ``a_l`` (the input for l = 0) with ``b_l[y]``, the feedback network's activity at the
    same level for the sample's own code, l = 0..L-1 (Kao & Hariharan 2024, section 6.4). The first 2,000
    samples of the batch count; both passes are training passes. NaN where either side is the same for all
    samples.
    """

    def look(self, seen: Observation) -> dict[str, Tensor]:
        if not mirrored_pairs(seen.model):
            return {}
        codes, match = seen.model.task.codes(seen.batch.y, seen.batch.x.dtype)
        down = seen.model.networks["feedback"].forward(seen.params, codes, seen.buffers, train=True)
        rows = None if match is None else match.argmax(-1)
        below = [seen.batch.x, *(trace.out for trace in seen.run.traces[:-1])]
        levels = zip(below, reversed(down.traces))
        columns = [_per_replica(a, trace.out, rows, seen.world.replicas) for a, trace in levels]
        return {"cka": torch.stack(columns, 1)}


def _per_replica(a: Tensor, b: Tensor, rows: Tensor | None, replicas: int) -> Tensor:
    """Return the CKA of a ``[R or 1, B, ...]`` and the rows of b ``[R, N, ...]`` of its samples, ``[R]``."""
    found = []
    for r in range(replicas):
        own_a, own_b = _one(a, r)[:SAMPLES].flatten(1), _one(b, r).flatten(1)
        own_b = own_b[:SAMPLES] if rows is None else own_b[_one(rows, r)[:SAMPLES]]
        found.append(linear_cka(own_a, own_b))
    return torch.stack(found)


def _one(x: Tensor, r: int) -> Tensor:
    """Return replica r; a replica axis of size 1 is shared."""
    return x[r if x.shape[0] > 1 else 0]
