"""Single neurons of the network, by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bioplaus.diehl_cook.network import DiehlCook, State, drive, new_state

Array = np.ndarray[Any, Any]


def at_rest(p: DiehlCook) -> State:
    """Return a network at rest with weights 0."""
    state = new_state(p, 0)
    state.weights[:] = 0
    state.v_e[:], state.v_i[:] = p.rest_e, p.rest_i
    return state


def spikes_at(p: DiehlCook, steps: int, *fired: tuple[int, int]) -> Array:
    """Return a raster with spikes (step, input)."""
    found = np.zeros((steps, p.inputs), bool)
    for t, i in fired:
        found[t, i] = True
    return found


@pytest.mark.parametrize("decay", ["exact", "euler"])
@pytest.mark.parametrize("dt", [0.1, 0.5])
def test_epsp_of_one_input(decay: str, dt: float) -> None:
    """A conductance of area w tau_ge pulls 65 mV at 1/100 per ms: .65 mV less what leaks."""
    p = DiehlCook(inputs=1, neurons=2, decay=decay, dt=dt, delay_max=0)
    state = at_rest(p)
    state.weights[0, 0] = 1
    raster, highest = spikes_at(p, 1, (0, 0)), []
    for _ in range(round(10 / dt)):
        drive(state, raster, p, learn=False)
        raster[:] = False
        highest.append(state.v_e.copy())
    peak = np.max(highest, 0)
    t = math.log(100) / 0.99  # where tau (exp(-t/100) - exp(-t)) is highest
    linear = 65 / 99 * (math.exp(-t / 100) - math.exp(-t))
    assert peak[0] + 65 == pytest.approx(0.65, abs=0.035)
    assert peak[0] + 65 == pytest.approx(linear, rel=0.04)
    assert peak[1] == -65


def test_a_delay_is_waited_for() -> None:
    p = DiehlCook(inputs=1, neurons=2)
    state = at_rest(p)
    state.weights[:], state.delays[0] = 1, (0, 20)
    moved = []
    for t in range(25):
        drive(state, spikes_at(p, 1, *([(0, 0)] if t == 0 else [])), p, learn=False)
        moved.append(state.g_e > 0)
    assert np.argmax(moved, 0).tolist() == [0, 20]  # 10 ms


@pytest.fixture
def pushed() -> tuple[DiehlCook, State, Array, Array, list[Array]]:
    """Neuron 0 is pushed hard all the time, neuron 1 not at all; 150 ms, learning."""
    p = DiehlCook(inputs=1, neurons=2, delay_max=0, rate_post=0)
    state = at_rest(p)
    state.weights[0, 0] = 1
    state.post_1[:] = 0
    state.g_e[:] = 0
    e, i, v = [], [], []
    for _ in range(300):
        state.g_e[0] = 20
        one, two = drive(state, np.zeros((1, 1), bool), p)
        e, i, v = [*e, one[0]], [*i, two[0]], [*v, state.v_e.copy()]
    return p, state, np.array(e), np.array(i), v


def test_clamp_and_gate(pushed: Any) -> None:
    """Held at -65 mV for 5 ms after a spike, free to rise after, silent for more than 50 ms."""
    _, _, e, _, v = pushed
    times = np.flatnonzero(e[:, 0])
    assert np.diff(times).tolist() == [101] * (len(times) - 1) and len(times) >= 2
    first = times[0]
    assert all(v[first + k][0] == -65 for k in range(10)) and v[first + 10][0] > -65
    assert v[first + 60][0] > -52  # far above threshold, and silent


def test_inhibition_follows_within_a_step_and_spares_its_own(pushed: Any) -> None:
    _, _, e, i, v = pushed
    times = np.flatnonzero(e[:, 0])
    assert np.flatnonzero(i[:, 0]).tolist() == (times + 1).tolist()
    assert not i[:, 1].any() and not e[:, 1].any()
    first = times[0] + 1
    assert v[first][1] == -65
    # 17 of the leak, on average over the step, pull from -65 towards -100
    mean = 4 * (1 - math.exp(-0.25))
    assert v[first + 1][1] == pytest.approx(-65 + 0.005 * 17 * mean * -35)


def test_theta_by_hand(pushed: Any) -> None:
    _, state, e, _, _ = pushed
    after = 300 - np.flatnonzero(e[:, 0]) - 1
    keep = math.exp(-0.5 / 1e7)
    assert state.theta[0] == pytest.approx(20 * keep**300 + 0.05 * sum(keep**n for n in after), abs=1e-13)
    assert state.theta[1] == pytest.approx(20 * keep**300, abs=1e-13)


def test_theta_nearly_fades_over_a_pass() -> None:
    """60,000 images of .5 s are three time constants: 95 % is lost."""
    p = DiehlCook(
        inputs=1, neurons=1, tau_theta=1e3, theta_start=200, delay_max=0
    )  # the same ratio, 10,000 times faster
    state = at_rest(p)
    drive(state, np.zeros((6000, 1), bool), p)
    assert 1 - state.theta[0] / 200 == pytest.approx(0.95, abs=0.002)


def test_plasticity_by_hand() -> None:
    """Set, not added: a second input spike and a second spike of the neuron each start their traces anew."""
    p = DiehlCook(inputs=3, neurons=1, delay_max=0, gate_e=0, clamp_e=0)
    state = at_rest(p)
    state.weights[:, 0] = 0.5
    post, pre, late = (
        (10, 40),
        (4, 30),
        (10, 52),
    )  # input 0 before the spikes, input 1 with the first and after the last

    for t in range(60):
        state.v_e[0] = 0 if t in post else -90
        drive(state, spikes_at(p, 1, *[(0, 0)] * (t in pre), *[(0, 1)] * (t in late)), p)
    y1 = lambda steps: math.exp(-steps * 0.5 / 20)  # noqa: E731
    y2 = lambda steps: math.exp(-steps * 0.5 / 40)  # noqa: E731
    # the neuron's first spike finds its own slow trace at 0 and adds nothing
    assert state.weights[0, 0] == pytest.approx(0.5 - 1e-4 * y1(20) + 1e-2 * y1(10) * y2(30), abs=1e-12)
    assert state.weights[1, 0] == pytest.approx(0.5 + 1e-2 * y1(30) * y2(30) - 1e-4 * y1(12), abs=1e-12)
    assert state.weights[2, 0] == 0.5  # never fired
