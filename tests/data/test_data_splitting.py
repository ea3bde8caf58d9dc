"""Properties of the splits on arrays whose rows name themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioplaus.data import DataConfig, Raw
from bioplaus.data.splitting import TEST_STREAM, VALIDATION_STREAM, permutation, scaled, split
from bioplaus.errors import ConfigError


def labelled_rows(n: int, tests: int = 5) -> Raw:
    """Row i holds (i, i + 0.5) and has label i mod 7; test rows count on from 10000."""
    i, t = np.arange(n), 10_000 + np.arange(tests)
    return Raw(
        train_x=np.stack((i, i + 0.5), 1).astype(np.float32),
        train_y=(i % 7).astype(np.uint8),
        test_x=np.stack((t, t + 0.5), 1).astype(np.float32),
        test_y=(t % 7).astype(np.uint8),
        classes=7,
        shape=(2,),
        mean=(0.0,),
        std=(1.0,),
    )


@settings(deadline=None, max_examples=60)
@given(n=st.integers(2, 300), validation=st.floats(0, 0.95), seed=st.integers(0, 2**70), data=st.data())
def test_splits_are_disjoint_complete_deterministic_and_aligned(
    n: int, validation: float, seed: int, data: st.DataObject
) -> None:
    kept = 0 if validation == 0 else max(1, round(validation * n))
    if kept == n:
        with pytest.raises(ConfigError, match="to train on"):
            split(labelled_rows(n), DataConfig(validation=validation, split_seed=seed))
        return
    whole = split(labelled_rows(n), DataConfig(validation=validation, split_seed=seed))
    assert len(whole.validation_y) == kept
    assert sorted([*whole.train_index, *whole.validation_index]) == list(range(n))
    assert whole.test_index.tolist() == list(range(5)) and whole.test_x[:, 0].tolist() == [10_000 + k for k in range(5)]
    for part in ("train", "validation", "test"):
        x, y, index = (getattr(whole, f"{part}_{kind}") for kind in ("x", "y", "index"))
        first = index + (10_000 if part == "test" else 0)
        assert x.dtype == np.float32 and x.flags.c_contiguous and x.shape == (len(index), 2)
        assert y.dtype == np.int64 and index.dtype == np.int64 and (np.diff(index) > 0).all()
        assert (x == np.stack((first, first + 0.5), 1)).all() and (y == first % 7).all()

    limit = data.draw(st.integers(1, n - kept))
    few = split(labelled_rows(n), DataConfig(validation=validation, split_seed=seed, limit=limit))
    assert len(few.train_y) == limit and set(few.train_index) <= set(whole.train_index)
    assert (few.validation_index == whole.validation_index).all() and (few.validation_x == whole.validation_x).all()
    fewer = split(labelled_rows(n), DataConfig(validation=validation, split_seed=seed, limit=max(1, limit // 2)))
    assert set(fewer.train_index) <= set(few.train_index)
    with pytest.raises(ConfigError, match=f"data={DataConfig().name} has {n - kept} training images"):
        split(labelled_rows(n), DataConfig(validation=validation, split_seed=seed, limit=n - kept + 1))


def test_without_validation_every_row_trains_in_order() -> None:
    splits = split(labelled_rows(9), DataConfig(validation=0))
    assert splits.train_index.tolist() == list(range(9))
    assert (
        splits.validation_x.shape == (0, 2) and splits.validation_y.shape == (0,) and len(splits.validation_index) == 0
    )


def test_every_row_is_equally_likely_to_be_kept() -> None:
    # 10 rows, 3 kept, 400 seeds: each row is kept 120 times on average, with standard deviation sqrt(400 .3 .7) = 9.2
    kept = np.concatenate(
        [split(labelled_rows(10), DataConfig(validation=0.3, split_seed=seed)).validation_index for seed in range(400)]
    )
    assert (abs(np.bincount(kept, minlength=10) - 120) < 4 * 9.2).all()


def test_limited_rows_are_a_random_sample() -> None:
    # same law for the rows that `limit` takes: 4 of 10, 400 seeds
    taken = np.concatenate(
        [split(labelled_rows(10), DataConfig(validation=0, limit=4, split_seed=s)).train_index for s in range(400)]
    )
    assert (abs(np.bincount(taken, minlength=10) - 160) < 4 * np.sqrt(400 * 0.4 * 0.6)).all()


def test_the_two_streams_and_two_seeds_are_independent_permutations() -> None:
    base = permutation(5, VALIDATION_STREAM, 2000)
    assert sorted(base) == list(range(2000))
    for other in (permutation(5, TEST_STREAM, 2000), permutation(6, VALIDATION_STREAM, 2000)):
        # fixed points of a random permutation are Poisson(1)
        assert (base == other).sum() < 8
    oracle = np.random.default_rng(np.random.SeedSequence(5).spawn(2)[TEST_STREAM]).permutation(2000)
    assert (permutation(5, TEST_STREAM, 2000) == oracle).all()


def test_split_of_seed_zero_stays_what_it_was() -> None:
    # recorded: a change of numpy's streams would silently give all users another split
    assert permutation(0, VALIDATION_STREAM, 60_000)[:5].tolist() == [52292, 15504, 30255, 31524, 7021]


@pytest.mark.parametrize("rows", [0, 1, 2048, 2049, 5000])
def test_scaling_equals_the_plain_formula_in_single_precision(rows: int) -> None:
    draw = np.random.default_rng(1)
    stored = draw.integers(0, 256, (5000, 3, 2, 2), dtype=np.uint8)
    chosen = np.sort(draw.permutation(5000)[:rows])
    mean, std = (0.49, 0.48, 0.44), (0.24, 0.25, 0.26)
    got = scaled(stored, chosen, 255.0, mean, std)
    assert got.dtype == np.float32 and got.shape == (rows, 3, 2, 2) and got.flags.c_contiguous
    for c in range(3):
        single = (stored[chosen, c].astype(np.float32) / np.float32(255) - np.float32(mean[c])) / np.float32(std[c])
        assert (got[:, c] == single).all()
        double = (stored[chosen, c] / 255.0 - mean[c]) / std[c]
        np.testing.assert_allclose(got[:, c], double, atol=2e-6)


def test_scaling_leaves_the_source_alone() -> None:
    stored = np.ones((4, 2), np.float32)
    scaled(stored, np.arange(4), 2.0, (0.25,), (0.5,))
    assert (stored == 1).all()
    assert not np.shares_memory(scaled(stored, np.arange(4), 1.0, (0.0,), (1.0,)), stored)
