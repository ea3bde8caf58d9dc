"""The same network in Brian2, given the same input spikes: the same spikes, the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bioplaus.diehl_cook.network import DiehlCook, State, copied, drive, new_state

Array = np.ndarray[Any, Any]
NEURON = """
dv/dt = (rest - v + g_e * (0*mV - v) + g_i * (below - v)) / tau : volt (unless refractory)
dg_e/dt = -g_e / tau_ge : 1
dg_i/dt = -g_i / tau_gi : 1
"""
PLASTIC = """
w : 1
dx/dt = -x / (20*ms) : 1 (event-driven)
dy1/dt = -y1 / (20*ms) : 1 (event-driven)
dy2/dt = -y2 / (40*ms) : 1 (event-driven)
"""


def in_brian(p: DiehlCook, start: State, raster: Array, learn: bool) -> tuple[Array, Array, Array, Array]:
    """Return spikes per neuron of both kinds, weights and theta (mV) after the raster."""
    import brian2 as b

    b.prefs.codegen.target = "numpy"
    b.start_scope()
    b.defaultclock.dt = p.dt * b.ms
    ms, mV = b.ms, b.mV
    shared = {"tau_ge": p.tau_ge * ms, "tau_gi": p.tau_gi * ms, "mV": mV, "ms": ms}
    times, which = np.nonzero(raster)
    inputs = b.SpikeGeneratorGroup(p.inputs, which, times * p.dt * ms)
    exc = b.NeuronGroup(
        p.neurons,
        NEURON + ("dtheta/dt = -theta / tau_theta : volt\n" if learn else "theta : volt\n") + "dtimer/dt = 1 : second",
        threshold="v > theta + threshold and timer > gate",
        reset="v = reset; timer = 0*ms" + ("; theta += plus" if learn else ""),
        refractory=p.clamp_e * ms,
        method="euler",
        namespace={
            **shared,
            "rest": p.rest_e * mV,
            "below": p.reversal_i * mV,
            "tau": p.tau_e * ms,
            "tau_theta": p.tau_theta * ms,
            "threshold": p.threshold_e * mV,
            "gate": (p.gate_e + p.dt / 2) * ms,  # more than the gate, whatever the timer's rounding
            "reset": p.reset_e * mV,
            "plus": p.theta_plus * mV,
        },
    )
    exc.v, exc.theta, exc.timer = (p.rest_e - p.start_below) * mV, p.theta_start * mV, 1 * b.second
    inh = b.NeuronGroup(
        p.neurons,
        NEURON,
        threshold="v > threshold",
        reset="v = reset",
        refractory=p.clamp_i * ms,
        method="euler",
        namespace={
            **shared,
            "rest": p.rest_i * mV,
            "below": -85 * mV,
            "tau": p.tau_i * ms,
            "threshold": p.threshold_i * mV,
            "reset": p.reset_i * mV,
        },
    )
    inh.v = (p.rest_i - p.start_below) * mV
    pre, post = {"pre": "g_e_post += w"}, {}
    if learn:
        pre["pre"] += "; x = 1; w = clip(w - rate_pre * y1, 0, w_max)"
        post = {"post": "w = clip(w + rate_post * x * y2, 0, w_max)", "after": "y1 = 1; y2 = 1"}
    rates = {"rate_pre": p.rate_pre, "rate_post": p.rate_post, "w_max": p.w_max, "ms": ms}
    plastic = b.Synapses(inputs, exc, PLASTIC, on_pre=pre, on_post=post, namespace=rates)
    plastic.connect()
    plastic.w, plastic.pre.delay = start.weights.ravel(), start.delays.ravel() * p.dt * ms
    plastic.pre.order = 1
    if learn:
        plastic.post.order, plastic.after.order = 0, 2
    up = b.Synapses(exc, inh, on_pre="g_e_post += w_ei", namespace={"w_ei": p.w_ei})
    up.connect(j="i")
    across = b.Synapses(inh, exc, on_pre="g_i_post += w_ie", namespace={"w_ie": p.w_ie})
    across.connect("i != j")
    seen = [b.SpikeMonitor(group, record=False) for group in (exc, inh)]
    net = b.Network(inputs, exc, inh, plastic, up, across, *seen)
    net.run(len(raster) * p.dt * ms, namespace={})
    return (
        np.array(seen[0].count),
        np.array(seen[1].count),
        np.array(plastic.w).reshape(start.weights.shape),
        np.array(exc.theta / mV),
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("learn", "changed"),
    [
        (False, {}),
        (True, {"rate_pre": 0.01, "rate_post": 0.1, "tau_theta": 2000.0}),
        (True, {"delay_max": 0.0, "gate_e": 50.0, "theta_plus": 1.0}),
    ],
)
def test_brian2_agrees(small: Any, raster: Array, learn: bool, changed: dict[str, Any]) -> None:
    p = small(decay="euler", **changed)
    state = new_state(p, 11)
    state.weights[:] *= p.total / state.weights.sum(0)
    fired, answered, weights, theta = in_brian(p, copied(state), raster, learn)
    before = state.weights.copy()
    e, i = drive(state, raster, p, learn=learn)
    assert fired.sum() > 15 and answered.sum() > 15
    np.testing.assert_array_equal(e.sum(0), fired)
    np.testing.assert_array_equal(i.sum(0), answered)
    np.testing.assert_allclose(state.weights, weights, atol=1e-10)
    np.testing.assert_allclose(state.theta, theta, rtol=1e-4)  # Brian2's theta takes Euler's steps
    assert learn == bool(np.abs(weights - before).max() > 1e-3)
