"""Quenched disorder of the Hopfield family: diluted patterns, noisy examples of them, and the states a network is cued with.

Every draw is a function of (seed, what is drawn) alone: more examples or another cue leave the patterns as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["STARTS", "cue", "draw_examples", "draw_patterns"]

#: States a network may be cued with.
STARTS = ("hierarchical", "pure", "parallel", "random")
_PATTERNS, _EXAMPLES, _CUE = range(3)


def _generator(seed: int, *what: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *what])))


def draw_patterns(seed: int, K: int, N: int, d: float) -> NDArray[np.int8]:
    """Return K diluted patterns xi ``[K, N]``: 0 with probability d, else +1 or -1 alike, independent over both axes."""
    draw = _generator(seed, _PATTERNS)
    signs = 2 * draw.integers(0, 2, (K, N), dtype=np.int8) - 1
    return np.where(draw.random((K, N)) < d, np.int8(0), signs)


def draw_examples(seed: int, patterns: NDArray[np.int8], M: int, r: float) -> NDArray[np.int8]:
    """Return M noisy examples of each pattern, eta ``[K, M, N]``: ``chi xi`` with chi = +1 with probability (1 + r)/2, else -1. Blanks stay."""
    K, N = patterns.shape
    found = np.empty((K, M, N), dtype=np.int8)
    for mu in range(K):
        draw = _generator(seed, _EXAMPLES, mu)  # of its own: more examples of one pattern leave all others as they are
        for a in range(M):  # row by row: the random numbers of all at once would need eight times their memory
            found[mu, a] = np.where(draw.random(N) < (1 + r) / 2, patterns[mu], -patterns[mu])
    return found


def cue(seed: int, patterns: NDArray[Any], start: str) -> NDArray[np.int8]:
    """Return a state ``[N]`` of +1 and -1 to start from; where the patterns do not settle a neuron, a fair coin does.

    Parameters
    ----------
    patterns
        ``[K, N]`` with entries of any sign, 0 for a blank.
    start
        hierarchical (the first entry that is not blank) | pure (pattern 1) | parallel (the majority over all patterns) | random.
    """
    votes = {"pure": patterns[:1], "random": patterns[:0]}.get(start, patterns)
    if start == "hierarchical":
        first = (votes != 0).argmax(0)
        field = np.take_along_axis(votes, first[None], 0)[0].astype(np.float64)
    else:
        field = votes.sum(0, dtype=np.float64)
    coin = 2 * _generator(seed, _CUE).integers(0, 2, patterns.shape[1], dtype=np.int8) - 1
    return np.where(field == 0, coin, np.sign(field)).astype(np.int8)
