"""Flatten, unflatten, pooling, upsampling: torch's operators forward, autograd downward."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.operations import Flatten, MaxPool, Operation, Scope, Unflatten, Upsample

SCOPE = Scope({})
LEADING = [(1, 2), (3, 2), (3, 2, 4)]  # replica x batch, and with time between them


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def nearest(factor: int, crop: tuple[int, int] | None = None) -> Callable[[Tensor], Tensor]:
    def enlarge(x: Tensor) -> Tensor:
        y = F.interpolate(x, scale_factor=factor, mode="nearest")
        return y if crop is None else y[..., : crop[0], : crop[1]]

    return enlarge


#: operation, the same on ``[N, *shape]`` in torch, shape of one sample
CASES: dict[str, tuple[Operation, Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "flatten": (Flatten((2, 3, 4)), lambda x: x.reshape(len(x), 24), (2, 3, 4)),
    "unflatten": (Unflatten((2, 3, 4)), lambda x: x.reshape(len(x), 2, 3, 4), (24,)),
    "pool": (MaxPool(2), lambda x: F.max_pool2d(x, 2), (2, 4, 6)),
    "pool 3": (MaxPool(3), lambda x: F.max_pool2d(x, 3), (1, 6, 9)),
    "pool that drops a rim": (MaxPool(2), lambda x: F.max_pool2d(x, 2), (2, 5, 7)),
    "upsample": (Upsample(2), nearest(2), (2, 3, 4)),
    "upsample 3": (Upsample(3), nearest(3), (1, 2, 3)),
    "upsample cropped": (Upsample(2, crop=(5, 7)), nearest(2, (5, 7)), (2, 3, 4)),
    "upsample cropped to less than a square": (Upsample(3, crop=(4, 9)), nearest(3, (4, 9)), (1, 2, 3)),
}


@pytest.mark.parametrize("leading", LEADING)
@pytest.mark.parametrize("name", CASES)
def test_forward_and_pull(name: str, leading: tuple[int, ...]) -> None:
    operation, twin, shape = CASES[name]
    x = randn(*leading, *shape)
    folded = x.reshape(-1, *shape).clone().requires_grad_()
    expected = twin(folded)
    y, cache = operation.forward(SCOPE, x)
    assert y.shape[len(leading) :] == operation.out_shape(shape)
    assert torch.equal(y, expected.detach().reshape(y.shape))
    error = randn(*y.shape, seed=1)
    (back,) = torch.autograd.grad(expected, folded, error.reshape(expected.shape))
    torch.testing.assert_close(operation.pull(cache, error), back.reshape(x.shape), rtol=1e-12, atol=1e-12)


def test_pool_gives_the_error_to_the_winner_by_hand() -> None:
    x = torch.tensor([[1.0, 5.0, -3.0, -1.0], [2.0, 4.0, -2.0, -4.0]]).view(1, 1, 1, 2, 4)
    y, cache = MaxPool(2).forward(SCOPE, x)
    assert y.flatten().tolist() == [5.0, -1.0]
    back = MaxPool(2).pull(cache, torch.tensor([10.0, 20.0]).view(1, 1, 1, 1, 2))
    assert back[0, 0, 0].tolist() == [[0, 10, 0, 20], [0, 0, 0, 0]]


def test_upsample_fills_squares_and_sums_them_by_hand() -> None:
    x = torch.tensor([[1.0, 2.0]]).view(1, 1, 1, 1, 2)
    y, cache = Upsample(2, crop=(2, 3)).forward(SCOPE, x)
    assert y[0, 0, 0].tolist() == [[1, 1, 2], [1, 1, 2]]
    error = torch.arange(6.0).view(1, 1, 1, 2, 3)
    assert Upsample(2, crop=(2, 3)).pull(cache, error).flatten().tolist() == [8.0, 7.0]  # 0+1+3+4, 2+5


def test_pool_undone_by_cropped_upsampling_has_the_old_shape() -> None:
    shape = (3, 5, 7)
    assert Upsample(2, crop=(5, 7)).out_shape(MaxPool(2).out_shape(shape)) == (3, 4, 6)
    assert Upsample(3, crop=(5, 7)).out_shape(MaxPool(2).out_shape(shape)) == (3, 5, 7)
