"""Diluted patterns and noisy examples: their statistics, and what stays when something else changes."""

from __future__ import annotations

import numpy as np
import pytest

from bioplaus import data
from bioplaus.data.patterns import Config
from bioplaus.disorder import cue, draw_examples, draw_patterns
from bioplaus.errors import ConfigError


def test_entries_have_the_law_of_the_model() -> None:
    xi = draw_patterns(0, 4, 50_000, 0.3)
    assert xi.dtype == np.int8 and set(np.unique(xi)) == {-1, 0, 1}
    # five standard deviations of a share, of a mean, and of a correlation between patterns
    n = xi.size
    assert abs((xi == 0).mean() - 0.3) < 5 * np.sqrt(0.21 / n) and abs(xi.mean()) < 5 * np.sqrt(0.7 / n)
    products = xi.astype(float) @ xi.T / 50_000
    assert abs(products[~np.eye(4, dtype=bool)]).max() < 5 * 0.7 / np.sqrt(50_000)
    assert (draw_patterns(0, 4, 1000, 0.0) != 0).all()


def test_examples_keep_a_sign_as_often_as_their_quality_says_and_blanks_stay() -> None:
    xi = draw_patterns(1, 3, 20_000, 0.4)
    eta = draw_examples(1, xi, 5, 0.5)
    assert eta.shape == (3, 5, 20_000) and (eta[:, :, :][np.broadcast_to(xi[:, None] == 0, eta.shape)] == 0).all()
    agree = (eta * xi[:, None])[np.broadcast_to(xi[:, None] != 0, eta.shape)]
    assert abs(agree.mean() - 0.5) < 5 / np.sqrt(agree.size)
    assert (draw_examples(1, xi, 2, 1.0) == xi[:, None]).all()
    flips = (eta[:, 0] != eta[:, 1])[xi != 0]
    assert abs(flips.mean() - 2 * 0.75 * 0.25) < 5 * np.sqrt(0.25 / flips.size)  # examples are independent of each other


def test_cues_by_hand() -> None:
    xi = np.array([[1, 0, 0, -1, 0], [-1, -1, 0, 1, 0], [-1, 1, 1, 1, 0]], dtype=np.int8)
    assert cue(0, xi, "hierarchical")[:4].tolist() == [1, -1, 1, -1]
    assert cue(0, xi, "parallel")[[0, 2, 3]].tolist() == [-1, 1, 1]
    assert cue(0, xi, "pure")[[0, 3]].tolist() == [1, -1]
    for start in ("hierarchical", "pure", "parallel", "random"):
        state = cue(0, np.zeros((3, 10_000), dtype=np.int8), start)
        assert set(np.unique(state)) == {-1, 1} and abs(state.mean()) < 0.05


def test_each_seed_has_a_set_of_its_own_whatever_the_others() -> None:
    config = Config(N=50, K=3, M=4, r=0.7)
    both, one = data.load(config, (5, 6)), data.load(config, (6,))
    assert both.train_x.shape == (2, 12, 50) and both.test_x.shape == (2, 3, 50) and both.seeds == (5, 6)
    assert np.array_equal(both.train_x[1], one.train_x[0]) and not np.array_equal(both.train_x[0], both.train_x[1])
    more = data.load(Config(N=50, K=3, M=6, r=0.7), (6,))
    assert np.array_equal(more.patterns.xi, one.patterns.xi) and np.array_equal(more.test_x, one.test_x)
    assert np.array_equal(more.train_x.reshape(3, 6, 50)[:, :4], one.train_x.reshape(3, 4, 50))
    # a fresh example: of three patterns of 50 entries at quality .7 no training example has the same flips
    assert not (one.train_x[0][:, None] == one.test_x[0]).all(-1).any()
    assert np.array_equal(one.train_y[0], np.repeat([0, 1, 2], 4))
    for mu in range(3):
        rows = one.train_x[0][one.train_y[0] == mu]
        assert ((rows != 0) == (one.patterns.xi[0, mu] != 0)).all()


def test_pictures_are_what_they_were_drawn_from() -> None:
    from sklearn.datasets import load_digits

    splits = data.load(Config(images="digits", K=3, mask="random", d=0.5), (0,))
    black_and_white = np.where(load_digits().data > 8, 1, -1)
    classes = []
    for pattern in splits.patterns.xi[0]:
        seen = pattern != 0
        assert 10 < seen.sum() < 54
        hits = (black_and_white[:, seen] == pattern[seen]).all(1)
        assert hits.any()
        classes.append(load_digits().target[hits][0])
    assert len(set(classes)) == 3 and splits.patterns.image == (8, 8) and not splits.patterns.model


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (Config(N=5, K=3), "data.N=5 is too small"),
        (Config(images="digits", N=10), "leave data.N out"),
        (Config(limit=3), "K and M say how many"),
        (Config(validation=0.5), "K and M say how many"),
    ],
)
def test_what_does_not_fit_is_refused(config: Config, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        data.load(config)
