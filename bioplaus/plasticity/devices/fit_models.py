"""What is free in each model when it is fitted, within which bounds, and from where the search starts.

Conductances are in parts of the data's range above their smallest value. Counted models take their numbers of pulses from the data and run from
bound to bound. Incremental ones start anywhere; where steps vanish at a bound the bounds are fitted, elsewhere they are the ends of the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.plasticity.devices.pulse_file import PulseData

__all__ = ["FITS", "Fit"]

Fields = dict[str, Any]
Floats = NDArray[np.float64]
#: (smallest, largest) of a parameter
Bounds = tuple[float, float]
_GAP: Bounds = (-0.5, 0.5)
_WIDE: Bounds = (-3.0, 0.3)
_TOP: Bounds = (0.7, 4.0)
_START: Bounds = (0.0, 0.6)
#: logarithm of the step in the middle of the range
_STEP: Bounds = (math.log(1e-7), math.log(0.9))
#: ln(1 - A): what the step in the middle is, relative to dw
_STRENGTH: Bounds = (math.log(0.001), math.log(200.0))
_STEEPNESS: Bounds = (0.0, 6.0)


@dataclass(frozen=True)
class Fit:
    """How a model is fitted.

    Parameters
    ----------
    model
        Its name.
    bounds
        Smallest and largest value of each free parameter; if `lowest`, the first is the lower conductance.
    fields
        (parameters, data) -> (fields of the device, with g_min and g_max; normalised conductance before the first pulse).
    starts
        data -> points from which the search starts.
    lowest
        Whether the first parameter is g_min, which no conductance below 0 may become.
    """

    model: str
    bounds: tuple[Bounds, ...]
    fields: Callable[[Floats, PulseData], tuple[Fields, float]]
    starts: Callable[[PulseData], list[list[float]]]
    lowest: bool = False


def _counted(x: Floats, data: PulseData) -> Fields:
    return {"g_min": x[0], "g_max": x[1], "pulses_up": max(data.up_pulses[-1], 1.0), "pulses_down": max(data.down_pulses[-1], 1.0)}


def _exponential(x: Floats, data: PulseData) -> tuple[Fields, float]:
    return {**_counted(x, data), "nl_up": x[2], "nl_down": x[3]}, 0.0


def _steps(up: float, down: float) -> Fields:
    """Return dw_min and up_down of two steps, given as logarithms in parts of the range; weights run from -1 to 1."""
    up, down = min(up, 0.0), min(down, 0.0)
    largest = max(up, down)
    return {"dw_min": 2 * math.exp(largest), "up_down": math.exp(up - largest) - math.exp(down - largest)}


def _first_steps(data: PulseData) -> list[float]:
    return [-math.log(max(pulses[-1], 1.2)) for pulses in (data.up_pulses, data.down_pulses)]


def _bounded(x: Floats) -> Fields:
    """Return bounds at the ends of the data, and steps from the second and third parameter."""
    return {"g_min": 0.0, "g_max": 1.0, **_steps(x[1], x[2])}


def _exp_step(a: float) -> Fit:
    def fields(x: Floats, data: PulseData) -> tuple[Fields, float]:
        strengths = {"A_up": 1 - math.exp(x[3]), "A_down": 1 - math.exp(x[5])}
        return {"g_min": 0.0, "g_max": 1.0, **_steps(x[1] - x[3], x[2] - x[5]), "a": a, "gamma_up": x[4], "gamma_down": x[6], **strengths}, x[0]

    bounds = (_START, _STEP, _STEP, _STRENGTH, _STEEPNESS, _STRENGTH, _STEEPNESS)
    return Fit("exp_step", bounds, fields, lambda data: [[0.02, *_first_steps(data), *_shape(a), *_shape(a)]])


def _one_sided(a: float) -> Fit:
    def fields(x: Floats, data: PulseData) -> tuple[Fields, float]:
        step = min(2 * math.exp(x[1] - x[2]), 2.0)
        return {"g_min": 0.0, "g_max": 1.0, "dw_min": step, "a": a, "A_up": 1 - math.exp(x[2]), "gamma_up": x[3]}, x[0]

    bounds = (_START, _STEP, _STRENGTH, _STEEPNESS)
    return Fit("one_sided", bounds, fields, lambda data: [[0.02, _first_steps(data)[0], *_shape(a)]])


def _shape(a: float) -> tuple[float, float]:
    """Return ln(1 - A) and steepness to start from; steps that fall on the way need A > 0 for a > 0, and A < 0 for a < 0."""
    return (math.log(0.7), 1.0) if a > 0 else (math.log(2.0), 1.0)


#: Every model, with the ways in which it is tried.
FITS: dict[str, tuple[Fit, ...]] = {
    "exponential": (
        Fit(
            "exponential",
            (_GAP, (0.5, 1.5), (-9.9, 9.9), (-9.9, 9.9)),
            _exponential,
            lambda data: [[0.0, 1.0, up, down] for up, down in ((1.0, -1.0), (4.0, -4.0), (1.0, 1.5))],
            lowest=True,
        ),
    ),
    "linear": (Fit("linear", (_GAP, (0.5, 1.5)), lambda x, data: (_counted(x, data), 0.0), lambda data: [[0.0, 1.0]], lowest=True),),
    "constant_step": (
        Fit(
            "constant_step",
            (_START, _STEP, _STEP),
            lambda x, data: (_bounded(x), x[0]),
            lambda data: [[0.0, *_first_steps(data)], [0.2, *_first_steps(data)]],
        ),
    ),
    "linear_step": (
        Fit(
            "linear_step",
            (_START, _STEP, _STEP, (0.0, 1.0), (0.0, 1.0)),
            lambda x, data: ({**_bounded(x), "gamma_up": x[3], "gamma_down": x[4]}, x[0]),
            lambda data: [[0.02, *_first_steps(data), gamma, gamma] for gamma in (0.2, 0.8)],
        ),
    ),
    "soft_bounds": (
        Fit(
            "soft_bounds",
            (_WIDE, _TOP, _START, _STEP, _STEP),
            lambda x, data: ({"g_min": x[0], "g_max": x[1], **_steps(x[3], x[4])}, x[2]),
            lambda data: [[-0.05, 1.05, 0.04, *_first_steps(data)]],
            lowest=True,
        ),
    ),
    "pow_step": (
        Fit(
            "pow_step",
            (_WIDE, _TOP, _START, _STEP, _STEP, (0.05, 6.0), (0.05, 6.0)),
            lambda x, data: ({"g_min": x[0], "g_max": x[1], **_steps(x[3], x[4]), "gamma_up": x[5], "gamma_down": x[6]}, x[2]),
            lambda data: [[-0.05, 1.05, 0.04, *_first_steps(data), gamma, gamma] for gamma in (1.0, 2.0)],
            lowest=True,
        ),
    ),
    "exp_step": (_exp_step(1.0), _exp_step(-1.0)),
    "one_sided": (_one_sided(1.0), _one_sided(-1.0)),
}
