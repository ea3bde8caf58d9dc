"""The network of Diehl & Cook in Brian2, given the input spikes that the compiled loop would draw.

Neurons, synapses, delays, event-driven traces and plasticity are Brian2's. Voltages take its Euler steps; conductances, theta and postsynaptic
traces decay once per step by the factors of `bioplaus.diehl_cook.constants`, so that both ways to let them decay are there. All numbers are
handed over as variables: constants in equations would be compiled anew for every value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bioplaus.diehl_cook import kernels
from bioplaus.diehl_cook.constants import Constants
from bioplaus.diehl_cook.parameters import DiehlCook
from bioplaus.diehl_cook.state import State

__all__ = ["InBrian"]

Array = np.ndarray[Any, Any]
#: v in mV, g in units of the leak, age in steps since the last spike. A step may not overshoot the voltage it is pulled to: `old` and clip.
_EXCITATORY = """
dv/dt = int(age >= clamp) * ((rest - v) + mean_e * g_e * (above - v) + mean_i * g_i * (below - v)) / tau : 1
g_e : 1
g_i : 1
theta : 1
y1 : 1
y2 : 1
age : integer
old : 1
seen : integer
until : second (shared)
"""
_INHIBITORY = """
dv/dt = int(age >= clamp) * ((rest - v) + mean_e * g_e * (above - v)) / tau : 1
g_e : 1
age : integer
"""
_PLASTIC = """
w : 1
dx/dt = -x / tau_x : 1 (event-driven)
"""
#: Ages are kept in 32 bits here, and grow on.
_LARGEST = 2**31 - 2**28
#: Names in a state and of the variables here.
_OF_EXCITATORY = {
    "v": "v_e",
    "g_e": "g_e",
    "g_i": "g_i",
    "theta": "theta",
    "y1": "post_1",
    "y2": "post_2",
    "age": "since_e",
}
_OF_INHIBITORY = {"v": "v_i", "g_e": "g_ei", "age": "since_i"}


class InBrian:
    """One network, to be presented images on and on.

    Parameters
    ----------
    b
        Brian2, its target set (`bioplaus.brian.using`) here and while images are presented.
    p
        Parameters; ``rest_time >= delay_max``, so that no spike is under way between two images.
    state
        Where it starts: its delays, and the traces of its inputs.
    """

    def __init__(self, b: Any, p: DiehlCook, state: State) -> None:
        self.b, self.p, self.c = b, p, Constants.of(p)
        ms, dt = b.ms, p.dt * b.ms
        self.inputs = b.SpikeGeneratorGroup(p.inputs, [], [] * ms, dt=dt)
        self.excitatory, self.inhibitory = self._populations()
        rates = {"rate_pre": p.rate_pre, "rate_post": p.rate_post, "w_max": p.w_max, "tau_x": p.tau_pre * ms}
        on_pre = "g_e_post += w; x = 1; w = clip(w - rate_pre * y1_post, 0, w_max)"
        on_post = "w = clip(w + rate_post * x * y2_post, 0, w_max)"
        self.plastic = b.Synapses(
            self.inputs, self.excitatory, _PLASTIC, on_pre=on_pre, on_post=on_post, namespace=rates, dt=dt
        )
        self.plastic.connect()
        self.plastic.pre.delay = state.delays.ravel() * dt
        self.plastic.post.order, self.plastic.pre.order = 0, 1
        e, i = self.excitatory, self.inhibitory
        up = b.Synapses(e, i, on_pre="g_e_post += w_ei", namespace={"w_ei": p.w_ei}, dt=dt)
        up.connect(j="i")
        across = b.Synapses(i, e, on_pre="g_i_post += w_ie", namespace={"w_ie": p.w_ie}, dt=dt)
        across.connect(condition="i != j")
        self.network = b.Network(self.inputs, e, i, self.plastic, up, across)
        self._remember_inputs(state)

    def _populations(self) -> tuple[Any, Any]:
        b, p, c, ms = self.b, self.p, self.c, self.b.ms
        names = {"above": c.reversal_e, "below": c.reversal_i, "mean_e": c.mean_ge, "mean_i": c.mean_gi}
        names |= {
            "keep_e": c.keep_ge,
            "keep_i": c.keep_gi,
            "keep_theta": c.keep_theta,
            "keep_1": c.keep_post_1,
            "keep_2": c.keep_post_2,
        }
        of_e = {
            "rest": c.rest_e,
            "tau": p.tau_e * ms,
            "clamp": c.clamp_e,
            "ready": c.ready_e,
            "limit": c.threshold_e,
            "back": c.reset_e,
        }
        excitatory = b.NeuronGroup(
            p.neurons,
            _EXCITATORY,
            threshold="v > theta + limit and age >= ready",
            reset="v = back; age = 0; y1 = 1; y2 = 1; theta += plus; seen += int(t < until)",
            method="euler",
            dt=p.dt * ms,
            namespace={**names, **of_e, "plus": c.theta_plus},
        )
        excitatory.run_regularly("age += 1; old = v", when="start")
        excitatory.run_regularly(
            "v = clip(clip(v, -inf, above), clip(old, -inf, below), inf)\n"
            "g_e *= keep_e; g_i *= keep_i; y1 *= keep_1; y2 *= keep_2; theta *= keep_theta",
            when="after_groups",
        )
        of_i = {"rest": c.rest_i, "tau": p.tau_i * ms, "clamp": c.clamp_i, "limit": c.threshold_i, "back": c.reset_i}
        inhibitory = b.NeuronGroup(
            p.neurons,
            _INHIBITORY,
            threshold="v > limit and age >= clamp",
            reset="v = back; age = 0",
            method="euler",
            dt=p.dt * ms,
            namespace={**names, **of_i},
        )
        inhibitory.run_regularly("age += 1", when="start")
        inhibitory.run_regularly("v = clip(v, -inf, above); g_e *= keep_e", when="after_groups")
        return excitatory, inhibitory

    def _remember_inputs(self, state: State) -> None:
        """Give each synapse the trace that the last spike which came through it has left."""
        now = int(state.clock[0])
        last = state.past[np.arange(self.p.inputs), state.newest]
        age = now - state.delays - last[:, None]
        self.plastic.x = np.exp(-age * (self.p.dt / self.p.tau_pre)).ravel()
        self.plastic.lastupdate = self.network.t

    def present(self, state: State, images: Array) -> tuple[Array, Array]:
        """Present images, uint8 ``[n, P]``, as `bioplaus.diehl_cook.network.train` does, changing the state in place."""
        p, N = self.p, self.p.neurons
        counts, tries = np.zeros((len(images), N), np.int32), np.zeros(len(images), np.int64)
        self._take(state)
        for k, image in enumerate(np.ascontiguousarray(images)):
            for attempt in range(p.most_tries):
                self._normalise()
                counts[k] = self._show(state, image, attempt)
                tries[k] = attempt + 1
                if counts[k].sum() >= p.fewest:
                    break
        self._give(state)
        return counts, tries

    def _show(self, state: State, image: Array, attempt: int) -> Array:
        """Show an image once, and rest; return the spikes of each excitatory neuron while it was shown."""
        dt, steps = self.p.dt * self.b.ms, self.c.image + self.c.pause
        spikes = np.zeros((steps, self.p.inputs), np.bool_)
        kernels.rasters(state, self.c, image, attempt, spikes)
        times, which = np.nonzero(spikes)
        start = self.network.t
        self.inputs.set_spikes(which, start + times * dt, sorted=True)
        self.excitatory.seen = 0
        self.excitatory.until = start + (self.c.image - 0.5) * dt
        self.network.run(steps * dt, namespace={})
        return np.array(self.excitatory.seen[:], np.int32)

    def _normalise(self) -> None:
        w = np.array(self.plastic.w[:]).reshape(self.p.inputs, self.p.neurons)
        sums = w.sum(0)
        w *= np.where(sums > 0, self.p.total / np.where(sums > 0, sums, 1), 1)
        self.plastic.w = w.ravel()

    def _take(self, state: State) -> None:
        for group, names in ((self.excitatory, _OF_EXCITATORY), (self.inhibitory, _OF_INHIBITORY)):
            for mine, theirs in names.items():
                setattr(group, mine, np.minimum(getattr(state, theirs), _LARGEST))
        self.plastic.w = state.weights.ravel()

    def _give(self, state: State) -> None:
        for group, names in ((self.excitatory, _OF_EXCITATORY), (self.inhibitory, _OF_INHIBITORY)):
            for mine, theirs in names.items():
                getattr(state, theirs)[:] = getattr(group, mine)[:]
        state.weights[:] = np.array(self.plastic.w[:]).reshape(state.weights.shape)
