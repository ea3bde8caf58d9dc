"""Pulses and reads inside the compiled loops, beside published and closed-form values; noise beside its distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bioplaus.dynamics.normal import normal, normals
from bioplaus.dynamics.random import seeded
from bioplaus.neurosim import kernels
from bioplaus.neurosim.network import Constants, Pulses, alike, new_state, respond
from bioplaus.plasticity import devices

Array = np.ndarray[Any, Any]
LINEAR = {"nl_up": 0.0, "nl_down": 0.0}


def constants(device: Any, **other: float) -> Constants:
    own = {"rate_1": 0.0, "rate_2": 0.0, "read_noise": device.read_noise, "offset": device.g_min / (device.g_max - device.g_min), "steps": 255.0}
    own |= {"pulses_up": float(device.pulses_up), "pulses_down": float(device.pulses_down), "cycle_noise": 0.0}
    return Constants(**{**own, **other})


def pulses_of(device: Any) -> Pulses:
    c = device.steps.flat()
    return alike((c["up_a"], c["up_b"]), (-c["down_a"], -c["down_b"]))


def written(device: Any, g: Any, n: float, *, seed: int = 0, apart: bool = False, **other: float) -> tuple[Array, Array]:
    """Ask for a change that stands for n pulses (a fraction is rounded by the loop) of devices at g; return conductances and counts."""
    row = np.array(np.atleast_1d(g), dtype=float)[None]
    d, c = pulses_of(device), constants(device, **other)
    if apart:
        d = Pulses(*(np.full(row.shape, a[0, 0]) for a in d))
    counts, load, noise = np.zeros(2, np.int64), np.zeros(2), np.empty(row.size)
    change = np.full(row.shape[1], 2 * n / (c.pulses_up if n > 0 else c.pulses_down))
    if apart:
        kernels.write(row, np.array([0]), 1, np.ones(1), change, d, c, seeded(np.uint64(seed)), noise, counts, load)
    else:
        kernels.write_alike(row, np.array([0]), 1, change, d, c, seeded(np.uint64(seed)), noise, counts, load)
    return row[0], counts


PUBLISHED = [
    ("ag_asi", 0.0, {1: 0.023628, 10: 0.215688, 49: 0.735742, 97: 1.0}),
    ("ag_asi", 1.0, {-1: 0.950969, -10: 0.604304, -50: 0.076124, -100: 0.0}),
    ("ag_asi", 0.5, {1: 0.513407}),
    ("ag_asi", 0.5134067, {-1: 0.488072}),
    ("epiram", 0.0, {1: 0.018871, 16: 0.288338, 32: 0.549443}),
    ("epiram", 1.0, {-1: 0.981129, -16: 0.711662, -32: 0.450557}),
    ("epiram", 0.5, {1: 0.5157805, -1: 0.4842195}),
    ("hzo_fefet", 1.0, {-1: 0.983321, -8: 0.847675, -16: 0.643171}),
]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("name", "start", "points"), PUBLISHED)
def test_curves_of_the_manual(name: str, start: float, points: dict[int, float], apart: bool) -> None:
    for n, expected in points.items():
        found, counts = written(devices.get(name), start, n, apart=apart)
        assert abs(found[0] - expected) < 1e-6
        assert counts.tolist() == [max(n, 0), max(-n, 0)]


def test_conductances_in_siemens() -> None:
    device = devices.get("ag_asi")
    up = {1: 3.912971e-9, 10: 1.070903e-8, 49: 2.911122e-8, 97: 3.8462e-8}
    down = {1: 3.672702e-8, 10: 2.446025e-8, 50: 5.770559e-9, 100: 3.0769e-9}
    for start, sign, points in ((0.0, 1, up), (1.0, -1, down)):
        for n, expected in points.items():
            assert device.siemens(written(device, start, sign * n)[0][0]) == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize("name", ["ag_asi", "hzo_fefet", "pcmo", "gst_pcm"])
@pytest.mark.parametrize("sign", [1, -1])
def test_many_pulses_are_as_many_single_ones(name: str, sign: int) -> None:
    device, g = devices.get(name), np.random.default_rng(1).random(50)
    one = g
    for n in range(1, 41):
        one = written(device, one, sign)[0]
        np.testing.assert_allclose(written(device, g, sign * n)[0], one, atol=1e-12)
    whole = device.pulses_up if sign > 0 else device.pulses_down
    np.testing.assert_allclose(written(device, float(sign < 0), sign * whole)[0], float(sign > 0), atol=1e-12)


def test_a_straight_line_is_the_limit() -> None:
    g = np.array([0.2, 0.5, 0.7])
    for label in (0.0, 1e-5):
        device = devices.get("epiram", nl_up=label, nl_down=-label)
        np.testing.assert_allclose(written(device, g, 5)[0], g + 5 / 64, atol=1e-6)
        np.testing.assert_allclose(written(device, g, -5)[0], g - 5 / 64, atol=1e-6)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("wanted", "pulses"), [(0.49999, 0), (0.5, 1), (1.5, 2), (2.5, 3), (2.49999, 2), (-0.5, 1), (-2.5, 3), (-0.49, 0), (7.0, 7)]
)
def test_half_a_pulse_is_one(wanted: float, pulses: int, apart: bool) -> None:
    """64 pulses: halves are exact."""
    device = devices.get("epiram", **LINEAR)
    found, counts = written(device, 0.5, wanted, apart=apart, cycle_noise=0.0)
    assert counts.sum() == pulses and counts[0 if wanted > 0 else 1] == pulses
    assert found[0] == pytest.approx(0.5 + np.sign(wanted) * pulses / 64, abs=1e-12)


@pytest.mark.parametrize("apart", [False, True])
def test_noise_of_a_write(apart: bool) -> None:
    """Variance sigma^2 n of one write of n, added up over writes; a write of nothing has none."""
    device, sigma, size = devices.get("epiram", **LINEAR), 0.01, 20_000
    g = np.full(size, 0.5)
    assert np.array_equal(written(device, g, 0.4, cycle_noise=sigma, apart=apart)[0], g)
    for n in (1, 4, 9):
        found = written(device, g, n, cycle_noise=sigma, apart=apart)[0] - g - n / 64
        assert found.std() == pytest.approx(sigma * np.sqrt(n), rel=0.03) and abs(found.mean()) < 4 * sigma * np.sqrt(n / size)
    for k in range(5):
        g = written(device, g, (-1) ** k * 4, cycle_noise=sigma, seed=k, apart=apart)[0]
    assert np.var(g - 0.5 - 4 / 64) == pytest.approx(sigma**2 * 4 * 5, rel=0.05)


def test_noise_ends_at_the_bounds() -> None:
    found = written(devices.get("epiram"), np.full(4000, 0.99), 1, cycle_noise=0.1)[0]
    assert found.max() == 1 and 0.4 < (found == 1).mean() < 0.7


def test_normal_numbers() -> None:
    words = seeded(np.uint64(7))
    found = np.array([normal(words) for _ in range(100_000)])
    assert stats.kstest(found, "norm").pvalue > 0.01
    assert stats.kurtosis(found) == pytest.approx(0, abs=0.06) and abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.01
    beyond = 2 * stats.norm.sf(3.0) * len(found)  # the widest strip and the tail
    assert abs((abs(found) > 3.0).sum() - beyond) < 4 * np.sqrt(beyond)


def test_many_at_once_are_as_many_calls() -> None:
    words, again, found = seeded(np.uint64(2)), seeded(np.uint64(2)), np.empty(30_000)
    normals(words, found)
    assert np.array_equal(found, [normal(again) for _ in found]) and np.array_equal(words, again)


def test_tail_of_normal_numbers() -> None:
    """Beyond 3.654 they come from another branch."""
    import numba

    @numba.njit
    def far(words: Any, n: int, where: float) -> int:
        count = 0
        for _ in range(n):
            count += abs(normal(words)) > where
        return count

    n = 20_000_000
    for where in (3.6, 3.8, 4.2):
        expected = 2 * stats.norm.sf(where) * n
        assert abs(far(seeded(np.uint64(1)), n, where) - expected) < 4.5 * np.sqrt(expected)


def test_what_the_adc_sees() -> None:
    """One column of known current, in steps of 1/255 of all rows; the reference is rounded down by itself."""
    g_1 = np.full((10, 1), 0.75)
    device = devices.get("epiram", g_min=1.0, g_max=3.0)  # offset 1/2
    images = np.tri(11, 10, -1, dtype=np.uint8)
    for bits in (8, 3):
        c = constants(device, steps=2.0**bits - 1)
        n = np.arange(11)
        steps = 2**bits - 1
        z = (np.floor(steps * n * 1.25 / 10 + 1e-9) - np.floor(steps * n * 1.0 / 10 + 1e-9)) * 10 / steps
        # a second layer of one open device: net input (1 + 1/2) less 1, in steps of 1
        found = kernel_read(g_1, images, c)
        np.testing.assert_allclose(found, z, atol=1e-12)
    np.testing.assert_allclose(kernel_read(g_1, images, constants(device, steps=0.0)), 0.25 * n, atol=1e-12)


def kernel_read(g: Array, images: Array, c: Constants, seed: int = 0) -> Array:
    found, words = [], seeded(np.uint64(seed))
    for image in images:
        rows, net = np.empty(len(image), np.int64), np.empty(g.shape[1])
        count = kernels.lit(image, rows)
        kernels.read(g, rows, count, c, words, np.empty(g.shape[1]), np.empty(g.shape[1]), net)
        found.append(net[0] if len(net) == 1 else net)
    return np.array(found)


def test_read_noise_is_that_of_each_device() -> None:
    """Currents of devices, offset included, times 1 + sigma xi each: the variance is the sum of squares of their currents."""
    rng = np.random.default_rng(0)
    g, sigma = rng.random((6, 1)).repeat(30_000, 1), 0.1
    c = constants(devices.get("epiram", g_min=1.0, g_max=3.0), steps=0.0, read_noise=sigma)
    found = kernel_read(g, np.array([[1, 1, 0, 1, 0, 1]], np.uint8), c)[0]
    lit = g[[0, 1, 3, 5], 0]
    assert found.mean() == pytest.approx((lit - 0.5).sum(), abs=0.01)
    assert found.std() == pytest.approx(sigma * np.sqrt(((lit + 0.5) ** 2).sum()), rel=0.02)


def test_read_noise_of_a_test_follows_from_seed_and_image() -> None:
    rng = np.random.default_rng(0)
    state = new_state(rng.random((20, 8)), rng.random((8, 3)), 1)
    images = (rng.random((5, 20)) < 0.5).astype(np.uint8)
    c = constants(devices.get("epiram"), steps=0.0, read_noise=0.2)
    found, words = respond(state, images, c, seed=4), state.words.copy()
    assert np.array_equal(found[[3, 1]], respond(state, images[[3, 1]], c, seed=4)) and np.array_equal(words, state.words)
    assert not np.allclose(found, respond(state, images, c, seed=5))
    assert not np.allclose(found, respond(state, images, c._replace(read_noise=0.0)))
    # one pixel or another of equal devices: without noise the same answer, with it each image meets its own
    alike = new_state(np.full((20, 8), 0.7), rng.random((8, 3)), 1)
    either = np.eye(20, dtype=np.uint8)[[2, 5]]
    quiet, noisy = (respond(alike, either, c._replace(read_noise=noise), seed=4) for noise in (0.0, 0.2))
    assert np.allclose(quiet[0], quiet[1]) and not np.allclose(noisy[0], noisy[1])
