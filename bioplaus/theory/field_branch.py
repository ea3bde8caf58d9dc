"""Following a branch of order parameters (q, r, Q): a solution near a start, or a clear no."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root

from bioplaus.errors import SolverError

__all__ = ["Order", "Step", "followed", "near"]

Array = NDArray[np.float64]

_TOLERANCE = 1e-9
_DAMPING, _ROUNDS, _MOST = 0.6, 20, 600
#: How far Newton's method may lead from where iteration has come to; beyond, it may have found another branch.
_NEAR = 0.05


class Order(NamedTuple):
    """Order parameters, with ``r^2 < q < Q < 1``: overlap of two students, with the teacher, with oneself."""

    q: float
    r: float
    Q: float


#: From order parameters to those that the equations give for them.
Step = Callable[[Order], Order]


def near(step: Step, start: Order, name: str) -> tuple[Order, float]:
    """Return the solution that damped iteration leads to from a start, closed by Newton's method, and its residual.

    Raises
    ------
    SolverError
        If the residual does not fall below 1e-9.
    """
    at, gap = start, math.inf
    for _ in range(_MOST // _ROUNDS):
        for _ in range(_ROUNDS):
            then = step(at)
            gap = _gap(at, then)
            at = _inside(*(old + _DAMPING * (new - old) for old, new in zip(at, then)))
            if gap < _TOLERANCE:
                return at, gap
        found = _closed(step, at)
        if found is not None and max(abs(a - b) for a, b in zip(found[0], at)) < _NEAR * max(1.0, gap * 1e3) and found[1] < _TOLERANCE:
            return found
    raise SolverError(f"{name}: no solution near q={start.q:.4f}, r={start.r:.4f}, Q={start.Q:.4f}; residual {gap:.1e} after {_MOST} iterations")


def followed(step: Step, start: Order, furthest: float) -> tuple[Order, float] | None:
    """Return the solution that Newton's method finds from a start, and its residual; None if there is none within ``furthest``."""
    found = _closed(step, start)
    if found is None or found[1] >= _TOLERANCE or max(abs(a - b) for a, b in zip(found[0], start)) > furthest:
        return None
    return found


def _gap(a: Order, b: Order) -> float:
    return max(abs(x - y) for x, y in zip(a, b))


def _inside(q: float, r: float, Q: float) -> Order:
    """Return order parameters pushed just within what is possible."""
    Q = min(max(Q, 1e-9), 1 - 1e-12)
    q = min(max(q, 1e-12), Q * (1 - 1e-9))
    most = math.sqrt(q) * (1 - 1e-9)
    return Order(q, min(max(r, -most), most), Q)


def _closed(step: Step, start: Order) -> tuple[Order, float] | None:
    """Return what Newton's method ends at, in coordinates that keep order parameters possible, or None where it breaks down."""

    def order(x: Array) -> Order:
        Q = 1 / (1 + math.exp(-x[2]))
        q = Q / (1 + math.exp(-x[0]))
        return _inside(q, math.sqrt(q) * math.tanh(x[1]), Q)

    def residual(x: Array) -> Array:
        at = order(np.clip(x, -30, 30))
        return np.array(step(at)) - np.array(at)

    ratio = start.q / start.Q
    x = np.array([math.log(ratio / (1 - ratio)), math.atanh(start.r / math.sqrt(start.q)), math.log(start.Q / (1 - start.Q))])
    try:
        found = root(residual, x, method="hybr", options={"xtol": 1e-11, "maxfev": 80})
    except (ValueError, FloatingPointError, OverflowError):
        return None
    at = order(np.clip(found.x, -30, 30))
    gap = float(np.abs(found.fun).max())
    return (at, gap) if math.isfinite(gap) else None
