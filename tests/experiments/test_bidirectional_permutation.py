"""Threshold networks that hold a permutation and its inverse, by trying every word of every small permutation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bioplaus.experiments.bidirectional_permutation import right, threshold_network, words


@pytest.mark.parametrize("n", [1, 2])
def test_every_permutation_of_few_words_goes_both_ways(n: int) -> None:
    for images in itertools.permutations(range(2**n)):
        assert right(images, n) == (2**n, 2**n)


@pytest.mark.parametrize("n", [3, 5])
def test_by_hand_in_numpy(n: int) -> None:
    """The same two passes written with integers: exactly one hidden cell fires, in either direction, over one pair of matrices."""
    images = np.random.default_rng(4).permutation(2**n)
    word = words(n).numpy().astype(int)
    assert len({tuple(row) for row in word}) == 2**n and set(np.unique(word)) == {-1, 1}
    _, _, params = threshold_network(images.tolist(), n)
    w, u = params["forward/0/weight"][0].numpy(), params["forward/1/weight"][0].numpy().T
    assert [key for key in params if key.endswith("weight")] == ["forward/0/weight", "forward/1/weight"]
    for x, y in zip(word, word[images]):
        up, down = (w @ x > n - 1).astype(int), (u @ y > n - 1).astype(int)
        assert up.sum() == down.sum() == 1 and (up == down).all()
        assert (np.sign(up @ u) == y).all() and (np.sign(down @ w) == x).all()
    assert right(images.tolist(), n) == (2**n, 2**n)


@pytest.mark.parametrize("kept", [1, 5, 7])
def test_each_cell_less_costs_its_own_pair_of_words(kept: int) -> None:
    """Without its cell a word gets the answer of a silent layer, all -1, which may be right for one word by chance."""
    images = np.random.default_rng(1).permutation(8).tolist()
    silent = [i for i in range(kept, 8) if images[i] == 0], [i for i in range(kept, 8) if i == 0]
    assert right(images, 3, kept) == (kept + len(silent[0]), kept + len(silent[1]))
