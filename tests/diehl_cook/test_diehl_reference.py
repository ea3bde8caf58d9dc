"""Every step of the compiled network against a plain one that keeps a trace per synapse and looks delays up in the whole past."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bioplaus.diehl_cook.network import DiehlCook, State, copied, drive, new_state

Array = np.ndarray[Any, Any]
COMPARED = ("weights", "theta", "v_e", "v_i", "g_e", "g_i", "g_ei", "post_1", "post_2")


class Plain:
    """The equations, written down once more, dense and slow."""

    def __init__(self, p: DiehlCook, start: State, learn: bool) -> None:
        self.p, self.learn, self.past = p, learn, []
        for name in COMPARED:
            setattr(self, name, getattr(start, name).copy())
        self.delays = start.delays.astype(int)
        self.x = np.zeros(start.weights.shape)
        self.last_e, self.last_i = np.full(p.neurons, -np.inf), np.full(p.neurons, -np.inf)

    def step(self, inputs: Array) -> tuple[Array, Array]:
        p, t = self.p, len(self.past) * self.p.dt
        self.past.append(inputs)
        self._move(t)
        e = (self.v_e > self.theta + p.threshold_e) & (t - self.last_e >= p.clamp_e) & (t - self.last_e > p.gate_e)
        i = (self.v_i > p.threshold_i) & (t - self.last_i >= p.clamp_i)
        here = np.array([[self._fired(k, d) for d in row] for k, row in enumerate(self.delays)])
        old_x, old_1, old_2 = self.x.copy(), self.post_1.copy(), self.post_2.copy()
        if self.learn:
            self.weights[:, e] = np.clip(self.weights + p.rate_post * old_x * old_2, 0, p.w_max)[:, e]
        self.g_e += (self.weights * here).sum(0)
        self.x[here], self.post_1[e], self.post_2[e] = 1, 1, 1
        if self.learn:
            self.weights = np.where(here, np.clip(self.weights - p.rate_pre * old_1, 0, p.w_max), self.weights)
            self.theta[e] += p.theta_plus
        self.g_ei[e] += p.w_ei
        self.g_i += p.w_ie * (i[None] & ~np.eye(p.neurons, dtype=bool)).sum(1)
        self.v_e[e], self.v_i[i] = p.reset_e, p.reset_i
        self.last_e[e], self.last_i[i] = t, t
        return e, i

    def _move(self, t: float) -> None:
        p = self.p
        mean_e, mean_i = (
            (1, 1) if p.decay == "euler" else (tau / p.dt * (1 - np.exp(-p.dt / tau)) for tau in (p.tau_ge, p.tau_gi))
        )
        pull = mean_e * self.g_e * (p.reversal_e - self.v_e) + mean_i * self.g_i * (p.reversal_i - self.v_e)
        v_e = self.v_e + p.dt / p.tau_e * (p.rest_e - self.v_e + pull)
        v_i = self.v_i + p.dt / p.tau_i * (p.rest_i - self.v_i + mean_e * self.g_ei * (p.reversal_e - self.v_i))
        self.v_e = np.where(
            t - self.last_e >= p.clamp_e, np.clip(v_e, np.minimum(self.v_e, p.reversal_i), p.reversal_e), self.v_e
        )
        self.v_i = np.where(t - self.last_i >= p.clamp_i, np.minimum(v_i, p.reversal_e), self.v_i)
        keep_e, keep_i = (1 - p.dt / tau if p.decay == "euler" else np.exp(-p.dt / tau) for tau in (p.tau_ge, p.tau_gi))
        self.g_e, self.g_i, self.g_ei = self.g_e * keep_e, self.g_i * keep_i, self.g_ei * keep_e
        self.x *= np.exp(-p.dt / p.tau_pre)
        self.post_1, self.post_2 = (
            self.post_1 * np.exp(-p.dt / p.tau_post_1),
            self.post_2 * np.exp(-p.dt / p.tau_post_2),
        )
        if self.learn:
            self.theta *= np.exp(-p.dt / p.tau_theta)

    def _fired(self, k: int, steps: int) -> bool:
        return len(self.past) > steps and bool(self.past[-1 - steps][k])


@pytest.mark.parametrize(
    ("learn", "changed"),
    [
        (True, {}),
        (True, {"delay_max": 0.0, "rate_pre": 0.02}),
        (True, {"decay": "euler", "rate_post": 0.2, "tau_theta": 500.0}),
        (True, {"w_ie": 400.0, "dt": 1.0}),  # inhibition that Euler's step would overshoot with
        (True, {"gate_e": 0.0, "theta_start": 16.0}),
        (False, {}),
    ],
)
def test_every_step(small: Any, raster: Array, learn: bool, changed: dict[str, Any]) -> None:
    p = small(**changed)
    state = new_state(p, 7)
    state.weights[:] *= p.total / state.weights.sum(0)
    state.weights[0, :3] = 1.3  # above w_max, as normalisation may leave it
    plain = Plain(p, copied(state), learn)
    fired, answered = 0, 0
    for t, inputs in enumerate(raster):
        e, i = drive(state, inputs[None], p, learn=learn)
        expected_e, expected_i = plain.step(inputs)
        np.testing.assert_array_equal(e[0], expected_e, err_msg=f"step {t}")
        np.testing.assert_array_equal(i[0], expected_i, err_msg=f"step {t}")
        for name in COMPARED:
            np.testing.assert_allclose(
                getattr(state, name), getattr(plain, name), rtol=1e-12, atol=1e-12, err_msg=f"{name}, step {t}"
            )
        fired, answered = fired + e.sum(), answered + i.sum()
    assert fired > 15 and answered > 15
    assert plain.v_e.min() >= -105 and plain.v_e.max() <= 0


def test_a_long_silence_leaves_nothing(small: Any, raster: Array) -> None:
    """Traces and conductances end at exactly 0 instead of creeping through ever smaller numbers."""
    p = small()
    state = new_state(p, 7)
    state.weights[:] *= p.total / state.weights.sum(0)
    drive(state, raster, p)
    drive(state, np.zeros((8000, p.inputs), bool), p)
    for name in ("g_e", "g_i", "g_ei", "post_1", "post_2"):
        assert not getattr(state, name).any()
