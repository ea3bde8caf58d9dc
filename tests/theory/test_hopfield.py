"""The Hopfield network at high load: published values, plain iteration, stationary free energy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from plain_averages import WEIGHT, Z, averages, iterate
from scipy.optimize import minimize_scalar
from scipy.special import erf

from bioplaus.theory import hopfield

STORING = [(1.0, 1.0)]


def iterated(alpha: float, T: float, start: tuple[float, float], most: int = 4000) -> tuple[float, float, float]:
    """Return m, q and R by plain iteration."""

    def step(now: np.ndarray) -> tuple[float, float]:
        m, q = now
        m, _, q = averages(STORING, m, math.sqrt(alpha * q) / (1 - (1 - q) / T), T)
        return m, q

    m, q = iterate(step, start, most=most)
    return m, q, q / (1 - (1 - q) / T) ** 2


def published_free_energy(at: np.ndarray, alpha: float, T: float) -> float:
    """Return the free energy in the usual form, at m, q and R, on a plain grid."""
    m, q, R = at
    C = (1 - q) / T
    h = (m + math.sqrt(alpha * R) * Z) / T
    entropy = T * float(WEIGHT @ (np.abs(h) + np.log1p(np.exp(-2 * np.abs(h)))))
    noise = alpha * R * (1 - q) / T / 2 + alpha * T / 2 * (math.log(1 - C) - q / T / (1 - C))
    return m**2 / 2 + alpha / 2 + noise - entropy


@pytest.mark.parametrize(
    ("alpha", "m", "C", "R"),
    [
        (0.05, 0.999992, 0.000163, 1.000325),
        (0.08, 0.999557, 0.005856, 1.011815),
        (0.10, 0.997999, 0.020858, 1.043059),
        (0.12, 0.993223, 0.055662, 1.121359),
        (0.13, 0.987212, 0.090728, 1.209519),
    ],
)
def test_published_states_without_noise(alpha: float, m: float, C: float, R: float) -> None:
    found = hopfield.solve(alpha, 0)
    assert (found.m, found.C, found.R) == pytest.approx((m, C, R), abs=6e-7)
    assert found.q == 1 and found.residual < 1e-12
    y = found.m / math.sqrt(2 * alpha * found.R)
    assert y * (math.sqrt(2 * alpha) + 2 / math.sqrt(math.pi) * math.exp(-(y**2))) == pytest.approx(
        math.erf(y), abs=1e-13
    )


@pytest.mark.parametrize(
    ("alpha", "T", "m", "q", "R"),
    [
        (0.01, 0.3, 0.996732, 0.993481, 1.03811),
        (0.05, 0.3, 0.991165, 0.982961, 1.10491),
        (0.10, 0.3, 0.953020, 0.933070, 1.54591),
        (0.05, 0.5, 0.904106, 0.833358, 1.87478),
        (0.08, 0.5, 0.0, 0.617615, 11.16174),
    ],
)
def test_states_with_noise_are_those_of_plain_iteration(alpha: float, T: float, m: float, q: float, R: float) -> None:
    found = hopfield.solve(alpha, T)
    assert (found.m, found.q) == pytest.approx((m, q), abs=6e-7)
    assert pytest.approx(R, abs=6e-6) == found.R
    assert (found.m, found.q, found.R) == pytest.approx(iterated(alpha, T, (1.0, 0.99)), abs=1e-8)
    assert pytest.approx((1 - found.q) / T) == found.C


@pytest.mark.parametrize(("alpha", "T"), [(0.05, 0.3), (0.1, 0.3), (0.08, 0.5), (0.1, 1.1)])
def test_solutions_are_stationary_points_of_the_published_free_energy(alpha: float, T: float) -> None:
    found = hopfield.solve(alpha, T)
    at = np.array([found.m, found.q, found.R])
    assert found.free_energy == pytest.approx(published_free_energy(at, alpha, T), abs=1e-10)
    for step in 1e-5 * np.eye(3):
        rise = published_free_energy(at + step, alpha, T) - published_free_energy(at - step, alpha, T)
        assert abs(rise) / 2e-5 < 1e-7


@pytest.mark.parametrize("alpha", [0.05, 0.13, 0.3])
def test_no_temperature_is_the_limit_of_low_ones(alpha: float) -> None:
    cold, none = hopfield.solve(alpha, 1e-5), hopfield.solve(alpha, 0)
    for name in ("m", "q", "R", "C", "free_energy"):
        assert getattr(cold, name) == pytest.approx(getattr(none, name), abs=3e-5)


def test_capacity_without_noise() -> None:
    fold = minimize_scalar(
        lambda y: -((erf(y) / y - 2 / math.sqrt(math.pi) * math.exp(-(y**2))) ** 2) / 2, bounds=(1, 2)
    )
    assert hopfield.capacity() == pytest.approx(0.1379055665, abs=6e-11)
    assert hopfield.capacity() == pytest.approx(-fold.fun, abs=1e-12)
    assert hopfield.solve(0.1379055664949, 0).m == pytest.approx(0.9674171157, abs=1e-5)  # m turns like a square root
    assert hopfield.solve(0.1379055664950, 0).m == 0


@pytest.mark.parametrize("T", [0.05, 0.3, 0.7])
def test_plain_iteration_keeps_and_loses_the_pattern_on_the_two_sides_of_the_capacity(T: float) -> None:
    edge = hopfield.capacity(T)
    assert iterated(edge * 0.99, T, (1.0, 1.0))[0] == pytest.approx(hopfield.solve(edge * 0.99, T).m, abs=1e-8)
    assert iterated(edge * 1.02, T, (1.0, 1.0))[0] < 1e-6
    assert hopfield.solve(edge * (1 - 1e-9), T).m > 0.4 * hopfield.solve(0, T).m
    assert hopfield.solve(edge * (1 + 1e-9), T).m == 0 < hopfield.solve(edge, T).m


def test_capacity_ends_at_the_critical_temperature_of_few_patterns() -> None:
    assert hopfield.capacity(0.999) == pytest.approx(0.26e-6, rel=0.02)  # like (1 - T)^2
    assert hopfield.capacity(1) == hopfield.capacity(2) == 0


def test_retrieval_temperature() -> None:
    assert hopfield.retrieval_temperature(0.05) == pytest.approx(0.542255, abs=6e-7)
    assert hopfield.retrieval_temperature(0) == 1
    assert hopfield.retrieval_temperature(0.14) == 0
    reentrant = hopfield.retrieval_temperature(0.138)  # above the capacity at T = 0
    assert hopfield.solve(0.138, 0).m == 0 < hopfield.solve(0.138, reentrant - 1e-3).m
    assert hopfield.solve(0.138, reentrant + 1e-3).m == 0


@pytest.mark.parametrize("alpha", [0.0, 1e-10, 0.05, 2.0])
def test_energy_of_the_spin_glass(alpha: float) -> None:
    assert hopfield.spin_glass(alpha, 0).free_energy == pytest.approx(
        -1 / math.pi - math.sqrt(2 * alpha / math.pi), abs=1e-14
    )


def test_spin_glass_begins_at_its_temperature() -> None:
    assert hopfield.spin_glass_temperature(0.1) == pytest.approx(1.316227766)
    assert hopfield.spin_glass(0.1, 1.3163).q == 0
    assert 0 < hopfield.spin_glass(0.1, 1.3162).q < 1e-4
    assert hopfield.spin_glass(0.1, 0.8).q == pytest.approx(iterated(0.1, 0.8, (0.0, 0.5))[1], abs=1e-9)
    assert hopfield.spin_glass(0.1, 0.3).m == 0 < hopfield.solve(0.1, 0.3).m


def test_paramagnet_has_the_free_energy_of_independent_modes() -> None:
    found = hopfield.solve(0.1, 1.5)  # ln Z of K Gaussian fields, and the self-terms taken off
    assert found.free_energy == pytest.approx(-1.5 * math.log(2) + 0.05 + 0.05 * 1.5 * math.log(1 - 1 / 1.5), abs=1e-14)
    assert (found.m, found.q, found.R, found.C) == pytest.approx((0, 0, 0, 1 / 1.5))


def test_patterns_are_ground_states_below_the_crossing() -> None:
    crossing = hopfield.ground_state_crossing()
    assert crossing == pytest.approx(0.051, abs=1e-3)
    for alpha, lower in ((crossing - 1e-6, True), (crossing + 1e-6, False)):
        found = hopfield.solve(alpha, 0)
        energy = (
            -(found.m**2) / 2 - alpha * (found.R - 1) / 2
        )  # of the pattern, and of the R/N by which each of the others has m^2
        assert found.free_energy == pytest.approx(energy, abs=1e-13)
        assert (energy < -1 / math.pi - math.sqrt(2 * alpha / math.pi)) == lower


def test_no_load_is_the_ferromagnet() -> None:
    assert hopfield.solve(0, 0.5).m == pytest.approx(0.9575040241, abs=6e-11)
    assert hopfield.solve(1e-12, 0.5).m == pytest.approx(0.9575040241, abs=1e-9)
    assert hopfield.solve(0, 0).m == hopfield.solve(1e-200, 0).m == 1
    assert hopfield.solve(0, 1.2).m == 0
