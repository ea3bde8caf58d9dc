"""How weights start: bounds, variances, orthogonality, constants."""

from __future__ import annotations

import math

import pytest
import torch

from bioplaus.errors import ConfigError
from bioplaus.leaves import Init, Leaf
from bioplaus.streams import Streams

DOUBLE = Streams((1, 2), dtype=torch.float64)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_uniform_bound_and_variance(scale: float) -> None:
    fan_in, shape = 25, (400, 25)
    w = Leaf(shape, fan_in, Init("uniform", scale)).draw("w", DOUBLE)
    bound = scale / math.sqrt(fan_in)
    assert w.abs().max() <= bound and w.abs().max() > 0.999 * bound and w.min() < -0.999 * bound
    n = w.numel()
    # U(-b, b): variance b^2 / 3, fourth moment b^4 / 5
    assert abs(w.mean()) < 5 * bound / math.sqrt(3 * n)
    assert abs(w.square().mean() - bound**2 / 3) < 5 * bound**2 * math.sqrt((1 / 5 - 1 / 9) / n)


def test_normal_variance_is_one_over_fan_in() -> None:
    fan_in, scale = 25, 3.0
    w = Leaf((400, 25), fan_in, Init("normal", scale)).draw("w", DOUBLE)
    target, n = scale**2 / fan_in, w.numel()
    assert abs(w.mean()) < 5 * math.sqrt(target / n)
    assert abs(w.square().mean() - target) < 5 * target * math.sqrt(2 / n)
    assert w.abs().max() > 3 * math.sqrt(target)  # tails, which a uniform draw of that variance lacks


@pytest.mark.parametrize("kind", ["truncated", "truncated_fan_in"])
def test_truncated_normal_against_scipy(kind: str) -> None:
    """All within two deviations, distributed as SciPy's truncnorm, and the spread that a leaf states."""
    from scipy import stats

    leaf = Leaf((400, 25), 25, Init(kind, 0.1))
    w, sigma = leaf.draw("w", DOUBLE), 0.1 if kind == "truncated" else 0.02
    assert w.abs().max() <= 2 * sigma and w.abs().max() > 1.99 * sigma
    assert stats.kstest((w / sigma).flatten().numpy(), stats.truncnorm(-2, 2).cdf).pvalue > 0.01
    assert leaf.std == pytest.approx(sigma * stats.truncnorm(-2, 2).std(), rel=1e-9)
    assert not torch.equal(w[0], w[1])


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (4, 3, 3, 3), (30, 2, 3, 3)])
@pytest.mark.parametrize("scale", [1.0, 0.001])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...], scale: float) -> None:
    w = Leaf(shape, 1, Init("orthogonal", scale)).draw("w", DOUBLE)
    assert w.shape == (2, *shape) and w.is_contiguous()
    for replica in w:
        m = replica.flatten(1) / scale
        gram = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
        torch.testing.assert_close(gram, torch.eye(len(gram), dtype=torch.float64), rtol=0, atol=1e-12)


def test_orthogonal_is_uniform_over_orthogonal_matrices() -> None:
    """Under the uniform law the trace of a 2x2 has mean 0 and variance 1, and either determinant is as likely."""
    w = Leaf((2, 2), 2, Init("orthogonal")).draw("w", Streams(tuple(range(1500)), dtype=torch.float64))
    trace = w.diagonal(dim1=1, dim2=2).sum(1)
    # trace is 0 for reflections, 2 cos(angle) for rotations: fourth moment 16 * 3/8 / 2 = 3
    assert abs(trace.mean()) < 5 / math.sqrt(1500)
    assert abs(trace.square().mean() - 1) < 5 * math.sqrt((3 - 1) / 1500)
    assert abs((torch.linalg.det(w) > 0).double().mean() - 0.5) < 5 * 0.5 / math.sqrt(1500)


def test_constants_scale_and_dtype() -> None:
    streams = Streams((1, 2, 3))
    assert torch.equal(Leaf((2, 2), 4, Init("zero", 5.0)).draw("w", streams), torch.zeros(3, 2, 2))
    assert torch.equal(Leaf((4,), 4, Init("one", 0.5)).draw("w", streams), torch.full((3, 4), 0.5))
    assert Leaf((4,), 4, Init("one")).draw("w", DOUBLE).dtype == torch.float64
    assert Leaf((0, 5), 1, Init("zero")).draw("w", streams).shape == (3, 0, 5)


@pytest.mark.parametrize("kind", ["uniform", "normal", "orthogonal"])
def test_draws_are_keyed_by_the_leaf_and_the_seed(kind: str) -> None:
    leaf = Leaf((3, 4), 4, Init(kind))
    pack = leaf.draw("a", Streams((5, 6)))
    assert torch.equal(pack[1:], leaf.draw("a", Streams((6,))))
    assert not torch.equal(pack[0], pack[1]) and not torch.equal(pack, leaf.draw("b", Streams((5, 6))))


def test_unknown_start_is_refused() -> None:
    with pytest.raises(ConfigError, match="'xavier'.*orthogonal"):
        Leaf((1,), 1, Init("xavier")).draw("w", Streams((1,)))
