"""Thresholds of learning from one parallel step: printed values, a sum by hand, and the neuron the strict criterion is about."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bioplaus.errors import ConfigError
from bioplaus.theory.multitasking import critical_dilution, examples_needed, signal_to_noise, solve, strict_threshold


@pytest.mark.parametrize(
    ("rho", "m"),
    [
        (0.1, [0.985608, 0.309946, 0.099765]),
        (0.5, [0.802187, 0.334775, 0.131856]),
        (1.0, [0.651921, 0.297564, 0.122189]),
    ],
)
def test_one_step(rho: float, m: list[float]) -> None:
    assert signal_to_noise(3, 0.3, rho) == pytest.approx(m, abs=1e-6)


def test_one_step_measured() -> None:
    """N = 200000, r = 0.3, M = 50; the network has binomial noise."""
    found = signal_to_noise(3, 0.3, 0.2022)
    assert found == pytest.approx([0.9395, 0.3302, 0.1176], abs=1e-4)
    assert found == pytest.approx([0.9361, 0.3332, 0.1246], abs=0.01)


@pytest.mark.parametrize(("K", "d", "rho"), [(2, 0.6, 0.2), (4, 0.2, 0.7)])
def test_one_step_by_hand(K: int, d: float, rho: float) -> None:
    m = np.zeros(K)
    n = d ** np.arange(K)
    for xi in map(np.array, itertools.product((-1, 0, 1), repeat=K)):
        if xi.any():
            chance = math.prod(d if x == 0 else (1 - d) / 2 for x in xi)
            m += chance * xi * math.erf(n @ xi / math.sqrt(2 * rho * np.sum((n * xi) ** 2)))
    assert signal_to_noise(K, d, rho) == pytest.approx(m / (1 - d), abs=1e-13)


def test_one_step_without_noise_keeps_the_hierarchy() -> None:
    assert signal_to_noise(3, 0.4, 0) == pytest.approx([1, 0.4, 0.16], abs=1e-14)


@pytest.mark.parametrize(("K", "d", "Theta"), [(1, 0.0, 0.5), (2, 0.6, 1.0), (3, 0.3, math.sqrt(0.5)), (5, 0.45, 2.0)])
def test_strict_threshold(K: int, d: float, Theta: float) -> None:
    """At the threshold the worst neuron, xi = (1, -1, ..., -1), has signal over noise equal to Theta sqrt 2."""
    rho = strict_threshold(K, d, Theta)
    n = d ** np.arange(K)
    signal = n[0] - n[1:].sum()
    assert signal / math.sqrt(2 * rho * n @ n) == pytest.approx(Theta, abs=1e-12)
    assert examples_needed(K, d, 0.3, Theta) == pytest.approx((1 - 0.09) / (0.09 * rho), rel=1e-13)


def test_values_in_print() -> None:
    assert strict_threshold(3, 0.3, math.sqrt(0.5)) == pytest.approx(0.338858, abs=1e-6)
    assert examples_needed(1, 0, 0.2, math.sqrt(0.5)) == pytest.approx((1 - 0.04) / 0.04)
    assert solve(1, 0, 0, M=24, r=0.2, learning="supervised", law="gaussian").m == pytest.approx([0.6827], abs=1e-4)


def test_at_the_critical_dilution_no_data_are_enough() -> None:
    for K in (3, 6):
        d = critical_dilution(K)
        assert strict_threshold(K, d, 1.0) == strict_threshold(K, 0.9, 1.0) == 0
        assert examples_needed(K, 0.9, 0.5, 1.0) == math.inf
        assert strict_threshold(K, d - 1e-4, 1.0) < 1e-6
    assert strict_threshold(2, 0.9, 1.0) > 0
    assert examples_needed(3, 0.3, 1.0, 1.0) == 0


def test_bad_input() -> None:
    with pytest.raises(ConfigError, match=r"rho=-0\.1: .*>= 0"):
        signal_to_noise(2, 0.3, -0.1)
    for Theta in (0, -1, math.nan):
        with pytest.raises(ConfigError, match=rf"Theta={Theta}: .*> 0"):
            strict_threshold(2, 0.3, Theta)
    with pytest.raises(ConfigError, match=r"d=1: "):
        strict_threshold(2, 1, 1.0)
    with pytest.raises(ConfigError, match=r"r=0: "):
        examples_needed(2, 0.3, 0, 1.0)
