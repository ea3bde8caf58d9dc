"""How images are shown: rates, tries, normalisation, test mode; and that a copied state goes on to the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bioplaus.diehl_cook.network import DiehlCook, State, copied, drive, new_state, present, train
from bioplaus.diehl_cook.state import NEVER
from bioplaus.errors import ConfigError

Array = np.ndarray[Any, Any]


@pytest.fixture
def images() -> Array:
    """Return 8 random images of 20 pixels, half of them black."""
    rng = np.random.default_rng(5)
    return (rng.integers(1, 256, (8, 4, 5)) * (rng.random((8, 4, 5)) < 0.5)).astype(np.uint8)


@pytest.fixture
def quick() -> DiehlCook:
    """Return parameters with which 20 inputs fire often enough."""
    return DiehlCook(inputs=20, neurons=6, total=12, divisor=1, image_time=200, rest_time=30)


def same(a: State, b: State) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b))


@pytest.mark.parametrize(("tries", "pixel"), [(1, 255), (3, 255), (2, 100)])
def test_inputs_fire_at_their_rate(tries: int, pixel: int) -> None:
    """Pixel/8 x intensity Hz, intensity 2, 3, 4, ... from try to try: seen in a single step of many inputs."""
    n = 30_000
    p = DiehlCook(inputs=n, neurons=1, w_scale=0, delay_max=0, image_time=0.5, rest_time=0, fewest=1, most_tries=tries)
    state = new_state(p, 1)
    present(state, np.full(n, pixel), p, learn=False)
    chance = pixel / 8 * (1 + tries) * 0.0005
    assert int(state.clock[0]) == tries
    fired = int((state.past.max(1) == tries - 1).sum())  # in the last step
    assert abs(fired - n * chance) < 4 * np.sqrt(n * chance * (1 - chance))


def test_black_pixels_never_fire_and_rest_is_silent(quick: DiehlCook, images: Array) -> None:
    state = new_state(quick, 2)
    present(state, images[0], quick)
    unlit = images[0].ravel() == 0
    assert (state.past[unlit] == -NEVER).all() and (state.past[~unlit].max(1) >= 0).all()
    assert state.past.max() < state.clock[0] - quick.steps(quick.rest_time)


def test_too_quiet_images_are_shown_again(quick: DiehlCook, images: Array) -> None:
    dim = images[0] // 16
    state = new_state(quick, 3)
    counts, tries = train(state, np.stack([images[0], dim, np.zeros_like(dim), images[1]]), quick)
    assert tries[0] == 1 and 1 < tries[1] < 100 and tries[2] == quick.most_tries and tries[3] == 1
    assert counts[0].sum() >= 5 and counts[1].sum() >= 5 and counts[2].sum() == 0
    assert state.clock[0] == tries.sum() * quick.steps(quick.image_time + quick.rest_time)


def test_weights_are_scaled_before_each_presentation(quick: DiehlCook, images: Array) -> None:
    """Learning rates 0: column sums are 6 whatever they were, ratios within a column stay; all-zero columns stay."""
    p = DiehlCook(**{**vars(quick), "total": 6, "rate_pre": 0, "rate_post": 0})
    state = new_state(p, 4)
    state.weights[:, 2] = 0
    before = state.weights.copy()
    train(state, images, p)
    others = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(state.weights[:, others], before[:, others] * 6 / before[:, others].sum(0), rtol=1e-12)
    assert not state.weights[:, 2].any()


def test_learning_off(quick: DiehlCook, images: Array) -> None:
    state = new_state(quick, 5)
    train(state, images, quick)
    tested = copied(state)
    counts, _ = train(tested, images, quick, learn=False)
    assert counts.sum() > 20
    for name in ("weights", "theta"):
        np.testing.assert_array_equal(getattr(tested, name), getattr(state, name))
    assert not same(tested, state)


@pytest.mark.parametrize("cut", [1, 5])
def test_resumed_bit_for_bit(quick: DiehlCook, images: Array, cut: int, tmp_path: Path) -> None:
    whole, part = new_state(quick, 6), new_state(quick, 6)
    counts, tries = train(whole, images, quick)
    first = train(part, images[:cut], quick)
    np.savez(tmp_path / "kept.npz", **part._asdict())
    with np.load(tmp_path / "kept.npz") as kept:
        part = State(**kept)
    second = train(part, images[cut:], quick)
    np.testing.assert_array_equal(counts, np.concatenate([first[0], second[0]]))
    np.testing.assert_array_equal(tries, np.concatenate([first[1], second[1]]))
    assert same(whole, part)


def test_seeds(quick: DiehlCook) -> None:
    a, b, c = new_state(quick, 1), new_state(quick, 1), new_state(quick, 2)
    assert same(a, b) and not np.array_equal(a.weights, c.weights) and not np.array_equal(a.delays, c.delays)
    assert a.weights.min() >= 0.003 and a.weights.max() <= 0.303
    assert a.delays.min() == 0 and a.delays.max() == 20


def test_what_an_unused_input_keeps(small: Any, raster: Array) -> None:
    p = small(rate_pre=0.01, rate_post=0.1)
    state = new_state(p, 8)
    state.weights[:] *= p.total / state.weights.sum(0)
    before = state.weights.copy()
    drive(state, raster, p)
    np.testing.assert_array_equal(state.weights[19], before[19])
    assert (state.weights[:19] != before[:19]).any(1).all()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tau_pre": 0.0}, "tau_pre=0.0: must be > 0"),
        ({"dt": float("nan")}, "dt=nan: must be a finite number"),
        ({"gate_e": -1.0}, "gate_e=-1.0: must be >= 0"),
        ({"neurons": 40_000}, "neurons=40000: must be in 1..32767"),
        ({"decay": "rk4"}, "decay='rk4': must be one of exact, euler"),
        ({"decay": "euler", "dt": 1.5}, "dt=1.5: must be <= tau_ge and tau_gi with decay=euler"),
        ({"reset_e": 5.0}, "reset_e=5.0: must be in reversal_i..reversal_e = -100.0..0.0"),
    ],
)
def test_parameters_out_of_range(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DiehlCook(**changed)
    assert str(caught.value) == says


def test_arrays_that_do_not_fit(quick: DiehlCook, images: Array) -> None:
    state = new_state(quick, 0)
    with pytest.raises(ConfigError, match="with 20 pixels each"):
        train(state, images[:, :3], quick)
    with pytest.raises(ConfigError, match="whole numbers in 0..255"):
        train(state, images / 255, quick)
    with pytest.raises(ConfigError, match=r"spikes of shape \(5, 19\)"):
        drive(state, np.zeros((5, 19)), quick)
    with pytest.raises(ConfigError, match=r"state.weights: float64 \(20, 6\); must be float64 \(20, 7\)"):
        train(state, images, DiehlCook(**{**vars(quick), "neurons": 7}))
    with pytest.raises(ConfigError, match=r"state.theta: float32"):
        train(state._replace(theta=state.theta.astype(np.float32)), images, quick)
    with pytest.raises(ConfigError, match=r"state.delays: 0..21 steps; must be in 0..20"):
        train(
            state._replace(delays=state.delays + (np.arange(6) == state.delays.argmax() % 6).astype(np.int16)),
            images,
            quick,
        )
    with pytest.raises(ConfigError, match="seed=-1"):
        new_state(quick, -1)
