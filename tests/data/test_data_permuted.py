"""Permuted digits: every image in every task, its pixels in the task's order, its context behind them, and no image in two sets."""

from __future__ import annotations

import numpy as np
import pytest

from bioplaus import data
from bioplaus.data.digits import DigitsConfig
from bioplaus.data.permuted_digits import Config, orders
from bioplaus.errors import ConfigError


def test_every_image_stands_in_every_task_in_the_task_s_own_order() -> None:
    plain, found = data.load(DigitsConfig()), data.load(Config(tasks=4))
    order = orders(Config(tasks=4))
    assert (order[0] == np.arange(64)).all() and all((np.sort(one) == np.arange(64)).all() for one in order)
    assert len({tuple(one) for one in order}) == 4
    for part in ("train", "validation", "test"):
        x, y, index = (getattr(found, f"{part}_{what}") for what in ("x", "y", "index"))
        images, labels = getattr(plain, f"{part}_x").reshape(-1, 64), getattr(plain, f"{part}_y")
        n = len(images)
        assert x.shape == (4 * n, 64 + 4) and x.dtype == np.float32
        for task in range(4):
            rows = x[task * n : (task + 1) * n]
            for pixel in (0, 13, 63):
                assert (rows[:, pixel] == images[:, order[task, pixel]]).all()
            assert (rows[:, 64:] == np.eye(4)[task]).all()
            assert (y[task * n : (task + 1) * n] == labels).all()
        assert set(index) == set(getattr(plain, f"{part}_index"))
    assert not set(found.train_index) & (set(found.validation_index) | set(found.test_index))


def test_a_prototype_is_the_mean_training_image_of_its_task() -> None:
    found = data.load(Config(tasks=3, context="prototype"))
    n = len(found.train_x) // 3
    for task in range(3):
        mean = found.train_x[task * n : (task + 1) * n, :64].mean(0, dtype=np.float64)
        np.testing.assert_allclose(found.test_x[task * len(found.test_x) // 3, 64:], mean, rtol=0, atol=1e-6)
    assert data.load(Config(tasks=3, context="none")).shape == (64,)


def test_labels_are_permuted_where_asked_and_then_images_are_the_same() -> None:
    plain, found = data.load(DigitsConfig()), data.load(Config(tasks=4, permute="labels"))
    n = len(plain.train_y)
    images, labels = found.train_x[:, :64].reshape(4, n, 64), found.train_y.reshape(4, n)
    assert (images == plain.train_x.reshape(-1, 64)).all() and (labels[0] == plain.train_y).all()
    for task in range(1, 4):
        pairs = {(int(a), int(b)) for a, b in zip(plain.train_y, labels[task])}
        assert len(pairs) == 10 and {b for _, b in pairs} == set(range(10))  # one class for each digit, each class once
        assert (labels[task] != plain.train_y).any()
    assert (data.load(Config(tasks=4, permute="labels")).test_y == found.test_y).all()


def test_more_tasks_leave_the_first_ones_alone_and_other_splits_have_other_orders() -> None:
    np.testing.assert_array_equal(orders(Config(tasks=2)), orders(Config(tasks=5))[:2])
    assert (orders(Config(tasks=2, split_seed=1))[1] != orders(Config(tasks=2))[1]).any()


def test_images_in_two_dimensions_are_not_to_be_had() -> None:
    with pytest.raises(ConfigError, match="augment=flip_crop needs images.*permuted_digits"):
        data.load(Config(augment="flip_crop"))


def test_a_limit_counts_images() -> None:
    assert data.load(Config(tasks=3, limit=50)).train_x.shape == (150, 67)
