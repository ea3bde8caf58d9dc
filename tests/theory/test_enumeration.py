"""Sums over all states, by loops in Python."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bioplaus.theory.curie_weiss import finite_size
from bioplaus.theory.enumeration import enumerate_states, spins


def test_tiny_system() -> None:
    found = enumerate_states([[1] * 8, [1, 1, 1, 1, -1, -1, 0, 0]], 0.5)
    assert found.square == pytest.approx([0.72675, 0.15659], abs=6e-6)
    assert found.energy == pytest.approx(-0.44167194508, abs=6e-12)
    assert found.probabilities is None


@pytest.mark.parametrize("N", [1, 5, 6])
def test_averages_are_those_of_loops(N: int) -> None:
    v, T, g = np.random.default_rng(N).normal(size=(3, N)), 0.4, 1.3
    found = enumerate_states(v, T, coupling=g, distribution=True)
    states = [s[::-1] for s in itertools.product([-1, 1], repeat=N)]
    overlaps = [[sum(a * b for a, b in zip(row, s)) / N for row in v] for s in states]
    energies = [-g * N / 2 * sum(x**2 for x in row) for row in overlaps]
    Z = sum(math.exp(-e / T) for e in energies)
    p = [math.exp(-e / T) / Z for e in energies]
    assert spins(N).tolist() == [list(s) for s in states]
    assert found.probabilities == pytest.approx(p, rel=1e-10)
    assert found.square == pytest.approx([sum(w * x[k] ** 2 for w, x in zip(p, overlaps)) for k in range(3)])
    assert found.absolute == pytest.approx([sum(w * abs(x[k]) for w, x in zip(p, overlaps)) for k in range(3)])
    assert found.energy == pytest.approx(sum(w * e for w, e in zip(p, energies)) / N)
    assert found.free_energy == pytest.approx(-T * math.log(Z) / N)


def test_one_pattern_is_the_ferromagnet() -> None:
    xi = np.random.default_rng(0).choice([-1, 1], (1, 15))
    found = enumerate_states(xi, 0.8)
    assert (found.absolute[0], found.square[0]) == pytest.approx(finite_size(15, 0.8), rel=1e-12)


def test_ground_states_weigh_alike() -> None:
    found = enumerate_states([[1, 1, 0, 0], [0, 0, 1, -1]], 0, distribution=True)
    assert found.probabilities is not None
    assert sorted(found.probabilities) == [0] * 12 + [0.25] * 4
    assert found.energy == found.free_energy == -0.25
    cold = enumerate_states([[1, 1, 0, 0], [0, 0, 1, -1]], 1e-3)
    assert cold.free_energy == pytest.approx(-0.25 - 1e-3 * math.log(4) / 4, abs=1e-12)


def test_hot_spins_are_independent() -> None:
    v = np.random.default_rng(1).normal(size=(2, 9))
    assert enumerate_states(v, 1e9).square == pytest.approx((v**2).sum(1) / 81)
