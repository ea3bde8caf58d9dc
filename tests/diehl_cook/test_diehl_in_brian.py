"""The network that backend=brian2 presents images to, beside the compiled one: the same spikes, tries and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bioplaus.diehl_cook.network import DiehlCook, State, new_state, train


@pytest.mark.parametrize(
    "changed",
    [
        {"rate_pre": 0.01, "rate_post": 0.1, "theta_plus": 0.5},
        {"decay": "euler", "delay_max": 0.0},
        {"w_ie": 400.0, "tau_theta": 2000.0},  # inhibition that Euler's step would overshoot with
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_brian2_presents_images_as_the_compiled_loop_does(changed: dict[str, Any]) -> None:
    b = pytest.importorskip("brian2")
    from bioplaus.brian import using
    from bioplaus.diehl_cook.brian import InBrian

    p = DiehlCook(
        inputs=20, neurons=6, total=12, divisor=1, image_time=100, rest_time=12, gate_e=8, intensity=4, **changed
    )
    rng = np.random.default_rng(5)
    images = (rng.integers(1, 256, (6, 20)) * (rng.random((6, 20)) < 0.5)).astype(np.uint8)
    images[4] //= 3  # which has to be shown again
    ours, theirs = new_state(p, 3), new_state(p, 3)
    for state in (ours, theirs):  # something to go on from: traces, thresholds, voltages
        train(state, images[:2], p)
    start = theirs.weights.copy()
    counts, tries = train(ours, images[2:], p)
    with using(b, "numpy"):
        network = InBrian(b, p, theirs)
        first, second = network.present(theirs, images[2:4]), network.present(theirs, images[4:])
    np.testing.assert_array_equal(counts, np.concatenate([first[0], second[0]]))
    np.testing.assert_array_equal(tries, np.concatenate([first[1], second[1]]))
    assert counts.sum() > 25 and tries.max() > 1
    for name in State._fields:
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), rtol=1e-11, atol=1e-11, err_msg=name)
    assert np.abs(theirs.weights - start).max() > 1e-3
