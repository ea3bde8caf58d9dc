"""The course of a run against a list of all its updates, written out one by one."""

from __future__ import annotations

import pytest

from bioplaus.course import Course

CASES = [((5,), 3, 15), ((5,), 0, 0), ((5,), 4, 13), ((4, 7, 2), 3, 39), ((4, 7, 2), 3, 20), ((4, 7, 2), 1, 5), ((3, 3), 2, 12)]


def written_out(lengths: tuple[int, ...], each: int) -> list[tuple[int, int]]:
    """Return (epoch, task) of every update."""
    epochs = [(task * each + e, task) for task in range(len(lengths)) for e in range(each)]
    return [(epoch, task) for epoch, task in epochs for _ in range(lengths[task])]


@pytest.mark.parametrize(("lengths", "each", "total"), CASES)
def test_every_update_has_its_epoch_and_its_task(lengths: tuple[int, ...], each: int, total: int) -> None:
    course, updates = Course(lengths, each, total), written_out(lengths, each)[:total]
    for step, (epoch, task) in enumerate(updates):
        clock = course.clock(step)
        assert (clock.step, clock.epoch, clock.task, clock.steps_per_epoch, clock.steps_total) == (step, epoch, task, lengths[task], total)
        assert course.task(epoch) == task
    epochs = [epoch for epoch, _ in updates]
    assert course.epochs == len(set(epochs))
    for epoch in set(epochs):
        assert course.start(epoch) == epochs.index(epoch)


def test_tasks_begin_where_their_number_changes_and_the_first_is_no_change() -> None:
    course = Course((4, 7, 2), 3, 39)
    assert [epoch for epoch in range(12) if course.opens(epoch)] == [3, 6]
    assert [epoch for epoch in range(12) if Course((4, 7, 2), 3, 33).opens(epoch)] == [3]  # ends with the second task
    assert not any(Course((5,), 4, 20).opens(epoch) for epoch in range(9))


def test_the_clock_at_the_end_is_behind_the_last_epoch() -> None:
    assert Course((4, 7), 2, 22).clock(22).epoch == 4 and Course((4, 7), 2, 22).clock(22).task == 1
