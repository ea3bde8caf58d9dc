"""The ferromagnet: the table, all roots by a scan, sums over states."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bioplaus.theory.curie_weiss import finite_size, free_energy, magnetisation, susceptibility


@pytest.mark.parametrize(
    ("T", "h", "m"),
    [
        (0.5, 0, 0.9575040241),
        (0.2, 0, 0.9999091217),
        (0.8, 0, 0.7104117835),
        (0.95, 0, 0.3794852067),
        (0.5, 0.1, 0.9730156867),
        (1.0, 0.1, 0.6118115549),
        (1.5, 0.1, 0.1926826423),
    ],
)
def test_table(T: float, h: float, m: float) -> None:
    assert magnetisation(T, h) == pytest.approx(m, abs=6e-11)


@pytest.mark.parametrize("h", [-2.0, -0.3, -0.05, 0.0, 0.2])
@pytest.mark.parametrize("T", [0.1, 0.6, 0.9, 1.0, 2.0])
def test_largest_root(T: float, h: float) -> None:
    m = np.linspace(-1 - 1e-7, 1 + 1e-7, 2_000_002)
    excess = np.tanh((m + h) / T) - m
    last = np.flatnonzero(excess[:-1] * excess[1:] <= 0)[-1]
    assert magnetisation(T, h) == pytest.approx(m[last], abs=2e-6)


def test_ends_of_the_temperature_scale() -> None:
    assert magnetisation(0) == magnetisation(0, -0.9) == magnetisation(1e-300) == 1
    assert magnetisation(0, -1.1) == -1
    assert magnetisation(1) == magnetisation(3) == 0
    assert magnetisation(1 - 1e-10) == pytest.approx(math.sqrt(3e-10), rel=1e-4)


@pytest.mark.parametrize(("T", "h"), [(0.5, 0.2), (1.5, -0.4), (0.9, 0.01)])
def test_derivatives_by_the_field(T: float, h: float) -> None:
    slope = (free_energy(T, h + 1e-5) - free_energy(T, h - 1e-5)) / 2e-5
    assert -slope == pytest.approx(magnetisation(T, h), abs=1e-8)
    assert susceptibility(T, h) == pytest.approx(
        (magnetisation(T, h + 1e-5) - magnetisation(T, h - 1e-5)) / 2e-5, rel=1e-5
    )


def test_closed_forms() -> None:
    assert free_energy(2.0) == pytest.approx(-2 * math.log(2))
    assert free_energy(0, -0.3) == pytest.approx(-0.8)
    assert susceptibility(3) == pytest.approx(0.5)  # Curie-Weiss law
    assert susceptibility(1) == math.inf and susceptibility(0) == 0


@pytest.mark.parametrize(
    ("N", "T", "absolute", "square"),
    [(10, 1, 0.5063645113, 0.3469438827), (50, 0.5, 0.9524424711, 0.9094800666), (50, 1, 0.3406627351, 0.1604870021)],
)
def test_finite_size_table(N: int, T: float, absolute: float, square: float) -> None:
    assert finite_size(N, T) == pytest.approx((absolute, square), abs=6e-11)


@pytest.mark.parametrize(("N", "T", "h"), [(1, 0.7, 0.0), (5, 0.7, 0.3), (8, 3.0, 0.0), (8, 1.2, -0.2)])
def test_finite_size_is_the_sum_over_states(N: int, T: float, h: float) -> None:
    m = [sum(s) / N for s in itertools.product([-1, 1], repeat=N)]
    weight = [math.exp(N * (x**2 / 2 + h * x) / T) for x in m]
    expected = [sum(w * abs(x) ** k for w, x in zip(weight, m)) / sum(weight) for k in (1, 2)]
    assert finite_size(N, T, h) == pytest.approx(expected, rel=1e-12)


def test_many_spins_are_the_mean_field() -> None:
    assert finite_size(100_000, 0.5)[0] == pytest.approx(magnetisation(0.5), abs=1e-5)
    assert finite_size(100_000, 2.0)[1] * 100_000 == pytest.approx(1 / (1 - 1 / 2), rel=1e-3)  # N <m^2> = T chi
    assert finite_size(7, 0) == (1, 1) == pytest.approx(finite_size(7, 1e-3))
