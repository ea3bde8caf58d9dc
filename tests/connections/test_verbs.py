"""The three verbs of every connection against torch's own operators, the adjoint identities and arithmetic by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bioplaus.connections import Connection, Conv2dConnection, DenseConnection
from bioplaus.connections.conv2d import same_padding
from bioplaus.errors import ConfigError

REPLICAS = (1, 3)
LEADING = ((4,), (2, 3))  # batch, and time x batch


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def per_replica(a: Tensor, b: Tensor) -> Tensor:
    """Inner product of all but the replica axis."""
    return (a * b).flatten(1).sum(1)


def check_adjoints(c: Connection, replicas: int, pre_replicas: int, leading: tuple[int, ...]) -> None:
    """``<send(w, x), y> = <x, give_back(w, y)> = <w, correlate(x, y)>`` for each replica, and the shapes."""
    w = randn(replicas, *c.weight_shape, seed=1)
    x = randn(pre_replicas, *leading, *c.in_shape, seed=2)
    y = randn(replicas, *leading, *c.out_shape, seed=3)
    sent, back, product = c.send(w, x), c.give_back(w, y), c.correlate(x, y)
    assert sent.shape == y.shape and product.shape == w.shape and back.shape == (replicas, *leading, *c.in_shape)
    value = per_replica(sent, y)
    torch.testing.assert_close(per_replica(x.expand_as(back), back), value, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(per_replica(w, product), value, rtol=1e-10, atol=1e-10)


def check_accumulate(c: Connection, replicas: int, pre_replicas: int, leading: tuple[int, ...]) -> None:
    """``accumulate`` adds ``rate * correlate`` in place, a rate for each replica."""
    w = randn(replicas, *c.weight_shape, seed=1)
    x = randn(pre_replicas, *leading, *c.in_shape, seed=2)
    y = randn(replicas, *leading, *c.out_shape, seed=3)
    rate = torch.arange(1, replicas + 1, dtype=torch.float64) * 0.3
    kept = [t.clone() for t in (w, x, y, rate)]
    expected = torch.stack([w[r] + rate[r] * c.correlate(x, y)[r] for r in range(replicas)])
    c.accumulate(w, x, y, rate)
    torch.testing.assert_close(w, expected, rtol=1e-12, atol=1e-12)
    for now, before in zip((x, y, rate), kept[1:]):
        assert torch.equal(now, before)


@pytest.mark.parametrize("leading", LEADING)
@pytest.mark.parametrize(("replicas", "pre_replicas"), [(1, 1), (3, 3), (3, 1)])
def test_dense_adjoints_and_accumulate(replicas: int, pre_replicas: int, leading: tuple[int, ...]) -> None:
    c = DenseConnection((5,), (2,))
    check_adjoints(c, replicas, pre_replicas, leading)
    check_accumulate(c, replicas, pre_replicas, leading)


@pytest.mark.parametrize("leading", LEADING)
@pytest.mark.parametrize(("replicas", "pre_replicas"), [(1, 1), (3, 3), (3, 1)])
def test_dense_sends_what_linear_sends(replicas: int, pre_replicas: int, leading: tuple[int, ...]) -> None:
    c = DenseConnection((5,), (2,))
    w, x = randn(replicas, 2, 5, seed=1), randn(pre_replicas, *leading, 5, seed=2)
    expected = torch.stack([F.linear(x[r % pre_replicas], w[r]) for r in range(replicas)])
    torch.testing.assert_close(c.send(w, x), expected, rtol=1e-12, atol=1e-12)


def test_dense_by_hand() -> None:
    c = DenseConnection((2,), (3,))
    w = torch.tensor([[[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]]])
    x, y = torch.tensor([[[1.0, 2.0], [-1.0, 4.0]]]), torch.tensor([[[1.0, 0.0, 2.0], [0.5, -1.0, 0.0]]])
    assert c.send(w, x).tolist() == [[[5.0, -2.0, 4.0], [7.0, -4.0, -1.0]]]
    assert c.give_back(w, y).tolist() == [[[7.0, 3.0], [0.5, 2.0]]]
    assert c.correlate(x, y).tolist() == [[[0.5, 4.0], [1.0, -4.0], [2.0, 4.0]]]


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (DenseConnection((7,), (3,)), 7),
        (Conv2dConnection((3, 8, 8), 16, kernel=5), 75),
        (Conv2dConnection((4, 6, 6), 2, kernel=1), 4),
    ],
)
def test_fan_in_counts_the_synapses_of_one_unit(connection: Connection, expected: int) -> None:
    assert connection.fan_in == expected


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.one_of(st.just("same"), st.integers(0, 2), st.tuples(*[st.integers(0, 2)] * 4)),
    layout=st.sampled_from([(1, 1, (2,)), (3, 3, (2,)), (3, 1, (2,)), (3, 1, (2, 2)), (1, 1, (2, 2))]),
)
def test_conv_adjoints_for_any_geometry(
    channels: tuple[int, int],
    size: tuple[int, int],
    kernel: int,
    stride: int,
    padding: int | str | tuple[int, int, int, int],
    layout: tuple[int, int, tuple[int, ...]],
) -> None:
    try:
        c = Conv2dConnection((channels[0], *size), channels[1], kernel=kernel, stride=stride, padding=padding)
    except ConfigError:
        assert kernel > min(size)  # only a kernel larger than the bare image can fail to fit
        return
    check_adjoints(c, *layout)
    check_accumulate(c, *layout)


@pytest.mark.parametrize("leading", LEADING)
@pytest.mark.parametrize(("replicas", "pre_replicas"), [(1, 1), (3, 3), (3, 1)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, (0, 2, 1, 0), (1, 1, 2, 2)])
def test_conv_sends_what_conv2d_sends(
    replicas: int,
    pre_replicas: int,
    leading: tuple[int, ...],
    stride: int,
    padding: int | tuple[int, int, int, int],
) -> None:
    c = Conv2dConnection((2, 6, 7), 3, kernel=3, stride=stride, padding=padding)
    w, x = randn(replicas, 3, 2, 3, 3, seed=1), randn(pre_replicas, *leading, 2, 6, 7, seed=2)
    rim = (padding,) * 4 if isinstance(padding, int) else padding
    parts = [
        F.conv2d(F.pad(x[r % pre_replicas].reshape(-1, 2, 6, 7), rim), w[r], stride=stride) for r in range(replicas)
    ]
    expected = torch.stack(parts).unflatten(1, leading)
    assert expected.shape[-3:] == c.out_shape
    torch.testing.assert_close(c.send(w, x), expected, rtol=1e-12, atol=1e-12)


def test_conv_by_hand() -> None:
    c = Conv2dConnection((1, 3, 3), 1, kernel=2, padding=0)
    x = torch.arange(9.0).view(1, 1, 1, 3, 3)
    w = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 1, 1, 2, 2)
    y = torch.tensor([1.0, 0.0, 0.0, -1.0]).view(1, 1, 1, 2, 2)
    assert c.send(w, x).flatten().tolist() == [27.0, 37.0, 57.0, 67.0]
    assert c.give_back(w, y).flatten().tolist() == [1.0, 2.0, 0.0, 3.0, 3.0, -2.0, 0.0, -3.0, -4.0]
    assert c.correlate(x, y).flatten().tolist() == [-4.0, -4.0, -4.0, -4.0]


def test_same_padding_of_a_strided_kernel_is_asymmetric() -> None:
    c = Conv2dConnection((1, 28, 28), 1, kernel=5, stride=2)
    assert c.padding == (1, 2, 1, 2) and c.out_shape == (1, 14, 14)
    # a lone 1 in the kernel's corner reads the input from one position before the first
    corner = torch.zeros(1, 1, 1, 5, 5)
    corner[..., 0, 0] = 1
    x = torch.arange(784.0).view(1, 1, 1, 28, 28)
    out = c.send(corner, x)[0, 0, 0]
    assert out[0].tolist() == [0.0] * 14 and out[:, 0].tolist() == [0.0] * 14
    assert torch.equal(out[1:, 1:], x[0, 0, 0, 1:27:2, 1:27:2])


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(28, 5, 2, (1, 2)), (28, 3, 1, (1, 1)), (28, 4, 1, (1, 2)), (27, 3, 2, (1, 1)), (8, 1, 3, (0, 0)), (8, 2, 2, (0, 0))],
)
def test_same_padding_values(size: int, kernel: int, stride: int, expected: tuple[int, int]) -> None:
    assert same_padding(size, kernel, stride) == expected


@given(size=st.integers(1, 40), kernel=st.integers(1, 9), stride=st.integers(1, 5))
def test_same_padding_gives_ceil_size_over_stride_positions(size: int, kernel: int, stride: int) -> None:
    before, after = same_padding(size, kernel, stride)
    assert 0 <= before <= after <= before + 1
    positions = range(0, max(size + before + after - kernel, 0) + 1, stride)
    assert len(positions) == -(-size // stride)


def test_rectangular_images_pad_each_side_by_its_own_size() -> None:
    c = Conv2dConnection((1, 7, 8), 1, kernel=3, stride=2)
    assert c.padding == (0, 1, 1, 1) and c.out_shape == (1, 4, 4)


def test_geometry_errors_name_the_remedy() -> None:
    with pytest.raises(ConfigError, match="network=mlp"):
        Conv2dConnection((64,), 3)
    with pytest.raises(ConfigError, match="5x5 kernel does not fit an image of 2x9"):
        Conv2dConnection((1, 2, 9), 3, kernel=5, padding=1)
    with pytest.raises(ConfigError, match="'valid'"):
        Conv2dConnection((1, 9, 9), 3, padding="valid")
