"""Memory that is used again: never while somebody holds it, never more than was out at once."""

from __future__ import annotations

import gc

import pytest
import torch

from bioplaus.allocation import LARGE, keeping_memory, room

ONE = torch.zeros(1)
SHAPE = (LARGE // 4,)  # float32


def place(x: torch.Tensor) -> int:
    return x.untyped_storage().data_ptr()


def test_what_was_let_go_is_used_again_and_what_is_held_is_not() -> None:
    with keeping_memory() as pool:
        first, second = room(ONE, SHAPE), room(ONE, SHAPE)
        assert place(first) != place(second)
        first.fill_(1)
        second.fill_(2)
        where, part = place(first), first.view(2, -1)[1]
        del first
        third = room(ONE, SHAPE)
        assert place(third) not in (where, place(second)), "a view still holds it"
        third.fill_(3)
        assert bool((part == 1).all() and (second == 2).all())
        del part
        fourth = room(ONE, (2, SHAPE[0] // 2))
        assert place(fourth) == where and fourth.shape == (2, SHAPE[0] // 2)
        assert pool.out == 3 * LARGE and pool.idle == 0


def test_numpy_and_graphs_hold_it_too() -> None:
    with keeping_memory():
        x = room(ONE, SHAPE)
        where, rows = place(x), x.numpy()
        rows[:] = 7
        del x
        assert place(room(ONE, SHAPE)) != where and rows.min() == 7
        x = room(ONE, SHAPE).fill_(3.0)
        where, w = place(x), torch.ones((), requires_grad=True)
        loss = (x * w).sum()  # autograd keeps x
        del x
        other = room(ONE, SHAPE).fill_(0.0)
        assert place(other) != where
        (gradient,) = torch.autograd.grad(loss, w)
        assert gradient == 3 * SHAPE[0]


def test_never_more_than_what_was_out_at_once() -> None:
    """Sizes that change from batch to batch push the idle ones out."""
    with keeping_memory() as pool:
        for n in (3, 2, 5, 4, 1, 5, 3):
            held = [room(ONE, (n * SHAPE[0],)) for _ in range(2)]
            assert pool.out + pool.idle <= pool.most <= 10 * LARGE
            del held
        pool.settle()
        assert pool.out == 0 and 0 < pool.idle <= 10 * LARGE


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64])
def test_shape_and_dtype(dtype: torch.dtype) -> None:
    like = torch.zeros(1, dtype=dtype)
    for shape in ((3, 4), (0, 5), (LARGE, 2)):
        with keeping_memory():
            x = room(like, shape)
        assert x.shape == shape and x.dtype == dtype and x.is_contiguous()
        assert room(like, shape).shape == shape


def test_nothing_stays_when_the_run_is_over() -> None:
    with keeping_memory() as pool:
        x = room(ONE, SHAPE).fill_(1.0)
        with keeping_memory() as inner:
            y = room(ONE, SHAPE).fill_(2.0)
        assert inner.out == pool.out == LARGE
    assert bool((x == 1).all() and (y == 2).all())
    before = place(x)
    del x
    gc.collect()
    pool.settle()
    assert pool.idle == LARGE and place(room(ONE, SHAPE)) != before, "outside of a run nothing is handed out again"
