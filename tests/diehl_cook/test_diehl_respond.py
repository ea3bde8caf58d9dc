"""Test mode: each image by itself, from rest, on spikes that follow from seed and image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bioplaus.diehl_cook.network import DiehlCook, State, copied, new_state, respond, train
from bioplaus.dynamics.random import seeded

Array = np.ndarray[Any, Any]
WORD = 2**64


@pytest.fixture
def images() -> Array:
    """Return 6 random images of 20 pixels, half of them black, the third one dim."""
    rng = np.random.default_rng(5)
    found = (rng.integers(1, 256, (6, 20)) * (rng.random((6, 20)) < 0.5)).astype(np.uint8)
    found[2] //= 16
    return found


@pytest.fixture
def p() -> DiehlCook:
    return DiehlCook(inputs=20, neurons=6, total=12, divisor=1, image_time=200, rest_time=30, gate_e=8)


@pytest.fixture
def trained(p: DiehlCook, images: Array) -> State:
    state = new_state(p, 3)
    train(state, images, p)
    return state


def mark(seed: int, image: Array) -> int:
    """FNV-1a over the pixels, from a basis in which the seed is mixed."""
    found = (14695981039346656037 ^ seed) * 1099511628211 % WORD
    for byte in image.tolist():
        found = (found ^ byte) * 1099511628211 % WORD
    return found


def at_rest(state: State, p: DiehlCook, words: Array) -> State:
    """Return the same network as if nothing had ever happened."""
    fresh = new_state(p, 0)
    fresh.v_e[:], fresh.v_i[:] = p.rest_e, p.rest_i
    return fresh._replace(weights=state.weights, delays=state.delays, theta=state.theta, words=words)


def test_one_image_is_a_presentation_from_rest(p: DiehlCook, images: Array, trained: State) -> None:
    """`train`, learning off, on a network at rest whose generator starts where seed and image say."""
    counts, tries, sent = respond(trained, images, p, seed=9)
    once = [k for k in range(len(images)) if tries[k] == 1]
    assert len(once) >= 4
    for k in once:
        state = at_rest(copied(trained), p, seeded(np.uint64(mark(9, images[k]))))
        expected, _ = train(state, images[k : k + 1], p, learn=False)
        np.testing.assert_array_equal(counts[k], expected[0])
        assert sent[k, 1] == counts[k].sum() >= p.fewest


def test_neither_order_nor_company_matters(p: DiehlCook, images: Array, trained: State) -> None:
    whole = respond(trained, images, p, seed=1)
    order = np.array([4, 2, 0, 5, 3, 1])
    moved = respond(trained, images[order], p, seed=1)
    alone = [respond(trained, images[k : k + 1], p, seed=1) for k in range(len(images))]
    for i in range(3):
        np.testing.assert_array_equal(moved[i], whole[i][order])
        np.testing.assert_array_equal(np.concatenate([one[i] for one in alone]), whole[i])
    assert any((respond(trained, images, p, seed=seed)[0] != whole[0]).any() for seed in (2, 3))


def test_nothing_is_changed(p: DiehlCook, images: Array, trained: State) -> None:
    before = copied(trained)
    respond(trained, images, p)
    assert all(np.array_equal(a, b) for a, b in zip(before, trained))


def test_dim_images_are_shown_again_and_blank_ones_until_the_end(p: DiehlCook, images: Array, trained: State) -> None:
    _, tries, _ = respond(trained, images, p)
    assert tries[2] > 1
    counts, tries, sent = respond(trained, np.zeros((1, 20), np.uint8), p)
    assert tries[0] == p.most_tries and not counts.any() and not sent.any()


def test_spikes_that_are_sent(p: DiehlCook) -> None:
    """Inputs fire at pixel / divisor x intensity Hz; an inhibitory neuron answers each spike of its partner, but for one in the last steps."""
    quiet = DiehlCook(**{**vars(p), "fewest": 0, "image_time": 2000})
    image = np.full((40, 20), 100, np.uint8)
    image[:, 0] = np.arange(40)  # other images: other spikes
    state = new_state(quiet, 3)
    counts, _, sent = respond(state, image, quiet)
    expected = image.sum(1) * quiet.intensity * quiet.image_time / 1000
    assert abs(sent[:, 0].sum() - expected.sum()) < 4 * np.sqrt(expected.sum())
    np.testing.assert_array_equal(sent[:, 1], counts.sum(1))
    assert (np.abs(sent[:, 2] - sent[:, 1]) <= 6).all() and sent[:, 2].sum() > 100
