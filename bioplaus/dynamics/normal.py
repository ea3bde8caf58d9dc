"""Standard normal numbers inside compiled loops, by the ziggurat of Marsaglia & Tsang 2000 (J. Stat. Softw. 5, 8), 256 strips of equal area."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from bioplaus.dynamics.random import advanced, next_word, uniform

__all__ = ["normal", "normals"]

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
def _sized(bits: Any) -> Any:
    """Return the strip that a word stands for, the x within it, which comes of other bits, and whether that x holds without more ado."""
    strip = np.int64(bits & _INDEX)
    x = np.float64(np.int64(bits) >> _SHIFT) * 2.220446049250313e-16 * _X[strip]
    return strip, x, abs(x) < _X[strip + 1]


@numba.njit(cache=True)
def _rare(words: Any, strip: int, x: float) -> float:
    """Finish a draw that may lie outside the density; NaN: draw again."""
    if strip == 0:
        return _tail(words, x)
    return x if _under(words, strip, x) else np.nan


@numba.njit(cache=True)
def normal(words: Any) -> Any:
    """Draw from N(0, 1); words are the generator's state, which moves on."""
    while True:
        strip, x, holds = _sized(next_word(words))
        if not holds:
            x = _rare(words, strip, x)
        if not math.isnan(x):
            return x


@numba.njit(cache=True, nogil=True)
def normals(words: Any, out: Any) -> None:
    """Fill an array ``[n]`` as n calls of `normal` would, in half the time: the state stays in registers."""
    a, b, c, d = words[0], words[1], words[2], words[3]
    for k in range(out.shape[0]):
        while True:
            bits, a, b, c, d = advanced(a, b, c, d)
            strip, x, holds = _sized(bits)
            if not holds:
                words[0], words[1], words[2], words[3] = a, b, c, d
                x = _rare(words, strip, x)
                a, b, c, d = words[0], words[1], words[2], words[3]
            if not math.isnan(x):
                out[k] = x
                break
    words[0], words[1], words[2], words[3] = a, b, c, d
