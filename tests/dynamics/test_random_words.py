"""The generators give the published numbers, and what is made of them is uniform."""

from __future__ import annotations

import numpy as np
from scipy import stats

from bioplaus.dynamics.random import bounded, coin, next_word, seeded, uniform


def test_splitmix_gives_the_published_words() -> None:
    words = seeded(np.uint64(1234567))
    assert words.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]


def test_xoshiro_gives_the_published_words() -> None:
    words = np.array([1, 2, 3, 4], np.uint64)
    found = [int(next_word(words)) for _ in range(6)]
    assert found == [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205, 9973669472204895162]


def test_the_largest_and_the_smallest_draw_stay_inside() -> None:
    """The word is ``rotl(w0 + w3, 23) + w0``: all bits set, and none."""
    highest, lowest = np.array([0, 5, 7, 2**64 - 1], np.uint64), np.zeros(4, np.uint64)
    assert int(next_word(highest.copy())) == 2**64 - 1
    assert uniform(highest.copy()) == 1 - 2.0**-53 and uniform(lowest) == 0
    for n in (1, 3, 7, 1000, 99_999, 2**31 - 1):
        assert bounded(highest.copy(), n) == n - 1 and bounded(lowest, n) == 0


def test_draws_are_uniform() -> None:
    words = seeded(np.uint64(0))
    counts = np.bincount([bounded(words, 7) for _ in range(70_000)], minlength=7)
    assert len(counts) == 7 and stats.chisquare(counts).pvalue > 1e-3
    assert stats.kstest([uniform(words) for _ in range(20_000)], "uniform").pvalue > 1e-3
    coins = np.array([coin(words) for _ in range(20_000)])
    assert set(coins.tolist()) == {-1, 1} and abs(coins.mean()) < 4 / np.sqrt(20_000)
