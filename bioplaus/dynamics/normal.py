"""Standard normal numbers inside compiled loops, by the ziggurat of Marsaglia & Tsang 2000 (J. Stat. Softw. 5, 8), 256 strips of equal area."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from bioplaus.dynamics.random import next_word, uniform

__all__ = ["normal"]

Array = np.ndarray[Any, Any]
_STRIPS = 256
#: Where the tail begins if 256 strips are to have one area, tail included; the published constant.
_TAIL = 3.6541528853610088


def _tables() -> tuple[Array, Array]:
    """Return the right ends of the strips, from the widest to 0, and the density ``exp(-x^2 / 2)`` there."""
    height = math.exp(-_TAIL * _TAIL / 2)
    area = _TAIL * height + math.sqrt(math.pi / 2) * math.erfc(_TAIL / math.sqrt(2))
    ends = [area / height, _TAIL]
    while len(ends) < _STRIPS:
        height += area / ends[-1]
        ends.append(math.sqrt(-2 * math.log(height)))
    x = np.array([*ends, 0.0])
    return x, np.exp(-x * x / 2)


_X, _F = _tables()
_INDEX, _SHIFT = np.uint64(_STRIPS - 1), np.int64(11)


@numba.njit(cache=True)
def _tail(words: Any, x: float) -> float:
    """Draw from the tail, on x's side."""
    while True:
        away, above = -math.log(1 - uniform(words)) / _TAIL, -math.log(1 - uniform(words))
        if 2 * above > away * away:
            return math.copysign(_TAIL + away, x)


@numba.njit(cache=True)
def _under(words: Any, strip: int, x: float) -> bool:
    """Draw whether a point of a strip at x lies under the density."""
    return _F[strip] + uniform(words) * (_F[strip + 1] - _F[strip]) < math.exp(-x * x / 2)


@numba.njit(cache=True)
def normal(words: Any) -> Any:
    """Draw from N(0, 1); words are the generator's state, which moves on."""
    while True:
        word = next_word(words)
        strip = np.int64(word & _INDEX)
        x = np.float64(np.int64(word) >> _SHIFT) * 2.220446049250313e-16 * _X[strip]  # of other bits than the strip
        if abs(x) < _X[strip + 1]:
            return x
        if strip == 0:
            return _tail(words, x)
        if _under(words, strip, x):
            return x
