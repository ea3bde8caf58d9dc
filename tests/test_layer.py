"""A layer with everything in it against the same chain of torch's operators and autograd."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.changes import Dense, Outer
from bioplaus.connections import Conv2dConnection, DenseConnection
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.neurons.smooth import Sigmoid, Tanh
from bioplaus.norm import BatchNorm
from bioplaus.operations import Flatten, MaxPool, Scope, Unflatten, Upsample

Twin = Callable[[dict[str, Tensor], Tensor], tuple[Tensor, Tensor]]
PACKS = pytest.mark.parametrize(("replicas", "x_replicas"), [(1, 1), (3, 3), (3, 1)])


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def full_conv() -> Layer:
    return Layer(
        "l",
        Conv2dConnection((2, 6, 8), 3, kernel=3, padding=1),
        Tanh(),
        bias=True,
        before=[Upsample(2), BatchNorm("l/before", (2, 6, 8))],
        norm=BatchNorm("l/norm", (3, 6, 8)),
        after=[MaxPool(2)],
    )


def full_dense() -> Layer:
    return Layer(
        "l",
        DenseConnection((12,), (6,)),
        Sigmoid(),
        bias=True,
        before=[Flatten((2, 2, 3)), BatchNorm("l/before", (12,))],
        norm=BatchNorm("l/norm", (6,)),
        after=[Unflatten((3, 2, 1))],
    )


def conv_twin(p: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Return (weighted sum, output) of one replica for x ``[B, 2, 3, 4]``."""
    x = F.interpolate(x, scale_factor=2, mode="nearest")
    x = F.batch_norm(x, None, None, p["l/before/gain"], p["l/before/shift"], training=True)
    z = F.conv2d(x, p["l/weight"], p["l/bias"], padding=1)
    y = F.batch_norm(z, None, None, p["l/norm/gain"], p["l/norm/shift"], training=True)
    return z, F.max_pool2d(torch.tanh(y), 2)


def dense_twin(p: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Return (weighted sum, output) of one replica for x ``[B, 2, 2, 3]``."""
    x = F.batch_norm(x.flatten(1), None, None, p["l/before/gain"], p["l/before/shift"], training=True)
    z = F.linear(x, p["l/weight"], p["l/bias"])
    y = F.batch_norm(z, None, None, p["l/norm/gain"], p["l/norm/shift"], training=True)
    return z, torch.sigmoid(y).view(-1, 3, 2, 1)


CASES = pytest.mark.parametrize(
    ("make", "twin", "in_shape"),
    [(full_conv, conv_twin, (2, 3, 4)), (full_dense, dense_twin, (2, 2, 3))],
    ids=["conv2d", "dense"],
)


def arrays(layer: Layer, replicas: int) -> dict[str, Tensor]:
    """Random weights, zeros and ones in the buffers."""
    held = {key: randn(replicas, *leaf.shape, seed=i) for i, (key, leaf) in enumerate(layer.leaves.items())}
    held |= {k: torch.zeros(replicas, *leaf.shape, dtype=torch.float64) for k, leaf in layer.buffers.items()}
    return held


@CASES
@PACKS
def test_forward_wanted_and_give_back(
    make: Callable[[], Layer], twin: Twin, in_shape: tuple[int, ...], replicas: int, x_replicas: int
) -> None:
    layer = make()
    p, x = arrays(layer, replicas), randn(x_replicas, 5, *in_shape, seed=20)
    trace = layer.forward(Scope(p, p, True), x)
    assert trace.out.shape == (replicas, 5, *layer.out_shape)
    error = randn(*trace.out.shape, seed=21)
    at_current, changes = layer.wanted(trace, error)
    below, more = layer.give_back(trace, at_current, p["l/weight"])
    assert set(changes) == {"l/weight", "l/bias", "l/norm/gain", "l/norm/shift"}
    assert set(more) == {"l/before/gain", "l/before/shift"}
    assert isinstance(changes["l/weight"], Outer) and isinstance(changes["l/bias"], Dense)
    assert torch.equal(layer.pull(trace, error), at_current)
    for r in range(replicas):
        leaves = {key: p[key][r].clone().requires_grad_() for key in layer.leaves}
        image = x[r % x_replicas].clone().requires_grad_()
        current, out = twin(leaves, image)
        torch.testing.assert_close(trace.out[r], out.detach(), rtol=1e-10, atol=1e-10)
        grads = torch.autograd.grad(out, [image, current, *leaves.values()], error[r])
        torch.testing.assert_close(below[r], grads[0], rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(at_current[r], grads[1], rtol=1e-9, atol=1e-10)
        for key, grad in zip(leaves, grads[2:]):
            torch.testing.assert_close((changes | more)[key].dense()[r], grad, rtol=1e-9, atol=1e-10)


@CASES
def test_time_is_folded_into_the_batch(make: Callable[[], Layer], twin: Twin, in_shape: tuple[int, ...]) -> None:
    """Static units: ``[R, T, B, ...]`` gives what ``[R, T B, ...]`` gives, forward and down."""
    layer = make()
    p, x = arrays(layer, 3), randn(3, 2, 4, *in_shape, seed=20)
    once, folded = layer.forward(Scope(p, p, True), x), layer.forward(Scope(p, p, True), x.flatten(1, 2))
    assert once.out.shape == (3, 2, 4, *layer.out_shape)
    torch.testing.assert_close(once.out.flatten(1, 2), folded.out, rtol=1e-12, atol=1e-12)
    error = randn(*once.out.shape, seed=21)
    (e, changes), (e_folded, expected) = layer.wanted(once, error), layer.wanted(folded, error.flatten(1, 2))
    torch.testing.assert_close(e.flatten(1, 2), e_folded, rtol=1e-12, atol=1e-12)
    for key, change in changes.items():
        torch.testing.assert_close(change.dense(), expected[key].dense(), rtol=1e-10, atol=1e-12)
    below, _ = layer.give_back(once, e, p["l/weight"])
    torch.testing.assert_close(
        below.flatten(1, 2), layer.give_back(folded, e_folded, p["l/weight"])[0], rtol=1e-10, atol=1e-12
    )


def test_give_back_uses_the_matrix_it_is_given() -> None:
    """By hand: ``error F`` and not ``error W``."""
    layer = Layer("l", DenseConnection((2,), (1,)), Tanh())
    trace = layer.forward(Scope({"l/weight": torch.tensor([[[3.0, 4.0]]])}), torch.zeros(1, 1, 2))
    below, _ = layer.give_back(trace, torch.tensor([[[2.0]]]), torch.tensor([[[-1.0, 5.0]]]))
    assert below.tolist() == [[[-2.0, 10.0]]]


def test_changes_point_down_the_loss_and_are_added_at_the_replicas_rate() -> None:
    layer = Layer("l", DenseConnection((2,), (1,)), Tanh(), bias=True)
    p = {"l/weight": torch.zeros(2, 1, 2), "l/bias": torch.zeros(2, 1)}
    x = torch.tensor([[[1.0, 2.0], [3.0, -1.0]]])
    trace = layer.forward(Scope(p), x)  # every current 0, slope 1
    _, changes = layer.wanted(trace, torch.tensor([[[1.0], [2.0]], [[-1.0], [0.5]]]))
    assert changes["l/weight"].dense().tolist() == [[[7.0, 0.0]], [[0.5, -2.5]]]
    assert changes["l/bias"].dense().tolist() == [[3.0], [-0.5]]
    for key in p:
        changes[key].add_to(p[key], torch.tensor([1.0, 2.0]))
    assert p["l/weight"].tolist() == [[[7.0, 0.0]], [[1.0, -5.0]]] and p["l/bias"].tolist() == [[3.0], [-1.0]]


def test_outer_sums_over_its_pairs() -> None:
    c = DenseConnection((2,), (1,))
    pairs = tuple((randn(1, 3, 2, seed=i), randn(2, 3, 1, seed=i + 5)) for i in range(3))
    expected = torch.stack([torch.einsum("rbo,rbi->roi", post, pre.expand(2, -1, -1)) for pre, post in pairs]).sum(0)
    change = Outer(c, pairs)
    torch.testing.assert_close(change.dense(), expected)
    w = torch.zeros(2, 1, 2, dtype=torch.float64)
    change.add_to(w, torch.tensor([1.0, 10.0], dtype=torch.float64))
    torch.testing.assert_close(w, expected * torch.tensor([1.0, 10.0]).view(2, 1, 1))


def test_leaves_and_buffers_of_a_layer() -> None:
    layer = full_conv()
    assert {key: leaf.shape for key, leaf in layer.leaves.items()} == {
        "l/weight": (3, 2, 3, 3),
        "l/bias": (3,),
        "l/before/gain": (2,),
        "l/before/shift": (2,),
        "l/norm/gain": (3,),
        "l/norm/shift": (3,),
    }
    assert {key: leaf.shape for key, leaf in layer.buffers.items()} == {
        "l/before/mean": (2,),
        "l/before/variance": (2,),
        "l/norm/mean": (3,),
        "l/norm/variance": (3,),
    }
    assert layer.leaves["l/weight"].fan_in == 18 and layer.leaves["l/bias"].init == Init("zero")
    assert layer.out_shape == (3, 3, 4)
    plain = Layer("l", DenseConnection((2,), (3,)), Tanh(), init=Init("normal", 2.0))
    assert set(plain.leaves) == {"l/weight"} and plain.leaves["l/weight"].init == Init("normal", 2.0)
    assert plain.mirror_init == Init("normal", 2.0)
