"""The counts of table 2 of Kao & Hariharan 2024, per sample at batch 32, and the closed forms behind them."""

from __future__ import annotations

import itertools

import pytest

from bioplaus.experiments.ccl_flops import count

MNIST, CIFAR = ((1, 28, 28), [256] * 5), ((3, 32, 32), [1024] * 3)


@pytest.mark.parametrize(
    ("rule", "task", "published"),
    [("bp", MNIST, 2.39104e6), ("ccl", MNIST, 2.551552e6), ("bp", CIFAR, 25.227264e6), ("ccl", CIFAR, 27.88608e6)],
)
def test_published_counts(rule: str, task: tuple[tuple[int, ...], list[int]], published: float) -> None:
    assert count(rule, *task) == published


@pytest.mark.parametrize("batch", [1, 5, 32])
@pytest.mark.parametrize("hidden", [[], [7], [9, 4, 6]])
def test_closed_forms(hidden: list[int], batch: int) -> None:
    """Backprop: forward, weight gradients, and no error below the first layer; ccl: two passes, two changes, and the pair products."""
    widths = [12, *hidden, 10]
    weights = [pre * post for pre, post in itertools.pairwise(widths)]
    assert count("bp", (12,), hidden, batch) == 4 * sum(weights) + 2 * (sum(weights) - weights[0])
    assert count("top", (12,), hidden, batch) == 2 * sum(weights) + 2 * weights[-1]
    classes, top = 10, len(widths) - 1
    pairs = 2 * classes * (2 * sum(widths[:top]) + sum(widths[1:top]))
    assert count("ccl", (12,), hidden, batch) == pytest.approx(4 * sum(weights) * (1 + classes / batch) + pairs, rel=1e-12)
