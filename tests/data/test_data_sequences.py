"""Sequences of tasks: the same images in other orders, classes in groups, teachers of a given overlap; sets never meet."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bioplaus import data
from bioplaus.data import permuted_digits, split_digits, teacher
from bioplaus.data.digits import DigitsConfig
from bioplaus.errors import ConfigError

PARTS = ("train", "validation", "test")


def tasks_of(config: data.DataConfig, tasks: int, seeds: tuple[int, ...] = (0,)) -> list[data.Splits]:
    first = data.load(config, seeds, tasks)
    return [first, *first.later]


def test_permuted_digits_show_the_same_images_in_another_order_each() -> None:
    plain, tasks = data.load(DigitsConfig()), tasks_of(permuted_digits.Config(), 3)
    orders = permuted_digits.orders(permuted_digits.Config(tasks=3))
    assert len(tasks) == 3
    for one, order in zip(tasks, orders):
        for part in PARTS:
            images, labels = getattr(plain, f"{part}_x"), getattr(plain, f"{part}_y")
            assert getattr(one, f"{part}_x").shape == images.shape
            for place in (0, 13, 63):
                shown = getattr(one, f"{part}_x")[:, 0, place // 8, place % 8]
                assert (shown == images[:, 0, order[place] // 8, order[place] % 8]).all()
            assert (getattr(one, f"{part}_y") == labels).all()
    assert (tasks[1].train_x != tasks[2].train_x).any()


def test_mixed_tasks_and_a_sequence_of_them_are_not_asked_for_at_once() -> None:
    with pytest.raises(ConfigError, match="data.tasks=3 mixes tasks and tasks=4 learns"):
        tasks_of(permuted_digits.Config(tasks=3), 4)


@pytest.mark.parametrize("labels", ["classes", "within"])
def test_split_digits_share_out_classes_and_lose_no_image(labels: str) -> None:
    plain, tasks = data.load(DigitsConfig()), tasks_of(split_digits.Config(labels=labels), 5)
    for part in PARTS:
        index = np.concatenate([getattr(one, f"{part}_index") for one in tasks])
        assert sorted(index) == sorted(getattr(plain, f"{part}_index"))
        truth = dict(zip(getattr(plain, f"{part}_index"), getattr(plain, f"{part}_y")))
        for number, one in enumerate(tasks):
            wanted = [truth[i] for i in getattr(one, f"{part}_index")]
            assert set(wanted) == {2 * number, 2 * number + 1}
            assert list(getattr(one, f"{part}_y")) == [w if labels == "classes" else w % 2 for w in wanted]
    assert {one.classes for one in tasks} == {10 if labels == "classes" else 2}


def test_classes_that_cannot_be_shared_out_are_refused() -> None:
    with pytest.raises(ConfigError, match="10 classes of data=split_digits cannot be shared out"):
        tasks_of(split_digits.Config(), 3)
    with pytest.raises(ConfigError, match="tasks=2: data=digits is one task.*permuted_digits"):
        data.load(DigitsConfig(), tasks=2)


def test_teachers_label_their_own_fresh_samples_and_overlap_as_asked() -> None:
    config = teacher.Config(N=4001, alpha=0.05, alpha_later=0.02, r0=0.4, checked=30)
    first, second, third = tasks_of(config, 3, (3, 4))
    B = np.stack([teacher.teachers(config, seed, 3) for seed in (3, 4)])
    assert first.train_x.shape == (2, 200, 4001) and second.train_x.shape == third.train_x.shape == (2, 80, 4001)
    for number, one in enumerate((first, second, third)):
        for part in PARTS:
            x, y = getattr(one, f"{part}_x"), getattr(one, f"{part}_y")
            assert set(np.unique(x)) == {-1.0, 1.0}
            for s in range(2):
                assert (y[s] == (x[s].astype(int) @ B[s, number].astype(int) >= 0)).all()
    # five standard errors of an overlap of 4001 signs
    error = 5 * math.sqrt((1 - 0.4**2) / 4001)
    for s in range(2):
        assert abs((B[s, 0] * B[s, 1]).mean() - 0.4) < error and abs((B[s, 0] * B[s, 2]).mean() - 0.4) < error
        assert abs((B[s, 1] * B[s, 2]).mean() - 0.16) < error  # the flips of each are its own
        for a, b in ((first.train_x, second.train_x), (first.train_x, first.test_x), (second.validation_x, second.test_x)):
            assert abs((a[s, :30] * b[s, :30]).mean()) < 5 / math.sqrt(30 * 4001)
    assert abs((B[0, 0] * B[1, 0]).mean()) < 5 / math.sqrt(4001)


def test_a_seed_alone_has_the_samples_it_has_beside_others() -> None:
    config = teacher.Config(N=21, alpha=2.0, checked=5)
    both, alone = tasks_of(config, 2, (1, 7)), tasks_of(config, 2, (7,))
    for one, two in zip(both, alone):
        for part in PARTS:
            assert (getattr(one, f"{part}_x")[1] == getattr(two, f"{part}_x")[0]).all()
    assert (data.load(config, (7,)).train_x == alone[0].train_x).all()  # more tasks leave the first one alone


def test_equal_and_opposite_teachers() -> None:
    same, opposite = (teacher.teachers(teacher.Config(N=51, r0=r0), 0, 2) for r0 in (1.0, -1.0))
    assert (same[0] == same[1]).all() and (opposite[0] == -opposite[1]).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [({"limit": 3}, "takes no"), ({"validation": 0.1}, "takes no"), ({"N": 3, "alpha": 0.1}, "no training")],
)
def test_samples_that_are_drawn_take_no_parts_of_a_set(given: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        data.load(teacher.Config(**given))  # type: ignore[arg-type]
