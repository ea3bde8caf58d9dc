"""Sums over distinct tuples, by loops; the cross-talk of dense learning, by enumeration and by sampling."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bioplaus.theory.elementary import distinct_sum, local_fields, variance_factor


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4, 7])
def test_distinct_tuples_are_those_of_loops(k: int) -> None:
    w = np.random.default_rng(0).normal(size=(2, 6))
    brute = [sum(math.prod(row[list(js)]) for js in itertools.permutations(range(6), k)) for row in w]
    assert distinct_sum(w, k) == pytest.approx(brute, abs=1e-9)


def test_fields_are_the_slope_of_the_energy() -> None:
    rng = np.random.default_rng(1)
    u, s, P = rng.normal(size=(3, 7)), rng.choice([-1.0, 1.0], 7), 4

    def energy(state: np.ndarray) -> float:
        return (
            -sum(math.prod((row * state)[list(js)]) for row in u for js in itertools.permutations(range(7), P))
            / P
            / 7 ** (P - 1)
        )

    for i in range(7):  # the energy is linear in each spin
        up, down = s.copy(), s.copy()
        up[i], down[i] = 1, -1
        assert local_fields(u, s, P)[i] == pytest.approx((energy(down) - energy(up)) / 2, abs=1e-12)


def test_four_spins_of_binary_patterns() -> None:
    rng = np.random.default_rng(2)
    xi, s = rng.choice([-1, 1], (1, 9)), rng.choice([-1, 1], 9)
    S = (xi * s).sum() - xi[0] * s
    assert local_fields(xi, s, 4) == pytest.approx(xi[0] * (S**3 - 3 * 8 * S + 2 * S) / 9**3)


@pytest.mark.parametrize(("P", "M", "r"), [(3, 2, 0.6), (4, 3, 0.4), (3, 1, 0.5)])
def test_variance_factor_by_enumeration(P: int, M: int, r: float) -> None:
    """With N = P neurons there is one set of others, and all examples can be listed."""
    R = r**2 + (1 - r**2) / M
    second = 0.0
    for chi in itertools.product([-1, 1], repeat=P * M):
        eta = np.reshape(chi, (M, P))
        weight = math.prod((1 + r * c) / 2 for c in chi)
        second += weight * float(eta.prod(1).sum()) ** 2 / (M**2 * R**P)
    assert variance_factor(P, M, r) == pytest.approx(second, rel=1e-12)


def test_cross_talk_by_sampling() -> None:
    """N = 60, P = 4, M = 4, r = 0.6, in units of storing: 1 with a teacher, 3.592 without."""
    assert variance_factor(4, 4, 0.6) == pytest.approx(3.592, abs=6e-4)
    rng, N, M, r, samples = np.random.default_rng(3), 60, 4, 0.6, 40_000
    R = r**2 + (1 - r**2) / M
    xi = rng.choice([-1.0, 1.0], (samples, 1, N))
    eta = np.where(rng.random((samples, M, N)) < (1 + r) / 2, xi, -xi)
    mean = eta.mean(1) / math.sqrt(R)
    supervised = mean[:, 0] * distinct_sum(mean[:, 1:], 3)
    unsupervised = (eta[:, :, 0] * distinct_sum(eta[:, :, 1:], 3)).sum(1) / (M * R**2)
    storing = 6 * 59 * 58 * 57  # 3! for each ordered triple
    # the square of a cubic form of nearly normal variables has a relative spread of about 10
    assert (supervised**2).mean() / storing == pytest.approx(1, abs=0.15)
    assert (unsupervised**2).mean() / storing == pytest.approx(3.592, abs=0.5)
