"""Limits, symmetries and starts of the multitasking equations, and bad input."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from bioplaus.errors import ConfigError, SolverError
from bioplaus.theory.multitasking import critical_temperature, entropy, hierarchical, solve


def numbers(state: Any) -> np.ndarray:
    return np.array([*state.m, *state.n, state.free_energy, *state.hessian_eigenvalues])


@pytest.mark.parametrize("law", ["binomial", "gaussian"])
@pytest.mark.parametrize("T", [0, 0.1, 0.5])
def test_perfect_examples_are_the_patterns(law: str, T: float) -> None:
    stored = solve(3, 0.4, T)
    for learning in ("supervised", "unsupervised"):
        assert numbers(solve(3, 0.4, T, M=4, r=1, law=law, learning=learning)) == pytest.approx(
            numbers(stored), abs=1e-12
        )


def test_the_normal_law_ends_in_storing_as_the_entropy_vanishes() -> None:
    stored = numbers(solve(3, 0.4, 0.1))
    nearly = solve(3, 0.4, 0.1, M=1000, r=1 / math.sqrt(1 + 1e-5), law="gaussian", learning="supervised")  # rho = 1e-8
    assert numbers(nearly) == pytest.approx(stored, abs=1e-6)
    assert not np.array_equal(numbers(nearly), stored)


def test_storing_does_not_see_examples() -> None:
    state = solve(2, 0.3, 0.2, M=5, r=0.3)
    assert state.rho == 0
    assert np.array_equal(numbers(state), numbers(solve(2, 0.3, 0.2)))


@pytest.mark.parametrize("law", ["binomial", "gaussian"])
def test_labels_make_no_difference_to_the_state(law: str) -> None:
    with_labels, without = (
        solve(2, 0.3, 0.1, M=20, r=0.4, law=law, learning=name) for name in ("supervised", "unsupervised")
    )
    assert np.array_equal(numbers(with_labels), numbers(without))
    assert with_labels.example_eigenvalues == []
    assert len(without.example_eigenvalues) == 2
    assert solve(2, 0.3, 0.1, M=1, r=0.9, law=law, learning="unsupervised").example_eigenvalues == []


@pytest.mark.parametrize(("r", "j"), [(0.3, 1), (0.3, 2), (0.6, 4)])
def test_an_even_number_of_examples_is_worth_one_less_without_noise(r: float, j: int) -> None:
    """The sign of a tie is 0."""
    even, odd = (solve(1, 0, 0, M=M, r=r, learning="supervised").m for M in (2 * j, 2 * j - 1))
    assert even == pytest.approx(odd, abs=1e-13)
    assert solve(1, 0, 0, M=2, r=r, learning="supervised").m == pytest.approx([r], abs=1e-13)  # P(++) - P(--)


@pytest.mark.parametrize("case", [{"learning": "storing"}, {"learning": "supervised", "M": 9, "r": 0.6}])
@pytest.mark.parametrize("law", ["binomial", "gaussian"])
def test_zero_temperature_is_the_limit_of_low_temperatures(case: dict, law: str) -> None:
    cold, zero = (solve(2, 0.3, T, law=law, **case) for T in (1e-4, 0))
    assert numbers(cold) == pytest.approx(numbers(zero), abs=1e-5)


def test_energy_without_noise() -> None:
    """f is the energy -(g/2)(1 + rho) n . n at T = 0; of the hierarchy it is -(g/2)(1-d)^2 sum_k d^(2k)."""
    assert solve(4, 0.4, 0).free_energy == pytest.approx(-0.6 / 2 * sum(0.4 ** (2 * k) for k in range(4)), abs=1e-13)
    for law in ("binomial", "gaussian"):
        state = solve(2, 0.3, 0, M=9, r=0.5, law=law, learning="supervised")
        assert state.free_energy == pytest.approx(-0.7 / 2 * (1 + state.rho) * np.dot(state.n, state.n), abs=1e-11)


def test_couplings_that_are_not_normalised_only_scale_temperature_and_energy() -> None:
    for case in ({}, {"M": 9, "r": 0.5, "learning": "unsupervised"}):
        scaled, plain = solve(2, 0.3, 0.2, **case), solve(2, 0.3, 0.2 * 0.7, normalise=False, **case)
        assert plain.m == pytest.approx(scaled.m, abs=1e-11)
        assert plain.free_energy == pytest.approx(0.7 * scaled.free_energy, abs=1e-12)
        assert plain.hessian_eigenvalues == pytest.approx(scaled.hessian_eigenvalues, abs=1e-10)
        assert plain.example_eigenvalues == pytest.approx(scaled.example_eigenvalues, abs=1e-10)


@pytest.mark.parametrize("normalise", [True, False])
def test_nothing_is_retrieved_above_the_critical_temperature(normalise: bool) -> None:
    d, M, r = 0.3, 10, 0.4
    T_c = critical_temperature(d, normalise)
    assert T_c == (1 if normalise else 0.7)
    below, at, above = (
        solve(2, d, x * T_c, M=M, r=r, learning="unsupervised", normalise=normalise) for x in (0.99, 1, 1.5)
    )
    assert below.m[0] > 0.05
    assert at.m == above.m == [0, 0]
    assert (at.verdict, at.stable, above.verdict) == ("marginal", False, "stable")
    assert above.free_energy == pytest.approx(-1.5 * T_c * math.log(2), abs=1e-12)
    assert above.hessian_eigenvalues == pytest.approx([1 - 1 / 1.5] * 2, abs=1e-12)
    assert above.example_eigenvalues == pytest.approx([1 - above.rho / (1 + above.rho) / 1.5] * 2, abs=1e-12)
    assert below.hessian_eigenvalues[0] > 0


def test_onset_is_continuous() -> None:
    """One full pattern: m = tanh(m / T) gives m^2 = 3 (1 - T) at T_c."""
    assert solve(1, 0, 0.999).m[0] == pytest.approx(math.sqrt(3 * 0.001), rel=2e-3)


@pytest.mark.parametrize("T", [0.999, 1 - 1e-6])
def test_slow_approaches_are_closed(T: float) -> None:
    """Near T_c an iteration gains a share 2 (1 - T) of the way: the last change says little of the error that is left."""
    mu = brentq(lambda mu: math.tanh(mu / T) - mu, math.sqrt(3 * (1 - T)) / 2, 1, xtol=1e-15, rtol=1e-14)
    state = solve(1, 0, T)
    assert state.m == pytest.approx([mu], rel=1e-4)
    assert state.residual < 1e-12
    assert state.iterations < 10_000


def test_starts_keep_their_symmetry_where_it_is_unstable() -> None:
    noisy = {"M": 21, "r": 0.8, "learning": "supervised", "law": "gaussian"}
    for parallel in (solve(5, 0.5, 0.1, start="parallel"), solve(5, 0.5, 0.02, start="parallel", **noisy)):
        assert len(set(parallel.n)) == 1
        assert parallel.verdict == "unstable"
    pure = solve(4, 0.6, 0.1, start="pure", M=21, r=0.5, learning="supervised", law="gaussian")
    assert pure.m[0] > 0.9
    assert pure.n[1:] == [0, 0, 0]
    assert pure.m[1:] == pytest.approx([0, 0, 0], abs=1e-15)
    assert pure.verdict == "unstable"


@pytest.mark.parametrize("M", [2, 3])
@pytest.mark.parametrize("d", [0.1, 0.55])
def test_rounding_does_not_decide_ties(d: float, M: int) -> None:
    """In the parallel state at T = 0 the field has the sign of the sum of the mean examples, 0 where they cancel; here in whole numbers."""
    r = 0.3
    entries = [(0, 0, d)]  # an entry, the sum of its examples, their probability
    for xi, k in itertools.product((-1, 1), range(M + 1)):
        chance = math.comb(M, k) * ((1 + r) / 2) ** k * ((1 - r) / 2) ** (M - k)
        entries.append((xi, xi * (2 * k - M), (1 - d) / 2 * chance))
    m = sum(a[0] * np.sign(a[1] + b[1] + c[1]) * a[2] * b[2] * c[2] for a, b, c in itertools.product(entries, repeat=3))
    state = solve(3, d, 0, M=M, r=r, learning="supervised", start="parallel")
    assert state.m == pytest.approx([m / (1 - d)] * 3, abs=1e-13)
    assert state.hessian_eigenvalues == pytest.approx([-math.inf, -math.inf, 1], abs=1e-13)


@pytest.mark.parametrize("case", [{}, {"M": 9, "r": 0.5, "learning": "supervised", "law": "gaussian"}])
def test_free_neurons_without_noise_are_infinitely_unstable(case: dict) -> None:
    """Neurons blank in pattern 1 follow any field, however weak: 1 - beta (...) with beta infinite."""
    state = solve(3, 0.4, 0, start="pure", **case)
    assert state.hessian_eigenvalues[:2] == [-math.inf] * 2
    assert math.isfinite(state.hessian_eigenvalues[2])
    assert not state.stable


def test_ten_patterns() -> None:
    assert solve(10, 0.4, 0).m == pytest.approx(hierarchical(10, 0.4), abs=1e-12)
    assert solve(10, 0.4, 0.02).m[:4] == pytest.approx(hierarchical(10, 0.4)[:4], abs=2e-3)


def test_entropy_of_a_dataset() -> None:
    assert entropy(20, 0.3) == pytest.approx(0.505556, abs=1e-6)
    assert entropy(3, 1.0) == 0


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ({"K": 0}, r"K=0 must be a whole number from 1"),
        ({"K": 2.0}, r"K=2\.0 must be a whole"),
        ({"d": 1.0}, r"d=1\.0: .*\[0, 1\)"),
        ({"d": -0.1}, r"d=-0\.1: .*\[0, 1\)"),
        ({"T": -1}, r"T=-1 must be a finite number at least 0"),
        ({"T": math.nan}, r"T=nan must be a finite number at least 0"),
        ({"r": 0.0}, r"r=0\.0: .*\(0, 1\]"),
        ({"r": 1.5}, r"r=1\.5: .*\(0, 1\]"),
        ({"M": 0}, r"M=0 must be a whole number from 1"),
        ({"learning": "supervised"}, r"learning=supervised needs M"),
        ({"learning": "both", "M": 3}, r"learning=both is not one of storing, supervised, unsupervised"),
        ({"law": "poisson"}, r"law=poisson is not one of binomial, gaussian"),
        ({"start": "random"}, r"start=random is not one of hierarchical, pure, parallel"),
        ({"K": 4, "M": 200, "r": 0.5, "learning": "supervised"}, r"law=binomial at K=4, M=200 .*law=gaussian"),
        ({"K": 12, "M": 200, "r": 0.5, "learning": "supervised", "law": "gaussian"}, r"K=12: .*K <= 9"),
        ({"K": 30}, r"K=30: .*K <= 13"),
    ],
)
def test_bad_input(case: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=line) as caught:
        solve(**{"K": 2, "d": 0.3, "T": 0.2, **case})
    assert "\n" not in str(caught.value)


def test_no_convergence_is_no_answer() -> None:
    with pytest.raises(SolverError, match=r"residual \d\.\de-\d+ after 1000000 iterations; .*try|another start"):
        solve(1, 0, 1 - 1e-7, start="pure")
