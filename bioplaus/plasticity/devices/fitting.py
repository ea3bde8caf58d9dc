"""Device models fitted to measured pulse curves by least squares.

Every model is run through the measurement: so many pulses up, then so many down from where that ended; residuals of both branches count
alike. Models are ranked by the Bayesian information criterion ``n ln(RSS/n) + k ln n``: another parameter has to earn its place. Noise from
cycle to cycle adds up along a curve, so that residuals resemble their neighbours: with a correlation rho between them (that of the closest
fit), N residuals count as ``n = N (1 - rho)/(1 + rho)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.errors import ConfigError
from bioplaus.plasticity.devices.base import Device
from bioplaus.plasticity.devices.choice import model_class
from bioplaus.plasticity.devices.fit_models import FITS, Fit
from bioplaus.plasticity.devices.incremental import IncrementalDevice
from bioplaus.plasticity.devices.pulse_file import PulseData
from bioplaus.plasticity.devices.steps import AFFINE, walk
from bioplaus.registry import nearest

__all__ = ["Fitted", "fit", "fit_all", "predicted"]

#: Residuals, in parts of the range, below which all fits are alike: rounding of the file, and more.
_ALIKE = 1e-5
#: Half the sum of squared residuals with which no other start is tried.
_EXACT = 1e-12


@dataclass(frozen=True)
class Fitted:
    """A model with its best parameters.

    Parameters
    ----------
    model
        Name of the model.
    device
        The fitted device, its cycle-to-cycle noise estimated from what is left.
    start
        Normalised conductance before the first pulse.
    rmse
        Root mean square residual, S.
    relative
        The same in parts of the range of the data.
    parameters
        Number of parameters that were fitted.
    bic
        Bayesian information criterion on residuals in parts of the range; smaller is better. As `fit` returns it, all residuals count.
    up, down
        The model at the measured pulses, S.
    """

    model: str
    device: Device
    start: float
    rmse: float
    relative: float
    parameters: int
    bic: float
    up: NDArray[np.float64]
    down: NDArray[np.float64]


def fit_all(data: PulseData) -> list[Fitted]:
    """Return every model fitted to the data, the best first."""
    found = [fit(data, model) for model in FITS]
    closest = min(found, key=lambda one: one.rmse)
    count = _independent([data.up - closest.up, data.down - closest.down])
    return sorted((replace(one, bic=_bic(one.relative, one.parameters, count)) for one in found), key=lambda one: (round(one.bic, 6), one.rmse))


def _bic(relative: float, parameters: int, count: float) -> float:
    return count * math.log(max(relative, _ALIKE) ** 2) + parameters * math.log(count)


def _independent(left: list[NDArray[np.float64]]) -> float:
    """Return how many independent residuals those of the branches are worth."""
    total = sum(len(one) for one in left)
    power = sum(float(one @ one) for one in left)
    shared = sum(float(one[1:] @ one[:-1]) for one in left)
    rho = min(max(shared / power, 0.0), 0.99) if power else 0.0
    return max(total * (1 - rho) / (1 + rho), 2.0)


def fit(data: PulseData, model: str) -> Fitted:
    """Return one model fitted to the data.

    Raises
    ------
    ConfigError
        If there is no model of that name.
    """
    if model not in FITS:
        raise ConfigError(f"model={model} cannot be fitted{nearest(model, list(FITS))} Known: {', '.join(FITS)}")
    from scipy.optimize import least_squares

    scale, base = data.range, float(min(data.up.min(), data.down.min()))
    unscaled = PulseData(data.up_pulses, (data.up - base) / scale, data.down_pulses, (data.down - base) / scale)
    target = np.concatenate([unscaled.up, unscaled.down])
    best: tuple[float, Fit, Any] | None = None
    for plan in FITS[model]:
        low, high = (np.array(bounds) for bounds in zip(*plan.bounds))
        if plan.lowest:
            low[0] = max(low[0], -base / scale)

        def residuals(x: NDArray[np.float64], plan: Fit = plan) -> NDArray[np.float64]:
            return np.concatenate(_run(plan, x, unscaled)[2:]) - target

        for start in plan.starts(unscaled):
            if best is not None and best[0] < _EXACT:
                break
            inside = np.clip(start, low + 1e-6 * (high - low), high - 1e-6 * (high - low))
            one = least_squares(residuals, inside, bounds=(low, high), x_scale="jac", xtol=1e-10, ftol=1e-12, gtol=1e-12, max_nfev=100)
            if best is None or one.cost < best[0]:
                best = one.cost, plan, one.x
    assert best is not None
    cost, plan, x = best
    fields, begin, up, down = _run(plan, x, unscaled)
    fields = {key: float(value) for key, value in fields.items()}
    width = fields["g_max"] - fields["g_min"]
    fields |= {key: base + scale * fields[key] for key in ("g_min", "g_max")}
    relative = math.sqrt(2 * cost / len(target))
    device = _with_noise(model_class(model)(**fields, source="fitted to a file of pulses"), unscaled, up, down, width)
    bic = _bic(relative, len(x), len(target))
    return Fitted(model, device, begin, relative * scale, relative, len(x), bic, base + scale * up, base + scale * down)


def _run(plan: Fit, x: NDArray[np.float64], data: PulseData) -> tuple[dict[str, Any], float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the fields, the start, and both branches, in units of the data's range above its smallest value."""
    fields, start = plan.fields(x, data)
    shape = {key: value for key, value in fields.items() if key not in ("g_min", "g_max")}
    device = model_class(plan.model)(**shape, g_min=0.0, g_max=1.0)
    up, down = predicted(device, start, data)
    width = fields["g_max"] - fields["g_min"]
    return fields, start, fields["g_min"] + width * up, fields["g_min"] + width * down


def predicted(device: Device, start: float, data: PulseData) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the normalised conductance at the measured pulses: up from the start, then down from where that ended."""
    rise = _curve(device, +1, math.ceil(data.up_pulses[-1]), start)
    fall = _curve(device, -1, math.ceil(data.down_pulses[-1]), float(rise[-1]))
    return _at(rise, data.up_pulses), _at(fall, data.down_pulses)


def _curve(device: Device, sign: int, count: int, start: float) -> NDArray[np.float64]:
    """Return what `Device.curve` returns; the loop of models without a closed form is compiled."""
    side = device.steps.up if sign > 0 else device.steps.down
    if side.kind == AFFINE:
        return device.curve(sign, count, start)
    path = np.full(count + 1, start)
    _compiled()(side.kind, float(side.a), float(side.b), float(side.c), sign, path, math.inf)
    return path


@cache
def _compiled() -> Any:
    import numba

    return numba.njit(cache=True, fastmath=False)(walk)


def _at(curve: NDArray[np.float64], pulses: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(pulses, np.arange(len(curve)), curve)


def _with_noise(device: Device, data: PulseData, up: NDArray[np.float64], down: NDArray[np.float64], width: float) -> Device:
    """Return the device with its cycle-to-cycle noise: the spread of increments about the model's, per square root of their pulses."""
    left = []
    for pulses, measured, model in ((data.up_pulses, data.up, up), (data.down_pulses, data.down, down)):
        left.append((np.diff(measured) - np.diff(model)) / np.sqrt(np.diff(pulses)))
    deviation = float(np.sqrt(np.mean(np.concatenate(left) ** 2))) / width
    if deviation < _ALIKE:
        return device
    if isinstance(device, IncrementalDevice):
        return replace(device, cycle_noise=deviation * device.span / device.dw_min, noise="additive")
    return replace(device, cycle_noise=deviation)  # type: ignore[call-arg]
