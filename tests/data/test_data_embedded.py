"""Sources without files: digits and the small synthetic benchmark."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from bioplaus import data
from bioplaus.data import DataConfig


@pytest.fixture(scope="module")
def digits() -> data.Splits:
    return data.load(DataConfig(name="digits"))


def test_digits_sizes_and_disjoint_union(digits: data.Splits) -> None:
    sizes = [len(x) for x in (digits.train_x, digits.validation_x, digits.test_x)]
    assert sizes == [1293, 144, 360] and digits.shape == (1, 8, 8) and digits.classes == 10
    assert sorted([*digits.train_index, *digits.validation_index, *digits.test_index]) == list(range(1797))


def test_digits_rows_are_the_rows_that_the_indices_name(digits: data.Splits) -> None:
    source = load_digits()
    for part in ("train", "validation", "test"):
        x, y, index = (getattr(digits, f"{part}_{kind}") for kind in ("x", "y", "index"))
        expected = (source.images[index] / 16 - digits.mean[0]) / digits.std[0]
        np.testing.assert_allclose(x[:, 0], expected, atol=1e-6)
        assert (y == source.target[index]).all()


@pytest.mark.parametrize("limit", [None, 50])
def test_digits_are_standardised_by_their_training_pixels_alone(limit: int | None) -> None:
    splits = data.load(DataConfig(name="digits", limit=limit))
    train = splits.train_x.astype(np.float64)
    assert abs(train.mean()) < 1e-6 and abs(train.std() - 1) < 1e-6
    others = np.concatenate((splits.validation_x, splits.test_x)).astype(np.float64)
    assert abs(others.mean()) > 1e-5  # their own mean was not used
    assert len(splits.mean) == len(splits.std) == 1


def test_digits_unscaled_are_grey_values_from_0_to_1() -> None:
    splits = data.load(DataConfig(name="digits", standardise="none"))
    assert splits.mean == (0.0,) and splits.std == (1.0,)
    assert np.isin(splits.train_x * 16, np.arange(17)).all() and splits.train_x.max() == 1


def test_digits_test_set_depends_on_split_seed_only(digits: data.Splits) -> None:
    same = data.load(DataConfig(name="digits", limit=10, validation=0.3))
    assert (same.test_index == digits.test_index).all()
    # a stream of its own: second child of the seed, the first one draws the validation rows
    own = np.random.default_rng(np.random.SeedSequence(0).spawn(2)[1]).permutation(1797)
    assert digits.test_index.tolist() == sorted(own[:360])
    other = data.load(DataConfig(name="digits", split_seed=1))
    # two random thirds of 360 in 1797 share 72 +- 7 rows
    assert 40 < len(set(other.test_index) & set(digits.test_index)) < 110


def test_synthetic_class_counts_and_first_labels_are_the_published_ones() -> None:
    splits = data.load(DataConfig(name="synthetic", validation=0))
    assert len(splits.train_y) == 4000 and len(splits.test_y) == 2000 and splits.shape == (20,)
    y = np.concatenate((splits.train_y, splits.test_y))
    assert np.bincount(y).tolist() == [1380, 1462, 1861, 1297]
    assert y[:10].tolist() == [3, 0, 0, 2, 3, 3, 2, 3, 2, 0]


def test_synthetic_inputs_are_the_published_draw() -> None:
    splits = data.load(DataConfig(name="synthetic", validation=0))
    drawn = np.random.default_rng(12345).standard_normal(6000 * 20).astype(np.float32).reshape(6000, 20)
    assert (splits.train_x == drawn[:4000]).all() and (splits.test_x == drawn[4000:]).all()
    assert splits.test_index.tolist() == list(range(4000, 6000))


def test_least_squares_on_the_synthetic_task_scores_what_was_published() -> None:
    splits = data.load(DataConfig(name="synthetic", validation=0))
    weights, *_ = np.linalg.lstsq(splits.train_x, np.eye(4)[splits.train_y], rcond=None)
    accuracy = 100 * ((splits.test_x @ weights).argmax(1) == splits.test_y).mean()
    assert abs(accuracy - 82.75) < 0.1


def test_synthetic_validation_comes_out_of_the_training_rows() -> None:
    whole = data.load(DataConfig(name="synthetic", validation=0))
    splits = data.load(DataConfig(name="synthetic", validation=0.25))
    assert len(splits.validation_y) == 1000 and (splits.test_x == whole.test_x).all()
    assert (whole.train_x[splits.validation_index] == splits.validation_x).all()
    assert (whole.train_x[splits.train_index] == splits.train_x).all()
