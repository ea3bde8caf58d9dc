"""What a run reports is what its states say; chains depend on their own seed alone; energy falls where it must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bioplaus.dynamics import forms
from bioplaus.dynamics import relax as door
from bioplaus.dynamics.relax import Relaxed, relax, relax_coupled
from bioplaus.dynamics.schedule import schedule

Array = np.ndarray[Any, Any]


def draw(S: int, P: int, N: int, kind: str = "integer", seed: int = 0) -> tuple[Array, Array]:
    """Return vectors and states."""
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-1, 2, (S, P, N)).astype(np.int8) if kind == "integer" else rng.normal(size=(S, P, N))
    return vectors, 2 * rng.integers(0, 2, (S, N)).astype(np.int8) - 1


def glass(S: int, N: int, seed: int = 0) -> Array:
    """Return couplings of the Sherrington-Kirkpatrick model."""
    half = np.triu(np.random.default_rng(seed).normal(size=(S, N, N)), 1) / np.sqrt(N)
    return half + half.transpose(0, 2, 1)


def same(a: Relaxed, b: Relaxed) -> None:
    for name in ("states", "overlaps", "energies", "flips"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@pytest.mark.parametrize("update", ["glauber", "parallel"])
def test_both_forms_follow_one_trajectory(update: str) -> None:
    """The same draws and exact sums: not one bit differs. Entries included whose products float32 cannot hold."""
    vectors, states = draw(2, 5, 61)
    temperatures = [2.0] * 5 + [0.3] * 5 + [0.0] * 5
    for scale, coupling in ((1, 3.0), (3001, 3.0 / 3001**2)):
        scaled = vectors if scale == 1 else vectors.astype(float) * scale + (np.arange(61) % 2)
        a, b = (relax(scaled, states, temperatures, [7, 8], coupling=coupling, update=update, form=form) for form in ("overlap", "field"))
        same(a, b)
        assert (a.form, b.form) == ("overlap", "field") and a.flips.sum() > 100


@pytest.mark.parametrize("form", ["overlap", "field"])
@pytest.mark.parametrize("update", ["glauber", "parallel"])
def test_a_chain_depends_on_its_seed_alone(update: str, form: str) -> None:
    vectors, states = draw(5, 4, 40, "float")
    seeds = [3, 2**64 - 1, 0, 3, 9]
    options: dict[str, Any] = {"update": update, "form": form}
    whole = relax(vectors, states, [0.5] * 8, seeds, threads=2, **options)
    same(whole, relax(vectors, states, [0.5] * 8, seeds, threads=1, **options))
    for c in range(5):
        one = relax(vectors[c : c + 1], states[c : c + 1], [0.5] * 8, seeds[c : c + 1], **options)
        same(one, Relaxed(*(getattr(whole, name)[c : c + 1] for name in ("states", "overlaps", "energies", "flips")), 0, 0.0, form))
    other = relax(vectors, states, [0.5] * 8, [4, 2**64 - 1, 0, 3, 9], **options)
    assert np.any(other.states[0] != whole.states[0]) and np.array_equal(other.states[1:], whole.states[1:])


def test_couplings_built_in_groups_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, states = draw(5, 4, 40)
    whole = relax(vectors, states, [0.5] * 8, range(5), form="field")
    monkeypatch.setattr(forms, "COUPLINGS_LIMIT", 2 * 4 * 40 * 40)
    same(whole, relax(vectors, states, [0.5] * 8, range(5), form="field"))


@pytest.mark.parametrize("kind", ["integer", "float"])
@pytest.mark.parametrize("form", ["overlap", "field"])
@pytest.mark.parametrize("update", ["glauber", "parallel"])
def test_what_is_reported_is_what_the_states_say(update: str, form: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overlaps, energy and flips by their definitions, after each sweep and over a fresh start of the sums."""
    monkeypatch.setattr(door, "REFRESH", 3)
    vectors, states = draw(2, 4, 33, kind)
    probes = np.random.default_rng(5).normal(size=(2, 3, 33))
    kept = states.copy()
    for sweeps in range(1, 8):
        found = relax(vectors, states, [0.8] * sweeps, [1, 2], coupling=0.7, probes=probes, update=update, form=form)
        X = np.einsum("spi,si->sp", vectors, found.states, dtype=np.float64)
        np.testing.assert_allclose(found.overlaps[:, -1], np.einsum("sqi,si->sq", probes, found.states) / 33, rtol=0, atol=1e-14)
        np.testing.assert_allclose(found.energies[:, -1], -0.7 / (2 * 33**2) * (X**2).sum(1), rtol=1e-12)
        assert found.picks == 2 * sweeps * 33 and found.seconds > 0
        assert found.overlaps.shape == (2, sweeps, 3)
        moved = (found.states != kept).sum(1)
        if update == "parallel":
            np.testing.assert_array_equal(found.flips[:, -1], moved)
        else:  # a neuron may be picked again, and flip back
            assert np.all(found.flips[:, -1] >= moved) and np.all((found.flips[:, -1] - moved) % 2 == 0)
        kept = found.states
    assert np.array_equal(states, draw(2, 4, 33, kind)[1])  # not changed in place


def test_probes_are_the_vectors_unless_given() -> None:
    vectors, states = draw(1, 4, 33)
    found = relax(vectors, states, [0.5], [1])
    np.testing.assert_allclose(found.overlaps[0, 0], vectors[0] @ found.states[0] / 33, rtol=0, atol=1e-15)


def test_energy_under_given_couplings_counts_the_diagonal() -> None:
    J = glass(1, 20)
    J[0][np.diag_indices(20)] = np.arange(20) / 7
    for update in ("glauber", "parallel"):
        found = relax_coupled(J, np.ones((1, 20)), [1.0], [5], probes=np.ones((1, 1, 20)), update=update)
        s = found.states[0]
        assert found.energies[0, 0] == pytest.approx(-0.5 * s @ J[0] @ s / 20, rel=1e-12)


@pytest.mark.parametrize("form", ["overlap", "field"])
def test_energy_never_rises_without_noise_and_ends_in_a_minimum(form: str) -> None:
    vectors, states = draw(4, 12, 120, "float")
    found = relax(vectors, states, [0.0] * 60, range(4), form=form)
    assert np.all(np.diff(found.energies) <= 1e-13) and np.all(found.energies[:, -1] < found.energies[:, 0])
    assert np.all(found.flips[:, -1] == 0)
    own = (vectors**2).sum(1)
    field = np.einsum("spi,spj,sj->si", vectors, vectors, found.states) - own * found.states
    assert np.all(field * found.states > 0)


@pytest.mark.parametrize("form", ["overlap", "field"])
def test_parallel_energy_never_rises_without_noise_and_no_cycle_remains(form: str) -> None:
    vectors, states = draw(4, 12, 120, "float")
    found = relax(vectors, states, [0.0] * 60, range(4), form=form, update="parallel")
    assert np.all(np.diff(found.energies) <= 1e-13) and np.all(found.flips[:, 0] > 0) and np.all(found.flips[:, -1] == 0)


def test_two_neurons_that_repel() -> None:
    """Together they change sides for ever; with a self term, or one by one, they settle."""
    J = np.array([[[0.0, -1.0], [-1.0, 0.0]]])
    options: dict[str, Any] = {"probes": np.ones((1, 1, 2))}
    start, no_noise = np.ones((1, 2)), [0.0] * 20
    cycle = relax_coupled(J, start, no_noise, [1], update="parallel", **options)
    assert np.all(cycle.flips == 2) and cycle.overlaps[0, :, 0].tolist() == [-1.0, 1.0] * 10
    kept = relax_coupled(J + np.eye(2), start, no_noise, [1], update="parallel", **options)
    assert np.all(kept.flips == 0)
    apart = relax_coupled(J + 5 * np.eye(2), start, no_noise, [1], **options)
    assert apart.overlaps[0, -1, 0] == 0 and apart.flips.sum() == 1


@pytest.mark.parametrize("form", ["overlap", "field"])
def test_a_tie_is_a_fair_coin_or_keeps(form: str) -> None:
    vectors, states = np.zeros((50, 2, 100)), np.ones((50, 100))
    found = relax(vectors, states, [0.0] * 10, range(50), form=form)
    assert abs(found.states.mean()) < 4 / np.sqrt(5000)
    assert found.flips[:, -1].mean() == pytest.approx(50, abs=4 * 5 / np.sqrt(50))
    assert np.all(relax(vectors, states, [0.0] * 10, range(50), form=form, update="parallel").states == 1)
    noisy = relax(vectors, states, [1.0], range(50), form=form, update="parallel")
    assert abs(noisy.states.mean()) < 4 / np.sqrt(5000)


def test_a_negative_coupling_drives_away() -> None:
    found = relax(np.ones((1, 1, 40), np.int8), np.ones((1, 40)), [0.0] * 20, [1], coupling=-1.0)
    assert abs(found.overlaps[0, -1, 0]) <= 2 / 40


def test_annealing_ends_lower_than_a_quench() -> None:
    J = glass(16, 150)
    options: dict[str, Any] = {"probes": np.zeros((16, 0, 150))}
    states = draw(16, 1, 150)[1]
    slow = relax_coupled(J, states, schedule("linear", 0.0, 400, T_start=1.3), range(16), **options).energies[:, -1]
    fast = relax_coupled(J, states, schedule("constant", 0.0, 400), range(16), **options).energies[:, -1]
    gain = fast - slow
    assert gain.mean() > 5 * gain.std(ddof=1) / 4


def test_each_sweep_has_its_own_temperature() -> None:
    """Hot sweeps lose an ordered start, cold ones keep it."""
    vectors, states = np.ones((1, 1, 400), np.int8), np.ones((1, 400))
    found = relax(vectors, states, [0.1] * 3 + [100.0] * 6 + [0.1] * 30, [1]).overlaps[0, :, 0]
    assert np.all(found[:3] == 1) and abs(found[8]) < 0.25 and abs(found[-1]) == 1
