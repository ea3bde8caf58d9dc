"""Figures of devices: pulse curves with noisy devices behind them, steps against conductance, and fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bioplaus.pictures import Curves, Panel, Series
from bioplaus.plasticity.devices import Device
from bioplaus.plasticity.devices.base import Normal

if TYPE_CHECKING:
    from bioplaus.plasticity.devices.fitting import Fitted
    from bioplaus.plasticity.devices.pulse_file import PulseData

__all__ = ["fit_picture", "picture", "responses"]

#: Noisy devices behind the mean one, and points of a curve at most.
DEVICES, POINTS = 6, 200
_PREFIXES = ((1.0, "S"), (1e-3, "mS"), (1e-6, "µS"), (1e-9, "nS"), (1e-12, "pS"))
UP, DOWN = 0, 1


def picture(device: Device, name: str) -> Curves:
    """Return the figure of a device: potentiation and depression over pulses, and steps against conductance."""
    up, down = device.levels
    down = max(down, up // 10) if device.one_sided else down
    stride = max(1, math.ceil((up + down) / POINTS))
    counts = [*_counts(up, stride, +1), *_counts(down, stride, -1)]
    pulses = np.cumsum([0, *(abs(n) for n in counts)]).tolist()
    scale, axis = _axis(device)
    noisy, mean = responses(device, counts)
    label = f"{DEVICES} devices with noise" if np.ptp(noisy, axis=1).any() else ""
    series = [Series(label if i == 0 else "", pulses, scale(curve), colour=None, faint=True) for i, curve in enumerate(noisy.T)] if label else []
    turn = len(_counts(up, stride, +1))
    series.append(Series("mean device, potentiation", pulses[: turn + 1], scale(mean[: turn + 1]), colour=UP))
    series.append(Series("depression" if not device.one_sided else "reset", pulses[turn:], scale(mean[turn:]), colour=DOWN))
    response = Panel("pulse", axis, series, title="Response", whole_x=True, legend="below")
    return Curves(f"{name}.png", f"{name}: {device.model} device", [response, _asymmetry(device)], _note(device))


def _counts(pulses: int, stride: int, sign: int) -> list[int]:
    """Return so many pulses in strides, the last of them what is left."""
    found = [sign * stride] * (pulses // stride)
    return found + [sign * (pulses % stride)] * (pulses % stride > 0)


def responses(device: Device, counts: Sequence[int], seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return noisy devices ``[pulses + 1, DEVICES]`` and the mean one ``[pulses + 1]``, each from its lower bound on, after each count."""
    random = np.random.default_rng(seed)

    def normal(name: str) -> NDArray[np.float64]:
        return random.standard_normal(DEVICES)

    noise: Normal = normal
    own = device.own(noise)
    g, mean = np.zeros(DEVICES) + own.get("low", 0.0), [0.0]
    noisy = [g]
    for n in counts:
        g = np.asarray(device.pulsed(g, n, noise, own))
        noisy.append(g)
        mean.append(float(device.pulse(mean[-1], n)))
    return np.array(noisy), np.array(mean)


def _axis(device: Device) -> tuple[Callable[[NDArray[np.float64]], list[float]], str]:
    """Return what turns g into what the axis shows, and the axis' name."""
    if device.g_min is None or device.g_max is None:
        return lambda g: np.asarray(device.weight(g)).tolist(), "weight w"
    factor, unit = _unit(device.g_max)
    return lambda g: (np.asarray(device.siemens(g)) / factor).tolist(), f"conductance G, {unit}"


def _unit(largest: float) -> tuple[float, str]:
    return next((one for one in _PREFIXES if largest >= one[0]), _PREFIXES[-1])


def _asymmetry(device: Device) -> Panel:
    """Return the panel of steps against conductance, with the symmetry point."""
    g = np.linspace(0, 1, 201)
    scale, axis = _axis(device)
    series = [Series("step up", scale(g), device.up_step(g).tolist(), colour=UP)]
    if not device.one_sided:
        series.append(Series("step down", scale(g), device.down_step(g).tolist(), colour=DOWN))
    point = device.symmetry_point()
    marks = [] if point is None else [(scale(np.array([point]))[0], "symmetry point")]
    if point is not None:
        series.append(Series("", [marks[0][0]], [float(device.up_step(point))], points=True, colour=2))
    limits = (0, 1.15 * max(max(one.y) for one in series))
    return Panel(axis, "size of one step, parts of the range", series, title="Asymmetry", marks=marks, y_limits=limits, legend="below")


def _note(device: Device) -> str:
    kinds = []
    if getattr(device, "cycle_noise", 0):
        kinds.append("noise from cycle to cycle")
    if any(value for key, value in device.values().items() if key.endswith("_spread")):
        kinds.append("spread between devices")
    return f"Noisy devices: {' and '.join(kinds)}, without read and write noise." if kinds else "This device has no noise."


def fit_picture(data: PulseData, ranked: Sequence[Fitted], name: str) -> Curves:
    """Return the figure of a fit: measured points, the three best models, and residuals of the best."""
    factor, unit = _unit(float(max(data.up.max(), data.down.max())))
    x = [*data.up_pulses.tolist(), *(data.up_pulses[-1] + data.down_pulses).tolist()]
    measured = np.concatenate([data.up, data.down]) / factor
    series = [Series("measured", x, measured.tolist(), points=True, colour=None, size=2.5)]
    for i, one in enumerate(ranked[:3]):
        model = np.concatenate([one.up, one.down]) / factor
        series.append(Series(f"{one.model}, {one.relative:.2%}", x, model.tolist(), colour=i, dashed=i > 0))
    best = np.concatenate([ranked[0].up, ranked[0].down]) / factor
    left = Series("", x, (measured - best).tolist(), points=True, colour=0, size=2.5)
    zero = Series("", [x[0], x[-1]], [0, 0], colour=None, dashed=True)
    panels = [
        Panel("pulse", f"conductance G, {unit}", series, title="Fit", whole_x=True, legend="below"),
        Panel("pulse", f"measured less {ranked[0].model}, {unit}", [left, zero], title="Residuals", whole_x=True, legend="below"),
    ]
    note = f"Models by rank, {len(series) - 1} of {len(ranked)}; behind the name the root mean square residual as a share of the range."
    return Curves(f"{name}-fit.png", f"{name}: fitted device models", panels, note)
