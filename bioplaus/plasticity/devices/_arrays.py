"""The same formulas for plain numbers, NumPy arrays and torch tensors, without importing torch for the first two."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

__all__ = ["apply", "chosen", "clipped", "is_tensor", "like", "peak", "plain"]


def is_tensor(x: Any) -> bool:
    """Return whether x is a tensor of torch."""
    torch = sys.modules.get("torch")  # nobody holds a tensor before torch is imported
    return torch is not None and isinstance(x, torch.Tensor)


def apply(name: str, x: Any) -> Any:
    """Return a function that NumPy and torch both have, such as "expm1", of x, element by element."""
    return getattr(sys.modules["torch"] if is_tensor(x) else np, name)(x)


def chosen(where: Any, yes: Any, no: Any) -> Any:
    """Return yes where the condition holds and no elsewhere."""
    if is_tensor(where):
        return sys.modules["torch"].where(where, yes, no)
    return np.where(where, yes, no)


def clipped(x: Any, low: Any, high: Any) -> Any:
    """Return x between two bounds, each a number or an array."""
    if not is_tensor(x):
        return np.clip(x, low, high)
    x = x.maximum(low) if is_tensor(low) else x.clamp(min=low)
    return x.minimum(high) if is_tensor(high) else x.clamp(max=high)


def like(x: Any, g: Any) -> Any:
    """Return x as g is: a tensor of its dtype and device, or an array of its dtype."""
    if is_tensor(g):
        return sys.modules["torch"].as_tensor(x, dtype=g.dtype, device=g.device)
    return np.asarray(x, dtype=np.asarray(g).dtype)


def peak(x: Any) -> float:
    """Return the largest element, 0 if there is none."""
    return float(x.max()) if (x.numel() if is_tensor(x) else np.size(x)) else 0.0


def plain(x: Any) -> Any:
    """Return a number for an array without axes, so that numbers in give numbers out."""
    return float(x) if not is_tensor(x) and np.ndim(x) == 0 else x
