"""Firing rate against current (f-I curve) of the leaky integrate-and-fire cell, in closed form and with a clock, and of two others by counting.

``tau dU/dt = -U + I``, spike at U > 1, then U = 0 for t_ref: ``f(I) = 0`` for I <= 1, else ``1 / (t_ref + tau ln(I / (I - 1)))``. With a
clock dt, exact steps and a threshold that is looked at once per step, a spike comes ``ceil(tau ln(I / (I - 1)) / dt)`` steps after a reset.
Times are in ms, rates in Hz.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bioplaus.dynamics import cells
from bioplaus.theory.require import choice, number, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MODELS", "Counted", "clocked_count", "count", "interval_steps", "rate"]

MODELS = ("lif", "izhikevich", "hodgkin_huxley")
#: Steps of one simulation at most: half a minute.
_MOST = 10**9


@dataclass(frozen=True)
class Counted:
    """What a simulated cell did.

    Attributes
    ----------
    count
        Spikes.
    rate
        Spikes per second, Hz.
    first, last_interval
        Time of the first spike and distance of the last two, ms; not a number where there are none.
    """

    count: int
    rate: float
    first: float
    last_interval: float


def rate(current: float, tau_mem: float, t_ref: float = 0.0) -> float:
    """Return the firing rate in Hz, in closed form.

    Parameters
    ----------
    current
        I, in units of the threshold.
    tau_mem, t_ref
        Time constant > 0 and refractory period >= 0, ms.

    Raises
    ------
    ConfigError
        If an argument is not allowed.

    Examples
    --------
    >>> round(rate(1.5, 10.0), 4)
    91.0239
    """
    current, tau_mem, t_ref = number("current", current), _positive("tau_mem", tau_mem), number("t_ref", t_ref, 0)
    return 1000 / (t_ref - tau_mem * math.log1p(-1 / current)) if current > 1 else 0.0


def interval_steps(current: float, tau_mem: float, dt: float) -> int | None:
    """Return the steps from a reset to the next spike, None for a current that never fires.

    Raises
    ------
    ConfigError
        If an argument is not allowed.

    Examples
    --------
    >>> interval_steps(1.2, 10.0, 0.1), interval_steps(1.0, 10.0, 0.1)
    (180, None)
    """
    current, tau_mem, dt = number("current", current), _positive("tau_mem", tau_mem), _positive("dt", dt)
    return math.ceil(-tau_mem * math.log1p(-1 / current) / dt) if current > 1 else None


def clocked_count(current: float, tau_mem: float, dt: float, duration: float, t_ref: float = 0.0) -> int:
    """Return the spikes of a clocked cell from U = 0: every `interval_steps`, and ``t_ref / dt`` steps (rounded) behind each spike.

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    """
    interval, steps = interval_steps(current, tau_mem, dt), _steps(dt, duration)
    if interval is None or interval > steps:
        return 0
    return 1 + (steps - interval) // (interval + round(number("t_ref", t_ref, 0) / dt))


def count(
    model: str, current: float, dt: float, duration: float, *, tau_mem: float = 10.0, t_ref: float = 0.0, cell: str = "rs"
) -> Counted:
    """Return what a simulated cell does under a constant current, from its rest.

    Parameters
    ----------
    model
        lif | izhikevich | hodgkin_huxley.
    current
        In units of the threshold (lif), in the model's own (izhikevich), in uA/cm^2 (hodgkin_huxley).
    dt, duration
        Step, and time simulated, ms, > 0. For lif steps are exact, for izhikevich Euler's, for hodgkin_huxley exponential.
    tau_mem, t_ref
        Of lif, ms.
    cell
        Of izhikevich: rs | ib | ch | fs | lts.

    Raises
    ------
    ConfigError
        If an argument is not allowed.

    Examples
    --------
    >>> count("lif", 2.0, 0.1, 1000.0).count
    142
    """
    choice("model", model, MODELS)
    current, steps = number("current", current), _steps(dt, duration)
    made: dict[str, Callable[[], NDArray[Any]]] = {
        "lif": lambda: cells.lif_spikes(current, _positive("tau_mem", tau_mem), round(number("t_ref", t_ref, 0) / dt), dt, steps),
        "izhikevich": lambda: cells.izhikevich_spikes(current, *cells.CELLS[choice("cell", cell, tuple(cells.CELLS))], dt, steps),
        "hodgkin_huxley": lambda: cells.hodgkin_huxley_spikes(current, dt, steps),
    }
    times = made[model]()
    first = float(times[0]) if len(times) else math.nan
    last = float(times[-1] - times[-2]) if len(times) > 1 else math.nan
    return Counted(len(times), 1000 * len(times) / (steps * dt), first, last)


def _positive(name: str, value: float) -> float:
    return number(name, value, 5e-324)


def _steps(dt: float, duration: float) -> int:
    return whole("duration / dt", round(_positive("duration", duration) / _positive("dt", dt)), 1, _MOST)
