"""The per-step numbers that the compiled loop of the Diehl & Cook network works with."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from bioplaus.diehl_cook.parameters import DiehlCook

__all__ = ["Constants"]

Array = np.ndarray[Any, Any]
#: Traces below this share of what they were set to count as 0: half a unit in the last place of 1.
_LEAST = 2.0**-53


class Constants(NamedTuple):
    """`DiehlCook` per step, as a compiled function takes it."""

    leak_e: float
    leak_i: float
    rest_e: float
    rest_i: float
    reversal_e: float
    reversal_i: float
    keep_ge: float
    mean_ge: float
    keep_gi: float
    mean_gi: float
    threshold_e: float
    reset_e: float
    clamp_e: int
    ready_e: int
    threshold_i: float
    reset_i: float
    clamp_i: int
    theta_plus: float
    keep_theta: float
    keep_post_1: float
    keep_post_2: float
    pre: Array
    rate_pre: float
    rate_post: float
    w_max: float
    total: float
    w_ei: float
    w_ie: float
    image: int
    pause: int
    intensity: float
    intensity_step: float
    chance: float
    fewest: int
    most_tries: int

    @classmethod
    def of(cls, p: DiehlCook) -> Constants:
        """Return the constants of a network; pre holds the input's trace after 0, 1, ... steps until it counts as 0."""
        (keep_ge, mean_ge), (keep_gi, mean_gi) = (_conductance(p.dt, tau, p.decay) for tau in (p.tau_ge, p.tau_gi))
        ages = np.arange(math.ceil(-math.log(_LEAST) * p.tau_pre / p.dt) + 1)
        return cls(
            leak_e=p.dt / p.tau_e,
            leak_i=p.dt / p.tau_i,
            rest_e=float(p.rest_e),
            rest_i=float(p.rest_i),
            reversal_e=float(p.reversal_e),
            reversal_i=float(p.reversal_i),
            keep_ge=keep_ge,
            mean_ge=mean_ge,
            keep_gi=keep_gi,
            mean_gi=mean_gi,
            threshold_e=float(p.threshold_e),
            reset_e=float(p.reset_e),
            clamp_e=p.steps(p.clamp_e),
            ready_e=max(p.steps(p.clamp_e), p.steps(p.gate_e) + 1),
            threshold_i=float(p.threshold_i),
            reset_i=float(p.reset_i),
            clamp_i=p.steps(p.clamp_i),
            theta_plus=float(p.theta_plus),
            keep_theta=math.exp(-p.dt / p.tau_theta),
            keep_post_1=math.exp(-p.dt / p.tau_post_1),
            keep_post_2=math.exp(-p.dt / p.tau_post_2),
            pre=np.exp(-ages * (p.dt / p.tau_pre)),
            rate_pre=float(p.rate_pre),
            rate_post=float(p.rate_post),
            w_max=float(p.w_max),
            total=float(p.total),
            w_ei=float(p.w_ei),
            w_ie=float(p.w_ie),
            image=p.steps(p.image_time),
            pause=p.steps(p.rest_time),
            intensity=float(p.intensity),
            intensity_step=float(p.intensity_step),
            chance=p.dt / 1000 / p.divisor,
            fewest=int(p.fewest),
            most_tries=int(p.most_tries),
        )


def _conductance(dt: float, tau: float, decay: str) -> tuple[float, float]:
    """Return what is left of a conductance after a step, and its mean over the step as a share of its value at the start."""
    if decay == "euler":
        return 1 - dt / tau, 1.0
    return math.exp(-dt / tau), -math.expm1(-dt / tau) * tau / dt
