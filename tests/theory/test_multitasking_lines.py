"""Boundaries of the states of the multitasking network: closed forms, published numbers, and the sign of the eigenvalue on both sides."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import brentq

from bioplaus.errors import ConfigError
from bioplaus.theory.multitasking import (
    Solution,
    critical_dilution,
    critical_temperature,
    energy_crossing,
    entropy_threshold,
    hierarchical,
    majority,
    parallel_onset,
    pure_boundary,
    solve,
)


def test_critical_dilution() -> None:
    assert critical_dilution(1) == critical_dilution(2) == 1
    assert critical_dilution(3) == pytest.approx((math.sqrt(5) - 1) / 2, abs=1e-14)
    for K in (4, 7, 12):
        d = critical_dilution(K)
        assert 1 - 2 * d + d**K == pytest.approx(0, abs=1e-13)
        assert 0.5 < d < 0.6
    assert critical_dilution(100) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("K", [3, 4, 6])
def test_the_hierarchy_is_left_at_the_critical_dilution(K: int) -> None:
    d = critical_dilution(K)
    assert solve(K, d - 1e-3, 0).m == pytest.approx(hierarchical(K, d - 1e-3), abs=1e-12)
    assert solve(K, d + 1e-3, 0).m[0] < 0.999


def test_two_patterns_are_always_a_hierarchy_without_noise() -> None:
    assert solve(2, 0.97, 0).m == pytest.approx([1, 0.97], abs=1e-12)


def vote(K: int, d: float) -> np.ndarray:
    """Return the overlaps of the majority state over 1-d by its definition, neuron class by neuron class."""
    m = np.zeros(K)
    for xi in itertools.product((-1, 0, 1), repeat=K):
        present = [x for x in xi if x]
        state = np.sign(sum(present)) or (present[0] if present else 0)
        m += math.prod(d if x == 0 else (1 - d) / 2 for x in xi) * state * np.array(xi)
    return m / (1 - d)


@pytest.mark.parametrize("d", [0.65, 0.8, 0.95])
def test_majority(d: float) -> None:
    assert majority(d) == pytest.approx(vote(3, d), abs=1e-13)
    assert solve(3, d, 0).m == pytest.approx(majority(d), abs=1e-12)
    assert solve(3, d, 0).stable


def test_energies_cross() -> None:
    K, d = 3, energy_crossing(3)
    at, below, above = (
        np.sum(vote(K, x) ** 2) - np.sum(np.square(hierarchical(K, x))) for x in (d, d - 1e-3, d + 1e-3)
    )
    assert at == pytest.approx(0, abs=1e-12)
    assert below < 0 < above
    m = vote(K, d)  # and both are states: every field has the sign of its neuron
    for xi in itertools.product((-1, 0, 1), repeat=K):
        if any(xi):
            assert (np.sign(sum(xi)) or next(x for x in xi if x)) == np.sign(m @ xi)
    assert d < critical_dilution(K)


@pytest.mark.parametrize("K", [1, 2, 4, 8])
def test_energies_that_do_not_cross(K: int) -> None:
    with pytest.raises(ConfigError, match=rf"K={K}: .*K = 3 only"):
        energy_crossing(K)


def test_four_patterns_have_no_crossing_of_two_states() -> None:
    """The energies of the two formulas are equal at d = 0.552; the hierarchy is no state there any more."""
    d = brentq(lambda d: np.sum(vote(4, d) ** 2) - np.sum(np.square(hierarchical(4, d))), 0.4, 0.7)
    assert critical_dilution(4) < d


@pytest.mark.parametrize(
    ("T", "d"), [(0.2, 0.199855), (0.4, 0.382369), (0.6, 0.514122), (0.8, 0.603713), (0.95, 0.6528)]
)
def test_pure_boundary(T: float, d: float) -> None:
    assert pure_boundary(T) == pytest.approx(d, abs=5e-7 if T < 0.9 else 5e-5)
    for K in (2, 4):
        below, above = (solve(K, pure_boundary(T) + x, T, start="pure") for x in (-1e-4, 1e-4))
        assert (below.verdict, above.verdict) == ("stable", "unstable")


def test_ends_of_the_pure_boundary() -> None:
    assert pure_boundary(0) == 0
    assert pure_boundary(1) == pytest.approx(2 / 3)
    assert pure_boundary(1 - 1e-6) == pytest.approx(2 / 3, abs=1e-5)
    for low in (1e-9, 0.01, 0.035, 0.049):  # mu = 1 to all digits: the root lies at the very end of [0, 1/T]
        assert pure_boundary(low) == pytest.approx(low, abs=1e-12)
    for T in (-0.1, 1.1):
        with pytest.raises(ConfigError, match=rf"T={T}: .*\[0, 1\]"):
            pure_boundary(T)


@pytest.mark.parametrize(
    ("K", "d", "T", "digits"),
    [
        (2, 0.7, 0.31255, 5),
        (2, 0.8, 0.2004, 4),
        (2, 0.9, 0.1000, 4),
        (3, 0.7, 0.34993, 5),
        (3, 0.8, 0.24324, 5),
        (3, 0.9, 0.135, 3),
        (5, 0.7, 0.3668, 4),
        (5, 0.8, 0.28423, 5),
        (5, 0.9, 0.18429, 5),
    ],
)
def test_parallel_onset(K: int, d: float, T: float, digits: int) -> None:
    onset = parallel_onset(d, K)
    assert onset == pytest.approx(T, abs=0.51 * 10**-digits)
    below, above = (solve(K, d, onset + x, start="parallel") for x in (-1e-4, 1e-4))
    assert (below.verdict, above.verdict) == ("unstable", "stable")
    assert solve(K, d, 0.97, start="parallel").stable


def test_parallel_window_below_two_thirds() -> None:
    """At d = 0.64 the parallel state is stable in a window that ends before T_c; at d = 0.6 nowhere."""
    onset = parallel_onset(0.64, 2)
    assert [solve(2, 0.64, T, start="parallel").stable for T in (onset - 0.01, onset + 0.01, 0.95)] == [
        False,
        True,
        False,
    ]
    with pytest.raises(ConfigError, match=r"d=0\.6, K=2: .*no temperature"):
        parallel_onset(0.6, 2)
    with pytest.raises(ConfigError, match=r"K=1: "):
        parallel_onset(0.9, 1)


@pytest.mark.parametrize(("d", "verdicts"), [(0.6, ("stable", "unstable")), (0.72, ("unstable", "stable"))])
def test_two_thirds_decides_what_is_stable_below_the_critical_temperature(d: float, verdicts: tuple[str, str]) -> None:
    for K in (2, 3, 5):
        assert tuple(solve(K, d, 0.98, start=start).verdict for start in ("pure", "parallel")) == verdicts


def two_patterns_merge(d: float) -> float:
    """Return rho* of two patterns in closed form: where the symmetric state's eigenvalue against n_1 - n_2 passes 0 at T = 0.

    With n_1 = n_2 = n, ``(1+rho) n = E|v_1 + v_2| / 2``, and ``1 = E[(v_1 - v_2)^2 / 2; v_1 + v_2 = 0] 2 / ((1+rho) n)``.
    """

    def size(a: float, s: float) -> float:  # E|a + s z|
        return a * math.erf(a / (s * math.sqrt(2))) + s * math.sqrt(2 / math.pi) * math.exp(-a * a / (2 * s * s))

    def eigenvalue(rho: float) -> float:
        s = math.sqrt(2 * rho)
        field = 2 * d * (1 - d) * size(1, math.sqrt(rho)) + (1 - d) ** 2 / 2 * (size(2, s) + size(0, s))
        return field / 2 * math.sqrt(4 * math.pi * rho) - (1 - d) ** 2 * (rho * math.exp(-1 / rho) + 2 + rho)

    return brentq(eigenvalue, 1e-6, 1e3, xtol=1e-14)


@pytest.mark.parametrize("d", [0.01, 0.1, 0.3, 0.7, 0.95])
def test_entropy_threshold_of_two_patterns(d: float) -> None:
    assert entropy_threshold(2, d) == pytest.approx(two_patterns_merge(d), rel=1e-6)


def test_entropy_thresholds_in_print() -> None:
    """A third, 1.071 at d = 0.1, was read off an iteration that had not converged: the closed form has 1.0684."""
    assert entropy_threshold(2, 0.3) == pytest.approx(0.369, abs=6e-4)
    assert entropy_threshold(2, 0.7) == pytest.approx(0.040, abs=6e-4)


def cold(K: int, d: float, rho: float) -> Solution:
    M = 1000
    return solve(K, d, 0, M=M, r=1 / math.sqrt(1 + M * rho), learning="supervised", law="gaussian")


def test_entropy_threshold_where_two_overlaps_merge() -> None:
    rho = entropy_threshold(3, 0.3)
    below, above = cold(3, 0.3, 0.97 * rho), cold(3, 0.3, 1.03 * rho)
    assert below.m[0] - below.m[1] > 0.03
    assert above.m[0] == pytest.approx(above.m[1], abs=1e-8)
    assert above.m[1] - above.m[2] > 0.1


@pytest.mark.parametrize(("K", "d"), [(3, 0.55), (4, 0.53)])
def test_entropy_threshold_where_the_hierarchy_breaks_off(K: int, d: float) -> None:
    rho = entropy_threshold(K, d)
    below, above = cold(K, d, 0.99 * rho), cold(K, d, 1.01 * rho)
    assert below.m[0] - above.m[0] > 0.02
    assert below.stable
    assert above.stable


def test_entropy_threshold_at_the_edges() -> None:
    assert entropy_threshold(1, 0.3) == entropy_threshold(2, 0) == math.inf
    assert entropy_threshold(3, 0.62) == 0
    with pytest.raises(ConfigError, match="K=0 must be"):
        entropy_threshold(0, 0.3)
    with pytest.raises(ConfigError, match=r"d=1\.2: "):
        entropy_threshold(2, 1.2)


def test_bad_input_of_closed_forms() -> None:
    for call in (lambda: hierarchical(0, 0.3), lambda: critical_dilution(0)):
        with pytest.raises(ConfigError, match="K=0 must be"):
            call()
    for call in (
        lambda: hierarchical(2, 1),
        lambda: majority(1),
        lambda: critical_temperature(1),
        lambda: parallel_onset(1, 2),
    ):
        with pytest.raises(ConfigError, match="d=1: "):
            call()
