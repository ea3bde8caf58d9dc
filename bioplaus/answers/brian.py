"""Brian2 beside our own simulations: spike counts of single cells under constant currents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bioplaus.brian import imported, target_of, using
from bioplaus.dynamics.cells import CELLS

__all__ = ["spike_counts"]

_HODGKIN_HUXLEY = """
dv/dt = (current - 120*m**3*h*(v - 50) - 36*n**4*(v + 77) - 0.3*(v + 54.387))/ms : 1
dm/dt = (1/exprel(-(v + 40)/10)*(1 - m) - 4*exp(-(v + 65)/18)*m)/ms : 1
dh/dt = (0.07*exp(-(v + 65)/20)*(1 - h) - h/(1 + exp(-(v + 35)/10)))/ms : 1
dn/dt = (0.1/exprel(-(v + 55)/10)*(1 - n) - 0.125*exp(-(v + 65)/80)*n)/ms : 1
current : 1 (constant)
"""
_IZHIKEVICH = """
dv/dt = (0.04*v**2 + 5*v + 140 - u + current)/ms : 1
du/dt = a*(b*v - u)/ms : 1
current : 1 (constant)
"""


def spike_counts(
    model: str, currents: Sequence[float], dt: float, duration: float, *, tau_mem: float = 10.0, t_ref: float = 0.0, cell: str = "rs"
) -> list[int]:
    """Return Brian2's spike count for each current, all in one run; arguments as `bioplaus.theory.lif.count`.

    lif is integrated exactly; izhikevich by Euler steps of both variables at once, where ours takes the second with the new first one;
    hodgkin_huxley by Runge and Kutta's method. Brian2 counts a refractory period from the start of the step of the spike, so it is asked for one
    step more.

    Raises
    ------
    ConfigError
        If Brian2 cannot be imported; the line says which versions work together.
    """
    b = imported("brian2=true")
    ms, names = b.ms, {"ms": b.ms}
    if model == "lif":
        names |= {"tau": tau_mem * ms}
        held = {"refractory": (t_ref + dt) * ms} if round(t_ref / dt) else {}
        equations = f"dv/dt = (current - v)/tau : 1{' (unless refractory)' if held else ''}\ncurrent : 1 (constant)"
        spike, method = {"threshold": "v > 1", "reset": "v = 0", **held}, "exact"
    elif model == "izhikevich":
        names |= dict(zip("abcd", CELLS[cell]))
        equations, spike, method = _IZHIKEVICH, {"threshold": "v >= 30", "reset": "v = c; u += d"}, "euler"
    else:
        equations, spike, method = _HODGKIN_HUXLEY, {"threshold": "v > 0", "refractory": "v > 0"}, "rk4"
    with using(b, target_of("auto", duration / 1000)):
        group = b.NeuronGroup(len(currents), equations, method=method, dt=dt * ms, namespace=names, **spike)
        group.current = list(currents)
        _start(group, model, names)
        monitor = b.SpikeMonitor(group, record=False)
        b.Network(group, monitor).run(duration * ms, namespace={})
    return [int(count) for count in monitor.count[:]]


def _start(group: Any, model: str, names: dict[str, Any]) -> None:
    """Put the cells to their rest."""
    from bioplaus.dynamics.cells import HH_REST, IZHIKEVICH_START, hodgkin_huxley_gates

    if model == "izhikevich":
        group.v, group.u = IZHIKEVICH_START, names["b"] * IZHIKEVICH_START
    elif model == "hodgkin_huxley":
        group.v = HH_REST
        group.m, group.h, group.n = hodgkin_huxley_gates(HH_REST)
