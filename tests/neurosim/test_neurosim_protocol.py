"""Images in sequence: cut anywhere, by any number of threads, from a file; arrays that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bioplaus.errors import ConfigError
from bioplaus.neurosim.network import Constants, Pulses, State, alike, copied, new_state, respond, side_by_side, train

Array = np.ndarray[Any, Any]
P, H, K = 20, 9, 4
NOISY = Constants(0.9, 0.6, 30.0, 40.0, 0.05, 0.02, 0.1, 255.0)
DEVICE = alike((0.05, -0.03), (-0.01, -0.04))


@pytest.fixture
def images() -> Array:
    return (np.random.default_rng(2).random((40, P)) < 0.5).astype(np.uint8)


@pytest.fixture
def labels() -> Array:
    return np.random.default_rng(3).integers(0, K, 40)


def fresh(seed: int = 5) -> State:
    rng = np.random.default_rng(seed)
    return new_state(rng.random((P, H)), rng.random((H, K)), seed)


def same(a: State, b: State) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b))


@pytest.mark.parametrize("cut", [1, 17, 39])
def test_resumed_bit_for_bit(images: Array, labels: Array, cut: int, tmp_path: Path) -> None:
    through, stopped = fresh(), fresh()
    out = train(through, images, labels, NOISY, (DEVICE, DEVICE))
    first = train(stopped, images[:cut], labels[:cut], NOISY, (DEVICE, DEVICE))
    np.savez(tmp_path / "state.npz", **stopped._asdict())
    with np.load(tmp_path / "state.npz") as arrays:
        again = State(**arrays)
    second = train(again, images[cut:], labels[cut:], NOISY, (DEVICE, DEVICE))
    assert same(through, again) and np.array_equal(out, np.concatenate([first, second]))
    assert through.pulses.min() > 0


def test_weights_keep_all_of_a_conductance(images: Array, labels: Array) -> None:
    """w = 2 g - 1, the difference of two weights and their sum are exact: what a simulator does with them loses nothing."""
    state = fresh()
    for x, y in zip(images, labels):
        before = copied(state)
        train(state, x[None], y[None], NOISY, (DEVICE, DEVICE))
        for g, old in zip(state[:2], before[:2]):
            w, w_old = 2 * g - 1, 2 * old - 1
            assert np.array_equal(w_old + (w - w_old), w) and np.array_equal((w + 1) / 2, g)


def test_threads_change_nothing(images: Array, labels: Array) -> None:
    def work(threads: int) -> list[State]:
        states = [fresh(seed) for seed in range(6)]
        out = side_by_side(lambda r: train(states[r], images, labels, NOISY, (DEVICE, DEVICE)), range(6), threads)
        assert not np.array_equal(out[0], out[1])
        return states

    assert all(same(a, b) for a, b in zip(work(1), work(4)))


def test_one_seed_knows_nothing_of_another(images: Array, labels: Array) -> None:
    """Same start, another seed: noise differs from the first write on."""
    a, b = fresh(), fresh()._replace(words=fresh(6).words)
    for state in (a, b):
        train(state, images[:1], labels[:1], NOISY, (DEVICE, DEVICE))
    moved = a.g_1 != fresh().g_1
    assert moved.any() and not (a.g_1[moved] == b.g_1[moved]).any()


def test_devices_have_constants_of_their_own(images: Array, labels: Array) -> None:
    """A dead row of the hidden layer, and an output that only moves up."""
    d_1 = Pulses(*(np.repeat(np.repeat(a, P, 0), H, 1) for a in DEVICE))
    d_2 = Pulses(*(np.repeat(np.repeat(a, H, 0), K, 1) for a in DEVICE))
    for name in ("up_a", "up_b", "down_a", "down_b"):
        getattr(d_1, name)[3] = 0
    for name in ("down_a", "down_b"):
        getattr(d_2, name)[:, 2] = 0
    state, quiet = fresh(), NOISY._replace(cycle_noise=0.0)
    train(state, images, labels, quiet, (d_1, d_2))
    assert np.array_equal(state.g_1[3], fresh().g_1[3]) and (state.g_1 != fresh().g_1)[4:].any()
    assert (state.g_2[:, 2] >= fresh().g_2[:, 2]).all() and (state.g_2[:, 1] < fresh().g_2[:, 1]).any()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"images": np.zeros((3, P + 1), np.uint8)}, "images of shape"),
        ({"images": np.full((3, P), 2, np.uint8)}, "must be 0 and 1"),
        ({"images": np.zeros((3, P))}, "must be 0 and 1"),
        ({"labels": np.array([0, 1, K])}, "labels"),
        ({"labels": np.array([0, 1])}, "labels"),
        ({"d": alike((0, 0), (0, 0))._replace(down_b=np.zeros((2, 2)))}, "down_b of shape"),
        ({"state": fresh()._replace(words=np.zeros(3, np.uint64))}, "words of shape"),
        ({"state": fresh()._replace(g_2=np.zeros((H + 1, K)))}, "conductances of shapes"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any], says: str) -> None:
    given = {"state": fresh(), "images": np.zeros((3, P), np.uint8), "labels": np.zeros(3, np.int64), "d": DEVICE, **wrong}
    with pytest.raises(ConfigError, match=says) as caught:
        train(given["state"], given["images"], given["labels"], NOISY, (DEVICE, given["d"]))
    assert "\n" not in str(caught.value)


def test_reading_writes_nothing(images: Array) -> None:
    state = fresh()
    respond(state, images, NOISY)
    assert same(state, fresh())
