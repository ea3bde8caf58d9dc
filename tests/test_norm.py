"""Batch normalisation against ``torch.nn.functional.batch_norm`` and autograd, replica by replica, in float64."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.norm import BatchNorm
from bioplaus.operations import Scope

SHAPES = [(4,), (4, 3, 2)]
EPS = 1e-5


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def arrays(replicas: int) -> dict[str, Tensor]:
    return {
        "n/gain": 1 + 0.5 * randn(replicas, 4, seed=1),
        "n/shift": randn(replicas, 4, seed=2),
        "n/mean": randn(replicas, 4, seed=3),
        "n/variance": 0.1 + randn(replicas, 4, seed=4).square(),
    }


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("leading", [(6,), (2, 3)])
@pytest.mark.parametrize(("replicas", "x_replicas"), [(1, 1), (3, 3), (3, 1)])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm(
    shape: tuple[int, ...], replicas: int, x_replicas: int, leading: tuple[int, ...], affine: bool, train: bool
) -> None:
    norm, held = BatchNorm("n", shape, affine=affine, momentum=0.3), arrays(replicas)
    x = 2 + 3 * randn(x_replicas, *leading, *shape, seed=5)
    error = randn(replicas, *leading, *shape, seed=6)
    kept = {key: value.clone() for key, value in held.items()}
    scope = Scope(held, held, train)
    y, cache = norm.forward(scope, x)
    pulled, wanted = norm.pull(cache, error), norm.wanted(cache, error)
    for r in range(replicas):
        image = x[r % x_replicas].reshape(-1, *shape).clone().requires_grad_()
        gain, shift = (held[key][r].clone().requires_grad_() for key in ("n/gain", "n/shift"))
        mean, variance = held["n/mean"][r].clone(), held["n/variance"][r].clone()
        twin = F.batch_norm(image, mean, variance, *((gain, shift) if affine else (None, None)), train, 0.3, EPS)
        torch.testing.assert_close(y.expand_as(error)[r].reshape(twin.shape), twin.detach(), rtol=1e-10, atol=1e-10)
        sides = [image, gain, shift] if affine else [image]
        grads = torch.autograd.grad(twin, sides, error[r].reshape(twin.shape))
        torch.testing.assert_close(pulled[r].reshape(twin.shape), grads[0], rtol=1e-10, atol=1e-10)
        if affine:
            torch.testing.assert_close(wanted["n/gain"][r], grads[1], rtol=1e-10, atol=1e-10)
            torch.testing.assert_close(wanted["n/shift"][r], grads[2], rtol=1e-10, atol=1e-10)
        if train:  # torch has moved its running means in place
            torch.testing.assert_close(scope.running["n/mean"][r], mean, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(scope.running["n/variance"][r], variance, rtol=1e-12, atol=1e-12)
    assert set(wanted) == ({"n/gain", "n/shift"} if affine else set())
    assert set(scope.running) == ({"n/mean", "n/variance"} if train else set())
    assert all(torch.equal(value, kept[key]) for key, value in held.items())  # nothing is committed here


@pytest.mark.parametrize("shape", SHAPES)
def test_arrays_start_as_the_identity(shape: tuple[int, ...]) -> None:
    norm = BatchNorm("forward/1/norm", shape)
    assert {k: (v.shape, v.init.kind) for k, v in norm.leaves.items()} == {
        "forward/1/norm/gain": ((4,), "one"),
        "forward/1/norm/shift": ((4,), "zero"),
    }
    assert {k: (v.shape, v.init.kind) for k, v in norm.buffers.items()} == {
        "forward/1/norm/mean": ((4,), "zero"),
        "forward/1/norm/variance": ((4,), "one"),
    }
    assert BatchNorm("n", shape, affine=False).leaves == {} and len(BatchNorm("n", shape, affine=False).buffers) == 2
    assert norm.out_shape(shape) == shape


def test_training_output_has_mean_zero_and_variance_one_by_hand() -> None:
    held = {"n/mean": torch.zeros(1, 1), "n/variance": torch.ones(1, 1)}
    scope = Scope({}, held, True)
    y, _ = BatchNorm("n", (1,), affine=False, eps=0.0).forward(scope, torch.tensor([[[1.0], [3.0]]]))
    assert y.flatten().tolist() == [-1.0, 1.0]
    # momentum 0.1 towards mean 2 and the unbiased variance 2
    torch.testing.assert_close(scope.running["n/mean"], torch.tensor([[0.2]]))
    torch.testing.assert_close(scope.running["n/variance"], torch.tensor([[1.1]]))
