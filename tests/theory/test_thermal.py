"""Averages of one spin are exact from the smooth to the sharp end."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad

from bioplaus.theory.thermal import log_cosh, response


def expected(function: Callable[[float], float], A: float, S: float, T: float) -> float:
    """Return ``E f((A + S z)/T)`` by adaptive integration around the kink."""
    kinks = [z for step in (-30, -5, 0, 5, 30) if abs(z := (-A + step * T) / S) < 8.9]
    density = lambda z: math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    return quad(
        lambda z: density(z) * function((A + S * z) / T), -9, 9, points=kinks, epsabs=1e-13, epsrel=1e-12, limit=400
    )[0]


@pytest.mark.parametrize("A", [0.0, 0.3, -2.0])
@pytest.mark.parametrize(("S", "T"), [(0.5, 0.5), (0.5001, 0.5), (0.01, 0.3), (2.0, 0.5), (0.3, 0.01), (1.0, 1e-5)])
def test_averages_are_those_of_adaptive_integration(A: float, S: float, T: float) -> None:
    mean, square, slope = (value[0] for value in response(np.array([A]), S, T))
    assert mean == pytest.approx(expected(math.tanh, A, S, T), abs=1e-12)
    assert square == pytest.approx(expected(lambda h: math.tanh(h) ** 2, A, S, T), abs=1e-12)
    sech2 = lambda h: 1 / math.cosh(min(abs(h), 300)) ** 2  # noqa: E731
    assert slope * T == pytest.approx(expected(sech2, A, S, T), abs=1e-12)
    potential = expected(lambda h: T * (abs(h) + math.log1p(math.exp(-2 * abs(h)))), A, S, T)
    assert log_cosh(np.array([A]), S, T)[0] == pytest.approx(potential, abs=1e-12)


@pytest.mark.parametrize("T", [0.0, 0.2, 2.0])
def test_each_average_is_the_slope_of_the_one_before(T: float) -> None:
    A, step = np.array([0.4]), 1e-5
    mean, _, slope = response(A, 0.7, T)
    assert mean == pytest.approx((log_cosh(A + step, 0.7, T) - log_cosh(A - step, 0.7, T)) / (2 * step), abs=1e-9)
    assert slope == pytest.approx(
        (response(A + step, 0.7, T)[0] - response(A - step, 0.7, T)[0]) / (2 * step), abs=1e-9
    )


def test_without_noise_and_temperature_there_is_the_sign() -> None:
    mean, square, slope = response(np.array([-2.0, 0.0, 0.1]), 0.0, 0.0)
    assert mean.tolist() == [-1, 0, 1] and square.tolist() == [1, 0, 1] and slope.tolist() == [0, math.inf, 0]
    assert log_cosh(np.array([-2.0, 0.0, 0.1]), 0.0, 0.0) == pytest.approx([2, 0, 0.1])
