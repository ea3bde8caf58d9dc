"""Leaves: the named arrays of a layer, their shapes and how they start.

A leaf is known by one flat key such as ``"forward/2/weight"``; all arrays carry the replica axis in front.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.streams import Streams

__all__ = ["Init", "Leaf"]

#: where the truncated normal distribution ends, and its variance
TAIL = 2.0
TRUNCATED = 1 - 2 * TAIL * math.exp(-(TAIL**2) / 2) / math.sqrt(2 * math.pi) / math.erf(TAIL / math.sqrt(2))


@dataclass(frozen=True)
class Init:
    """How a weight starts.

    Parameters
    ----------
    kind
        "uniform": U(-1, 1) / sqrt(fan_in), the published default of the counter-current and backprop networks;
        "normal": N(0, 1) / sqrt(fan_in); "orthogonal": orthonormal rows or columns of the matrix post x fan_in; "zero"; "one"; "positive":
        U(0, 1) + 0.01, as Diehl & Cook 2015 start the excitatory synapses of their network; "thirds": one of -1, -2/3, -1/3, 0, 1/3, 2/3, 1,
        as MLP+NeuroSim starts devices; "truncated": N(0, 1) drawn again beyond 2, whatever the fan-in; "truncated_fan_in": that / sqrt(fan_in).
    scale
        Factor on the draw, dimensionless.
    """

    kind: str = "uniform"
    scale: float = 1.0


@dataclass(frozen=True)
class Leaf:
    """Shape (without the replica axis), fan-in and start of one named array."""

    shape: tuple[int, ...]
    fan_in: int
    init: Init

    @property
    def std(self) -> float:
        """Standard deviation of an entry of the start value; 0 for constants."""
        scale, n = self.init.scale, max(self.fan_in, 1)
        variances = {"uniform": 1 / (3 * n), "positive": 1 / 12, "thirds": 4 / 9, "normal": 1 / n, "orthogonal": 1 / max(n, *self.shape[:1])}
        variances |= {"truncated": TRUNCATED, "truncated_fan_in": TRUNCATED / n}
        return scale * math.sqrt(variances.get(self.init.kind, 0.0))

    @property
    def usual(self) -> Leaf:
        """This leaf, or where it starts as a constant, which has no spread and sends nothing, the same with the usual start."""
        return self if self.std else Leaf(self.shape, self.fan_in, Init())

    def draw(self, key: str, streams: Streams) -> Tensor:
        """Return the start value ``[R, *shape]``, drawn from the stream ``init/<key>``.

        Raises
        ------
        ConfigError
            If the kind of start is unknown.
        """
        name, kind, scale = f"init/{key}", self.init.kind, self.init.scale
        if kind == "uniform":
            bound = scale / math.sqrt(max(self.fan_in, 1))
            return streams.uniform(name, self.shape, -bound, bound)
        if kind == "normal":
            return streams.normal(name, self.shape).mul_(scale / math.sqrt(max(self.fan_in, 1)))
        if kind in ("truncated", "truncated_fan_in"):
            return _truncated(streams, name, self.shape).mul_(scale / (math.sqrt(max(self.fan_in, 1)) if kind == "truncated_fan_in" else 1))
        if kind == "positive":
            return streams.uniform(name, self.shape, 0.01, 1.01).mul_(scale)
        if kind == "thirds":
            return streams.integers(name, self.shape, -3, 4).to(streams.dtype).div_(3 / scale)
        if kind == "orthogonal":
            return _orthogonal(streams.normal(name, self.shape)).mul_(scale)
        if kind in ("zero", "one"):
            value, shape = float(kind == "one") * scale, (len(streams.seeds), *self.shape)
            return torch.full(shape, value, dtype=streams.dtype, device=streams.device)
        raise ConfigError(
            f"unknown start '{kind}' of a weight; choose uniform, normal, truncated, truncated_fan_in, positive, thirds, "
            "orthogonal, zero or one"
        )


def _truncated(streams: Streams, name: str, shape: tuple[int, ...]) -> Tensor:
    """Return N(0, 1) within [-2, 2], by the inverse of its distribution function: one draw per entry."""
    low = math.erf(-TAIL / math.sqrt(2))
    return streams.uniform(name, shape, low, -low).erfinv_().mul_(math.sqrt(2)).clamp_(-TAIL, TAIL)


def _orthogonal(draw: Tensor) -> Tensor:
    """Return Q of the QR decomposition, with the signs of R's diagonal so that Q is uniform over orthogonal matrices."""
    matrix = draw.flatten(2)
    tall = matrix if matrix.shape[1] >= matrix.shape[2] else matrix.mT
    q, r = torch.linalg.qr(tall)
    q = q * torch.diagonal(r, dim1=-2, dim2=-1).sign().unsqueeze(-2)
    return (q if tall is matrix else q.mT).reshape(draw.shape).contiguous()
