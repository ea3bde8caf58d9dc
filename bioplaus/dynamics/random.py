"""A random generator per chain, small enough to live inside a compiled loop.

xoshiro256++ (Blackman & Vigna 2021, ACM Trans. Math. Softw. 47, 36) with its four words filled from one seed by splitmix64, as its authors
advise: neighbouring seeds give unrelated streams.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

__all__ = ["advanced", "bounded", "coin", "next_word", "seeded", "seeded_by", "uniform"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
#: FNV-1a's start and factor (Fowler, Noll & Vo), 64 bits
_BASIS, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)
_R11, _R17, _R19, _R23, _R27, _R30, _R31, _R41, _R45, _R63 = (
    np.uint64(k) for k in (11, 17, 19, 23, 27, 30, 31, 41, 45, 63)
)


@numba.njit(cache=True)
def seeded(seed: Any) -> Any:
    """Return the generator's state, four words, for a seed (uint64)."""
    words = np.empty(4, np.uint64)
    for k in range(4):
        seed = np.uint64(seed + _GOLDEN)
        z = (seed ^ (seed >> _R30)) * _MIX_A
        z = (z ^ (z >> _R27)) * _MIX_B
        words[k] = z ^ (z >> _R31)
    return words


@numba.njit(cache=True)
def seeded_by(seed: Any, image: Any) -> Any:
    """Return the generator's state, four words, that follows from a seed (uint64) and an image (uint8)."""
    mark = (_BASIS ^ seed) * _PRIME
    for i in range(image.shape[0]):
        mark = (mark ^ np.uint64(image[i])) * _PRIME
    return seeded(mark)


@numba.njit(cache=True)
def advanced(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return 64 random bits and the next state, word by word, for loops that hold the state in registers."""
    total = a + d
    bits = ((total << _R23) | (total >> _R41)) + a
    c ^= a
    d ^= b
    return bits, a ^ d, b ^ c, c ^ (b << _R17), (d << _R45) | (d >> _R19)


@numba.njit(cache=True)
def next_word(words: Any) -> Any:
    """Return 64 random bits and move the state on."""
    bits, words[0], words[1], words[2], words[3] = advanced(words[0], words[1], words[2], words[3])
    return bits


@numba.njit(cache=True)
def uniform(words: Any) -> Any:
    """Draw from [0, 1) with 53 bits."""
    return np.float64(next_word(words) >> _R11) * 1.1102230246251565e-16


@numba.njit(cache=True)
def bounded(words: Any, n: int) -> Any:
    """Draw an integer 0 <= i < n; no probability is off by more than n / 2^53 of itself."""
    return np.int64(uniform(words) * n)


@numba.njit(cache=True)
def coin(words: Any) -> Any:
    """Draw +1 or -1 alike."""
    return np.int8(1) if next_word(words) >> _R63 else np.int8(-1)
