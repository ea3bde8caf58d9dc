"""Many archetypes learnt from examples: the table, plain iteration, and the limits in which learning is storing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from plain_averages import averages, binomial, iterate

from bioplaus.theory.hopfield import HighLoad, capacity, high_load, solve

ROWS = [
    (0.05, 0.1, 0.6, 20, (0.97749, 0.95048), (0.97367, 0.94832)),
    (0.02, 0.2, 0.3, 60, (0.94525, 0.91334), (0.92327, 0.90146)),
    (0.03, 0.2, 0.8, 5, (0.94833, 0.93937), (0.94767, 0.93902)),
    (0.05, 0.2, 0.5, 40, (0.97425, 0.95121), (0.96793, 0.94696)),
]
GAUSSIAN_CAPACITY = [(0.01, 0.12912), (0.05, 0.09915), (0.1, 0.07154), (0.2, 0.03876)]


def iterated(alpha: float, T: float, r: float, M: int, learning: str) -> tuple[float, float, float, float]:
    """Return m, x, q and V of the binomial law by plain iteration from the archetype."""
    law, rho = binomial(M, r), (1 - r**2) / (M * r**2)
    lam = rho / (1 + rho)

    def noise(q: float) -> float:
        C = (1 - q) / T
        across = (M - 1) * lam**2 / (1 - lam * C) ** 2 if learning == "unsupervised" else 0
        return alpha * q * (1 / (1 - C) ** 2 + across)

    def step(now: np.ndarray) -> tuple[float, float, float]:
        return averages(law, now[1], math.sqrt(noise(now[2])), T)

    m, x, q = iterate(step, (1.0, 1.0, 1.0))
    return m, x, q, noise(q)


def mismatch(found: HighLoad, law: list[tuple[float, float]]) -> float:
    """Return by how much x and m miss the equations at T = 0."""
    s = math.sqrt(found.V)
    sign = [(p, u, math.erf(found.x * u / s / math.sqrt(2))) for p, u in law]
    return max(abs(sum(p * u * e for p, u, e in sign) - found.x), abs(sum(p * e for p, _, e in sign) - found.m))


@pytest.mark.parametrize(("alpha", "T", "r", "M", "supervised", "unsupervised"), ROWS)
def test_table(
    alpha: float, T: float, r: float, M: int, supervised: tuple[float, float], unsupervised: tuple[float, float]
) -> None:
    for learning, expected in (("supervised", supervised), ("unsupervised", unsupervised)):
        found = high_load(alpha, T, r=r, M=M, learning=learning)
        assert (found.m, found.x) == pytest.approx(expected, abs=6e-6)
        assert (found.m, found.x, found.q, found.V) == pytest.approx(iterated(alpha, T, r, M, learning), abs=1e-9)
        assert found.residual < 1e-12


def test_gaussian_law_errs_at_few_examples_and_is_the_limit_of_many() -> None:
    assert high_load(0.03, 0.2, r=0.8, M=5, learning="supervised", law="gaussian").m == pytest.approx(0.9711, abs=6e-5)
    gaps = []
    for M in (50, 200, 800):  # at one rho
        r = 1 / math.sqrt(1 + 0.05 * M)
        exact, limit = (
            high_load(0.03, 0.2, r=r, M=M, learning="supervised", law=law).m for law in ("binomial", "gaussian")
        )
        gaps.append(abs(exact - limit))
    assert gaps[0] > 3 * gaps[1] > 9 * gaps[2] > 0


@pytest.mark.parametrize("learning", ["storing", "supervised", "unsupervised"])
@pytest.mark.parametrize("law", ["binomial", "gaussian"])
def test_perfect_examples_are_storing(learning: str, law: str) -> None:
    found, stored = high_load(0.05, 0.3, r=1.0, M=7, learning=learning, law=law), solve(0.05, 0.3)
    assert (found.m, found.x, found.q, found.C) == pytest.approx((stored.m, stored.m, stored.q, stored.C), abs=1e-13)
    assert pytest.approx(0.05 * stored.R) == found.V


def test_one_example_needs_no_teacher() -> None:
    one, other = (high_load(0.01, 0.2, r=0.8, M=1, learning=learning) for learning in ("supervised", "unsupervised"))
    assert one.m == other.m > 0 and one.V == other.V
    assert one.m == pytest.approx(0.8 * one.x)  # what is retrieved is the example


def test_no_load_is_the_low_load_solution() -> None:
    found = high_load(0, 0.5, r=0.3, M=20, learning="unsupervised")
    assert found.m == pytest.approx(0.68172579, abs=6e-9)
    assert found.x / math.sqrt(1 + found.rho) == pytest.approx(0.61805255, abs=6e-9)
    assert high_load(1e-9, 0.5, r=0.3, M=20).m == pytest.approx(found.m, abs=1e-6)


@pytest.mark.parametrize(("alpha", "M"), [(0.02, 20), (1e-3, 4), (1e-6, 4), (0.004, 5)])
def test_no_temperature(alpha: float, M: int) -> None:
    """With an even M some entries vanish, and those neurons stay noisy at any load."""
    found = high_load(alpha, 0, r=0.6, M=M)
    assert mismatch(found, binomial(M, 0.6)) < 1e-12 < found.m
    assert math.sqrt(alpha) == pytest.approx(math.sqrt(found.V) * (1 - found.C), abs=1e-12)
    assert high_load(alpha, 1e-6, r=0.6, M=M).m == pytest.approx(found.m, abs=1e-4)


def test_nothing_is_retrieved_beyond_the_capacity() -> None:
    edge = capacity(0.1, learning="unsupervised", M=20, r=0.6, law="binomial")
    inside, outside = (high_load(edge * factor, 0.1, r=0.6, M=20, learning="unsupervised") for factor in (0.999, 1.001))
    assert inside.m > 0.8 and (outside.m, outside.x) == (0, 0)
    assert pytest.approx((1 - outside.q) / 0.1) == outside.C
    lam = inside.rho / (1 + inside.rho)
    factor = 1 / (1 - outside.C) ** 2 + 19 * lam**2 / (1 - lam * outside.C) ** 2
    assert pytest.approx(outside.alpha * outside.q * factor, rel=1e-10) == outside.V
    assert averages([(1.0, 1.0)], 0, math.sqrt(outside.V), 0.1)[2] == pytest.approx(outside.q, abs=1e-10)


@pytest.mark.parametrize(("rho", "expected"), GAUSSIAN_CAPACITY)
def test_capacity_falls_with_the_entropy_of_the_examples(rho: float, expected: float) -> None:
    for M in (1, 30):  # supervised: rho alone counts
        r = 1 / math.sqrt(1 + rho * M)
        assert capacity(learning="supervised", M=M, r=r) == pytest.approx(expected, abs=6e-6)


@pytest.mark.parametrize(("r", "expected"), [(0.3, (0.07103, 0.05262)), (0.5, (0.11315, 0.10770))])
def test_capacity_with_and_without_a_teacher(r: float, expected: tuple[float, float]) -> None:
    found = [capacity(learning=learning, M=100, r=r) for learning in ("supervised", "unsupervised")]
    assert found == pytest.approx(expected, abs=6e-6)
