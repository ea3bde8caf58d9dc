"""The cell of Hodgkin and Huxley (1952, J. Physiol. 117:500), modern sign, rest at -65 mV.

::

    C v' = I - 120 m^3 h (v - 50) - 36 n^4 (v + 77) - 0.3 (v + 54.387)        x' = a_x (1 - x) - b_x x  for x = m, h, n
    a_m = 0.1 (v + 40) / (1 - exp(-(v + 40)/10))      a_h = 0.07 exp(-(v + 65)/20)                a_n = 0.01 (v + 55) / (1 - exp(-(v + 55)/10))
    b_m = 4 exp(-(v + 65)/18)                         b_h = 1 / (1 + exp(-(v + 35)/10))           b_n = 0.125 exp(-(v + 65)/80)

mV, ms, C = 1 uF/cm^2, I in uA/cm^2, conductances in mS/cm^2. Discrete: exponential Euler with step dt, first the gates at the old v, then v with
the new gates (an error of second order). A spike is an upward crossing of 0 mV, a refractory period follows by itself.

There is no threshold in it whose step a surrogate could replace: it has no gradient here and says so when asked for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bioplaus.dynamics.cells import HH_REST, HH_SPIKE
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.neurons._continuous_scan import hodgkin_huxley_forward
from bioplaus.neurons._threads import over_rows
from bioplaus.neurons.continuous import Continuous, ContinuousConfig, Course

__all__ = ["HodgkinHuxley", "HodgkinHuxleyConfig"]


@dataclass
class HodgkinHuxleyConfig(ContinuousConfig):
    """Settings of `HodgkinHuxley`."""

    name: str = "hodgkin_huxley"
    steps: int = ranged(1000, 1)
    """Time steps T of one sample, >= 1."""
    dt: float = ranged(0.05, above=0, high=0.1)
    """Duration of a step, ms, in (0, 0.1]."""
    readout: str = choice("leaky", "leaky")
    """The output layer: leaky, of units without spikes, whose membrane is the output."""


class HodgkinHuxley(Continuous):
    """The cell of Hodgkin and Huxley: sodium, potassium and leak currents; without a gradient, so that no rule trains it."""

    Config = HodgkinHuxleyConfig
    rest = HH_REST
    peak = HH_SPIKE
    one_way = "nothing in it is a threshold that a surrogate could stand for"

    def pull(self, cache: Course | Any, error: Tensor) -> Tensor:
        raise ConfigError(f"neuron=hodgkin_huxley has no gradient: {self.one_way}; use neuron=izhikevich or lif")

    def _scan(self, current: Any, gain: float, membrane: Any, spikes: Any) -> None:
        over_rows(hodgkin_huxley_forward, membrane.shape[0], membrane.size, current, gain, self.config.dt, membrane, spikes)
