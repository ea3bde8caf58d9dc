"""Lengths and angles of arrays ``[R, ...]``, per replica, in float64.

In float32 the angle of a large array with itself comes out near 0.02 degrees. The angle with a zero array is
undefined: NaN.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["angle", "cosine", "length", "ratio"]


def length(a: Tensor) -> Tensor:
    """Return the Euclidean norm over all axes but the first, ``[R]``."""
    return torch.linalg.vector_norm(a.flatten(1), dim=1, dtype=torch.float64)


def ratio(above: Tensor, below: Tensor) -> Tensor:
    """Return ``above / below``; NaN where below is 0."""
    return torch.where(below > 0, above / below, torch.nan)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Return ``<a, b> / (|a| |b|)`` in [-1, 1], ``[R]``; NaN where either is zero."""
    a, b = a.flatten(1).double(), b.flatten(1).double()
    inner = torch.linalg.vecdot(a, b)
    return ratio(ratio(inner, length(a)), length(b)).clamp(-1, 1)


def angle(a: Tensor, b: Tensor) -> Tensor:
    """Return the angle in degrees, in [0, 180], ``[R]``; NaN where either is zero."""
    return torch.rad2deg(torch.arccos(cosine(a, b)))
