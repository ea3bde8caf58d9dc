"""The same formulas for plain numbers, NumPy arrays and torch tensors, without importing torch for the first two."""

from __future__ import annotations

import math
import operator
import sys
from typing import Any

import numpy as np

__all__ = ["apply", "bounded", "changed", "chosen", "clipped", "is_tensor", "like", "peak", "plain", "together"]


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
    if not is_tensor(low) and not is_tensor(high):
        return x.clamp(None if low == -math.inf else low, None if high == math.inf else high)
    x = x.maximum(low) if is_tensor(low) else x.clamp(min=low)
    return x.minimum(high) if is_tensor(high) else x.clamp(max=high)


def changed(name: str, x: Any) -> Any:
    """Return what `apply` does, into x itself where that is an array: x has to be fresh."""
    if is_tensor(x):
        return getattr(x, f"{name}_")()
    return getattr(np, name)(x, out=x) if np.ndim(x) else getattr(np, name)(x)


def bounded(x: Any, low: Any, high: Any) -> Any:
    """Return what `clipped` does, into x itself where that is an array: x has to be fresh."""
    if is_tensor(x) and not is_tensor(low) and not is_tensor(high):
        return x.clamp_(low, high)
    return clipped(x, low, high)


def together(name: str, x: Any, y: Any) -> Any:
    """Return the sum ("add") or product ("mul") of two fresh arrays, into the first if both have one shape and dtype."""
    fits = np.ndim(x) > 0 and np.shape(x) == np.shape(y) and x.dtype == y.dtype
    return getattr(operator, f"i{name}" if fits else name)(x, y)


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
