"""Izhikevich's cell: two variables, the firing patterns of cortical cells (Izhikevich 2003, IEEE Trans. Neural Netw. 14:1569).

::

    v' = 0.04 v^2 + 5 v + 140 - u + I        u' = a (b v - u)        at v >= 30 mV: v <- c, u <- u + d        v(0) = -65 mV, u(0) = b v(0)

in mV and ms. Discrete: one Euler step of dt for v, then one for u with the new v, then the spike::

    v[t] = v[t-1] + dt (0.04 v[t-1]^2 + 5 v[t-1] + 140 - u[t-1] + I[t])        u[t] = u[t-1] + dt a (b v[t] - u[t-1])

and v held at -100 mV from below, where such a step would throw a cell that is strongly inhibited up to a spike.

In learning the spike's derivative is the surrogate of ``(v + 65)/95 - 1``, 0 for a cell at its start and 1 at its peak; the rest of the step is
differentiated as it stands, and nothing passes the reset. dt of 1 ms or less; the published networks take 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bioplaus.dynamics.cells import CELLS, IZHIKEVICH_PEAK, IZHIKEVICH_START
from bioplaus.fields import choice, ranged
from bioplaus.neurons._continuous_scan import izhikevich_backward, izhikevich_forward
from bioplaus.neurons._threads import over_rows
from bioplaus.neurons.continuous import Continuous, ContinuousConfig, Course
from bioplaus.neurons.spiking import check_error, numbers, rows_of

__all__ = ["Izhikevich", "IzhikevichConfig"]


@dataclass
class IzhikevichConfig(ContinuousConfig):
    """Settings of `Izhikevich`."""

    name: str = "izhikevich"
    steps: int = ranged(100, 1)
    """Time steps T of one sample, >= 1."""
    dt: float = ranged(0.5, above=0, high=1)
    """Duration of a step, ms, in (0, 1]."""
    gain: float = ranged(100.0, above=0)
    """Current into the cell for a current of 1 from the network, > 0; a regular spiking cell fires above 4."""
    readout: str = choice("leaky", "leaky", "spiking")
    """The output layer: leaky (units without spikes, whose membrane is the output) | spiking (such cells; they want long runs to answer)."""
    cell: str = choice("rs", *CELLS)
    """Kind of cell, which sets a to d: rs (regular spiking) | ib (bursting) | ch (chattering) | fs (fast spiking) | lts (low threshold)."""
    a: float | None = ranged(None, above=0, high=1)
    """Rate of recovery, per ms, in (0, 1]; the cell's if not given."""
    b: float | None = ranged(None)
    """Recovery per mV; the cell's if not given."""
    c: float | None = ranged(None, below=IZHIKEVICH_PEAK)
    """Potential behind a spike, mV, < 30; the cell's if not given."""
    d: float | None = ranged(None)
    """What a spike adds to the recovery; the cell's if not given."""


class Izhikevich(Continuous):
    """Izhikevich's two-variable cell, with the firing patterns of cortical cells."""

    Config = IzhikevichConfig
    rest = IZHIKEVICH_START
    peak = IZHIKEVICH_PEAK

    @property
    def abcd(self) -> tuple[float, float, float, float]:
        """The four numbers a, b, c, d."""
        c = self.config
        return tuple(own if own is not None else cells for own, cells in zip((c.a, c.b, c.c, c.d), CELLS[c.cell]))  # type: ignore[return-value]

    def pull(self, cache: Course | Any, error: Tensor) -> Tensor:
        v, (a, b, c, _) = cache.membrane, self.abcd
        check_error(error, v)
        back, kind = v.new_empty((*v.shape[:2], 1 if cache.constant else v.shape[2], *v.shape[3:])), v.numpy().dtype.type
        code, p, q = numbers(self.config)
        over_rows(
            izhikevich_backward, v.shape[0] * v.shape[1], v.numel(), rows_of(v), rows_of(cache.spikes), rows_of(error), not self.as_membrane,
            self.config.gain, self.config.dt, a, b, c, code, kind(p), kind(q), kind(1), rows_of(back),
        )  # fmt: skip
        return back

    def _scan(self, current: Any, gain: float, membrane: Any, spikes: Any) -> None:
        over_rows(izhikevich_forward, membrane.shape[0], membrane.size, current, gain, self.config.dt, *self.abcd, membrane, spikes)
