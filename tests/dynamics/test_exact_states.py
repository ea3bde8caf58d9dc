"""Chains against small systems solved by enumeration: where they go in one sweep, and where they stay for good."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bioplaus.dynamics.relax import Relaxed, relax, relax_coupled

Array = np.ndarray[Any, Any]


def all_states(N: int) -> Array:
    """Return the 2^N states, row k having neuron i at +1 iff bit i of k is set."""
    return np.array([[1 if k >> i & 1 else -1 for i in range(N)] for k in range(2**N)])


def numbers(states: Array) -> Array:
    return (states > 0) @ (1 << np.arange(states.shape[1]))


def up(h: float, T: float, tie: float = 0.5) -> float:
    """Return P(s = +1)."""
    if T == 0:
        return tie if h == 0 else float(h > 0)
    return float(1 / (1 + np.exp(-2 * h / T)))


def one_sweep(J: Array, T: float) -> Array:
    """Return P(a -> b) of N picks at random, with replacement, of a neuron whose field lacks its self term."""
    N, states = len(J), all_states(len(J))
    pick = np.zeros((2**N, 2**N))
    for a, i in itertools.product(range(2**N), range(N)):
        p = up(J[i] @ states[a] - J[i, i] * states[a, i], T)
        pick[a, a | 1 << i] += p / N
        pick[a, a & ~(1 << i)] += (1 - p) / N
    return np.linalg.matrix_power(pick, N)


def together(J: Array, T: float) -> Array:
    """Return P(a -> b) of one parallel update with the full J, a tie at T = 0 keeping its state."""
    states = all_states(len(J))
    found = np.ones((len(states), len(states)))
    for a, b in itertools.product(range(len(states)), repeat=2):
        for i, spin in enumerate(states[a]):
            p = up(J[i] @ states[a], T, tie=float(spin > 0))
            found[a, b] *= p if states[b, i] > 0 else 1 - p
    return found


def matches(counts: Array, expected: Array) -> None:
    """Compare counts with probabilities, rows apart; what is impossible must never have happened."""
    for row, chances in zip(np.atleast_2d(counts), np.atleast_2d(expected)):
        possible = chances > 1e-12
        assert row[~possible].sum() == 0
        if possible.sum() > 1:
            assert stats.chisquare(row[possible], row.sum() * chances[possible] / chances[possible].sum()).pvalue > 1e-4


def repeated(array: Array, times: int) -> Array:
    return np.repeat(array[None], times, 0)


VECTORS = {"integer": np.array([[1, 1, 1], [1, -1, 0]], np.int8), "float": np.array([[0.9, -0.3, 1.1], [0.2, 0.8, -0.7]])}


@pytest.mark.parametrize("T", [0.6, 0.0])
@pytest.mark.parametrize("update", ["glauber", "parallel"])
@pytest.mark.parametrize("form", ["overlap", "field"])
@pytest.mark.parametrize("kind", VECTORS)
def test_transitions_of_one_sweep(kind: str, form: str, update: str, T: float) -> None:
    vectors, each = VECTORS[kind], 3000
    J = 1.5 / 3 * vectors.T.astype(float) @ vectors
    starts = np.repeat(all_states(3), each, 0)
    found = relax(repeated(vectors, len(starts)), starts, [T], range(len(starts)), coupling=1.5, update=update, form=form)
    counts = np.array([np.bincount(part, minlength=8) for part in numbers(found.states).reshape(8, each)])
    matches(counts, one_sweep(J, T) if update == "glauber" else together(J, T))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_transitions_under_given_couplings_ignore_the_diagonal(kind: type) -> None:
    J = np.array([[2.0, 0.5, -1.0], [0.5, -3.0, 0.25], [-1.0, 0.25, 0.0]])
    starts = np.repeat(all_states(3), 3000, 0)
    found = relax_coupled(repeated(J.astype(kind), len(starts)), starts, [0.7], range(len(starts)), probes=starts[:, None])
    matches(np.array([np.bincount(part, minlength=8) for part in numbers(found.states).reshape(8, -1)]), one_sweep(J, 0.7))


EIGHT = np.array([[1] * 8, [1, 1, 1, 1, -1, -1, 0, 0]], np.int8)


def eight(form: str, chains: int) -> Relaxed:
    starts = 2 * np.random.default_rng(1).integers(0, 2, (chains, 8)) - 1
    return relax(repeated(EIGHT, chains), starts, [0.5] * 60, range(chains), form=form)


@pytest.mark.parametrize("form", ["overlap", "field"])
def test_stationary_distribution_of_eight_neurons(form: str) -> None:
    states = all_states(8)
    overlaps = states @ EIGHT.T / 8
    energy = -4 * (overlaps**2).sum(1)
    weight = np.exp(-energy / 0.5)
    weight /= weight.sum()
    assert weight @ overlaps[:, 0] ** 2 == pytest.approx(0.72675, abs=5e-6)  # as published with the model
    assert weight @ overlaps[:, 1] ** 2 == pytest.approx(0.15659, abs=5e-6)
    assert weight @ energy / 8 == pytest.approx(-0.44167194508, abs=5e-12)
    found = eight(form, 20_000)
    counts = np.bincount(numbers(found.states), minlength=256)
    common = weight * counts.sum() > 5
    seen = np.append(counts[common], counts[~common].sum())
    assert stats.chisquare(seen, counts.sum() * np.append(weight[common], weight[~common].sum())).pvalue > 1e-3
    mean = found.energies[:, -1]
    assert abs(mean.mean() + 0.44167194508) < 4 * mean.std() / np.sqrt(len(mean))


def test_there_and_back_are_alike_at_equilibrium() -> None:
    """Detailed balance: starting from the exact distribution, a -> b in a sweep is as frequent as b -> a."""
    J = np.array([[0, 0.5, -1.0], [0.5, 0, 0.75], [-1.0, 0.75, 0]])
    states = all_states(3)
    weight = np.exp(0.5 * np.einsum("ai,ij,aj->a", states, J, states) / 0.8)
    before = np.random.default_rng(0).choice(8, 60_000, p=weight / weight.sum())
    found = relax_coupled(repeated(J, 60_000), states[before], [0.8], range(60_000), probes=np.zeros((60_000, 0, 3)))
    counts = np.zeros((8, 8))
    np.add.at(counts, (before, numbers(found.states)), 1)
    pairs = np.triu_indices(8, 1)
    there, back = counts[pairs], counts.T[pairs]
    known = there + back > 10
    chi = ((there - back)[known] ** 2 / (there + back)[known]).sum()
    assert known.sum() > 20 and stats.chi2.sf(chi, known.sum()) > 1e-3


@pytest.mark.parametrize(("N", "T", "size", "square"), [(10, 1.0, 0.5063645113, 0.3469438827), (50, 1.0, 0.3406627351, 0.1604870021)])
def test_curie_weiss_at_finite_size(N: int, T: float, size: float, square: float) -> None:
    found = relax(np.ones((64, 1, N), np.int8), np.ones((64, N)), [T] * 3000, range(64))
    for power, exact in ((1, size), (2, square)):
        means = (np.abs(found.overlaps[:, 200:, 0]) ** power).mean(1)
        assert abs(means.mean() - exact) < 4 * means.std(ddof=1) / 8
        assert means.std(ddof=1) / 8 < 0.01
