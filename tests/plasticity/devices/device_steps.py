"""Devices a second time, from their published equations, one pulse after the other in plain numbers."""

from __future__ import annotations

import math
from typing import Any


def exponential_curve(p: float, pulses: float, a: float) -> float:
    """Return the normalised conductance at pulse p of a branch with A = a P."""
    return (1 - math.exp(-p / (a * pulses))) / (1 - math.exp(-1 / a))


def exponential_written(g: float, n: int, pulses: tuple[float, float], a: tuple[float, float]) -> float:
    """Return g after n pulses by way of the pulse position on the branch: read off, moved, put back, clipped."""
    branch = 0 if n > 0 else 1
    scale = 1 / (1 - math.exp(-1 / a[branch]))
    position = -a[branch] * pulses[branch] * math.log(1 - g / scale)
    moved = exponential_curve(position + n, pulses[branch], a[branch])
    return min(max(moved, 0.0), 1.0)


def stepped(device: Any, w: float, sign: int) -> float:
    """Return the weight after one pulse of an incremental device."""
    span = device.w_max - device.w_min
    if device.model == "one_sided" and sign < 0:
        return float(device.w_min)
    dw = device.dw_min * (1 + min(device.up_down, 0)) if sign > 0 else device.dw_min * (1 - max(device.up_down, 0))
    if device.model == "constant_step":
        step = dw
    elif device.model == "linear_step":
        step = dw * (1 - device.gamma_up * w / device.w_max) if sign > 0 else dw * (1 - device.gamma_down * w / device.w_min)
    elif device.model == "soft_bounds":
        step = dw * (1 - w / (device.w_max if sign > 0 else device.w_min))
    elif device.model == "pow_step":
        om = (device.w_max - w) / span
        step = dw * om**device.gamma_up if sign > 0 else dw * (1 - om) ** device.gamma_down
    else:
        z = 2 * device.a * w / span + device.b
        up, down = 1 - device.A_up * math.exp(device.gamma_up * z), 1 - device.A_down * math.exp(-device.gamma_down * z)
        step = dw * max(up if sign > 0 else down, 0.0)
    return float(min(max(w + sign * step, device.w_min), device.w_max))


def repeated(device: Any, w: float, n: int) -> float:
    """Return the weight after |n| pulses, one by one."""
    for _ in range(abs(n)):
        w = stepped(device, w, 1 if n > 0 else -1)
    return w
