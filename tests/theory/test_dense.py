"""Dense networks: closed form without noise, plain iteration with it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from plain_averages import averages, binomial, iterate
from scipy.special import erf

from bioplaus.theory.dense import capacity, solve
from bioplaus.theory.elementary import variance_factor

STORING = [(1.0, 1.0)]


def iterated(
    P: int, gamma: float, T: float, law: list[tuple[float, float]] = STORING, factor: float = 1.0
) -> tuple[float, float, float]:
    """Return m, x and q by plain iteration from the archetype."""

    def step(now: np.ndarray) -> tuple[float, float, float]:
        return averages(
            law, now[1] ** (P - 1), math.sqrt(gamma * factor * math.factorial(P - 1) * now[2] ** (P - 1)), T
        )

    return tuple(iterate(step, (1.0, 1.0, 1.0), most=1500))


@pytest.mark.parametrize(("gamma", "m"), [(0.01, 0.999955), (0.02, 0.995613), (0.03, 0.966857)])
def test_published_states_without_noise(gamma: float, m: float) -> None:
    found = solve(4, gamma)
    assert found.m == found.x == pytest.approx(m, abs=6e-7)
    assert found.m == pytest.approx(math.erf(found.m**3 / math.sqrt(12 * gamma)), abs=1e-13)
    assert found.q == 1 and found.residual < 1e-12


@pytest.mark.parametrize(("P", "published", "m"), [(3, 0.126095, 0.8385), (4, 0.032977, 0.9179), (10, None, None)])
def test_capacity_without_noise(P: int, published: float | None, m: float | None) -> None:
    t = np.linspace(0.5, 5, 2_000_001)  # m = erf(t/sqrt 2) turns the equation into gamma(t)
    gamma = (erf(t / math.sqrt(2)) ** (P - 1) / t) ** 2 / math.factorial(P - 1)
    edge = capacity(P)
    assert edge == pytest.approx(gamma.max(), rel=1e-11)
    assert solve(P, edge * (1 - 1e-11)).m == pytest.approx(erf(t[gamma.argmax()] / math.sqrt(2)), abs=2e-5)
    assert solve(P, edge * (1 + 1e-9)).m == 0
    if published:
        assert edge == pytest.approx(published, abs=6e-7) and solve(P, edge).m == pytest.approx(m, abs=6e-5)


@pytest.mark.parametrize(("P", "gamma", "T"), [(3, 0.05, 0.3), (4, 0.03, 0.1), (3, 0.05, 0.5), (3, 1e-6, 0.5)])
def test_states_with_noise_are_those_of_plain_iteration(P: int, gamma: float, T: float) -> None:
    found = solve(P, gamma, T)
    assert (found.m, found.x, found.q) == pytest.approx(iterated(P, gamma, T), abs=1e-9)
    assert found.m > 0.5


@pytest.mark.parametrize(("P", "T"), [(3, 0.3), (3, 0.55), (4, 0.1)])
def test_plain_iteration_keeps_and_loses_the_pattern_on_the_two_sides_of_the_capacity(P: int, T: float) -> None:
    edge = capacity(P, T)
    assert iterated(P, edge * 0.97, T)[0] == pytest.approx(solve(P, edge * 0.97, T).m, abs=1e-7)
    assert iterated(P, edge * 1.02, T)[0] < 1e-6
    assert solve(P, edge * (1 - 1e-9), T).m > 0.5 > solve(P, edge * (1 + 1e-9), T).m == 0


def test_no_temperature_is_the_limit_of_low_ones() -> None:
    assert capacity(3, 1e-6) == pytest.approx(capacity(3), abs=1e-6)
    assert solve(4, 0.02, 1e-6).m == pytest.approx(solve(4, 0.02).m, abs=1e-6)


@pytest.mark.parametrize("P", [3, 4])
def test_retrieval_ends_where_it_ends_without_load(P: int) -> None:
    m = np.linspace(1e-3, 1 - 1e-9, 400_001)
    critical = (m ** (P - 1) / np.arctanh(m)).max()  # the highest T with a root of m = tanh(m^(P-1)/T)
    assert capacity(P, critical + 1e-6) == 0 < capacity(P, critical - 1e-3)
    assert solve(P, 0, critical + 1e-6).m == 0 < solve(P, 0, critical - 1e-6).m


@pytest.mark.parametrize("learning", ["supervised", "unsupervised"])
def test_learning_from_examples(learning: str) -> None:
    P, gamma, T, M, r = 4, 0.01, 0.1, 20, 0.7
    factor = variance_factor(P, M, r) if learning == "unsupervised" else 1.0
    found = solve(P, gamma, T, learning=learning, M=M, r=r, law="binomial")
    assert (found.m, found.x, found.q) == pytest.approx(iterated(P, gamma, T, binomial(M, r), factor), abs=1e-9)
    assert 0 < found.x < found.m < solve(P, gamma, T).m


def test_a_missing_teacher_divides_the_load_by_the_variance_factor() -> None:
    taught, untaught = (capacity(4, 0.1, learning=learning, M=20, r=0.6) for learning in ("supervised", "unsupervised"))
    assert taught == pytest.approx(untaught * variance_factor(4, 20, 0.6), rel=1e-10)


def test_gaussian_law_without_noise() -> None:
    rho = (1 - 0.36) / (20 * 0.36)

    def step(now: np.ndarray) -> list[float]:  # u = (1 + sqrt(rho) Z)/sqrt(1 + rho) and z are one normal variable
        x = float(now[0])
        signal, spread = x**3 / math.sqrt(1 + rho), math.sqrt(x**6 * rho / (1 + rho) + 6 * 0.01)
        mean, slope = (
            math.erf(signal / spread / math.sqrt(2)),
            math.sqrt(2 / math.pi) / spread * math.exp(-(signal**2) / spread**2 / 2),
        )
        return [mean / math.sqrt(1 + rho) + rho / (1 + rho) * x**3 * slope]

    assert solve(4, 0.01, learning="supervised", M=20, r=0.6).x == pytest.approx(
        float(iterate(step, [1.0])[0]), abs=1e-12
    )


def test_perfect_examples_are_storing() -> None:
    assert solve(3, 0.05, 0.3, learning="unsupervised", M=5, r=1.0).m == pytest.approx(solve(3, 0.05, 0.3).m, abs=1e-13)


@pytest.mark.parametrize(("gamma", "T"), [(2.0, 0.3), (0.2, 0.3), (0.2, 0.0)])
def test_glass_beyond_the_capacity(gamma: float, T: float) -> None:
    found = solve(3, gamma, T)
    assert found.m == found.x == 0
    frozen = iterate(lambda q: averages(STORING, 0, math.sqrt(2 * gamma) * float(q), T)[2], 1.0) if T else 1.0
    assert found.q == pytest.approx(float(frozen), abs=1e-9)
