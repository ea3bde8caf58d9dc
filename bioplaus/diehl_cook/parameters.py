"""Parameters of the Diehl & Cook network.

Sources in brackets: [paper] Diehl & Cook 2015 (Front. Comput. Neurosci. 9:99); [code] the authors' program; [Brian2] Brian2's own example of it;
[ours] chosen here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from bioplaus.errors import ConfigError

__all__ = ["DiehlCook"]

_POSITIVE = (
    "dt",
    "tau_e",
    "tau_i",
    "tau_ge",
    "tau_gi",
    "tau_theta",
    "tau_pre",
    "tau_post_1",
    "tau_post_2",
    "total",
    "divisor",
    "w_max",
)
_NOT_NEGATIVE = (
    "clamp_e",
    "gate_e",
    "clamp_i",
    "theta_plus",
    "delay_max",
    "intensity",
    "intensity_step",
    "image_time",
    "rest_time",
)
_WEIGHTS = ("w_scale", "w_offset", "w_ei", "w_ie", "rate_pre", "rate_post")


@dataclass(frozen=True)
class DiehlCook:
    """Parameters of the network: times in ms, voltages in mV, conductances in units of the leak.

    Raises
    ------
    ConfigError
        A value that is not finite or outside its range.
    """

    inputs: int = 784
    """Inputs, 1..32767. [paper]"""
    neurons: int = 400
    """Excitatory neurons, and as many inhibitory ones, 1..32767. [paper: 100, 400, 1600, 6400]"""
    dt: float = 0.5
    """Step, ms. [code]"""

    rest_e: float = -65.0
    """Resting voltage of excitatory neurons, mV. [paper]"""
    rest_i: float = -60.0
    """Resting voltage of inhibitory neurons, mV. [paper]"""
    tau_e: float = 100.0
    """Time constant of the excitatory membrane, ms. [paper]"""
    tau_i: float = 10.0
    """Time constant of the inhibitory membrane, ms. [code]"""
    reversal_e: float = 0.0
    """Where an excitatory conductance pulls, mV. [code]"""
    reversal_i: float = -100.0
    """Where an inhibitory conductance pulls excitatory neurons, mV. [code]"""
    tau_ge: float = 1.0
    """Time constant of excitatory conductances, ms. [paper]"""
    tau_gi: float = 2.0
    """Time constant of inhibitory conductances, ms. [paper]"""
    decay: str = "exact"
    """How conductances decay in a step: exact (``exp(-dt/tau)``, the voltage sees their mean over the step) | euler (``1 - dt/tau``, it
    sees their value at the start, as in Brian2's example). Both give an input the same area, w tau. [ours]"""
    start_below: float = 40.0
    """Voltages start so far below rest, mV. [code]"""

    threshold_e: float = -72.0
    """An excitatory neuron fires where ``v > theta + threshold_e``, mV (-52 mV less an offset of 20 mV). [code]"""
    reset_e: float = -65.0
    """Its voltage after a spike, mV. [code]"""
    clamp_e: float = 5.0
    """After a spike its voltage is held so long, ms. [code]"""
    gate_e: float = 50.0
    """It fires only once more than this has passed since its last spike, ms. [Brian2: its timer runs at 0.1 of real time and must pass 5 ms; the
    code's runs at 100 times real time, which makes no gate beyond the clamp]"""
    theta_start: float = 20.0
    """First value of theta, mV. [code]"""
    theta_plus: float = 0.05
    """What theta gains per own spike, mV. [code]"""
    tau_theta: float = 1e7
    """Time constant of theta, ms. [code]"""

    threshold_i: float = -40.0
    """An inhibitory neuron fires where ``v > threshold_i``, mV. [paper]"""
    reset_i: float = -45.0
    """Its voltage after a spike, mV. [code]"""
    clamp_i: float = 2.0
    """After a spike its voltage is held and it is silent so long, ms. [code]"""

    w_scale: float = 0.3
    """Input weights start as ``w_scale (U(0, 1) + w_offset)``. [code]"""
    w_offset: float = 0.01
    """See w_scale. [code]"""
    w_max: float = 1.0
    """Learning keeps input weights in 0..w_max. [code]"""
    total: float = 78.0
    """Sum of a neuron's input weights, restored before each presentation that learns. [code]"""
    w_ei: float = 10.4
    """Weight from an excitatory neuron to its inhibitory one. [code]"""
    w_ie: float = 17.0
    """Weight from an inhibitory neuron to all excitatory ones but its own. [code]"""
    delay_max: float = 10.0
    """Delays of input synapses are drawn from U(0, delay_max), ms, and rounded to steps; 0 = no delays. [code]"""

    rate_pre: float = 1e-4
    """What an arriving input spike takes off a weight, times the fast trace of the neuron. [code]"""
    rate_post: float = 1e-2
    """What a spike of the neuron adds to a weight, times the input's trace and the slow trace of the neuron. [code]"""
    tau_pre: float = 20.0
    """Time constant of the input's trace, ms. [code]"""
    tau_post_1: float = 20.0
    """Time constant of the neuron's fast trace, ms. [code]"""
    tau_post_2: float = 40.0
    """Time constant of the neuron's slow trace, ms. [code]"""

    image_time: float = 350.0
    """How long an image is shown, ms. [paper]"""
    rest_time: float = 150.0
    """How long no input fires afterwards, ms. [paper]"""
    intensity: float = 2.0
    """First intensity of an image. [code]"""
    intensity_step: float = 1.0
    """What the intensity gains for the next try. [code]"""
    divisor: float = 8.0
    """An input fires at pixel / divisor * intensity Hz, pixels in 0..255. [code]"""
    fewest: int = 5
    """An image with fewer excitatory spikes in all is shown again, >= 0. [paper]"""
    most_tries: int = 100
    """After so many presentations an image counts as it is, >= 1: a blank one would be shown for ever. [ours]"""

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self) if f.name != "decay"):
            if not math.isfinite(getattr(self, name)):
                raise ConfigError(f"{name}={getattr(self, name)}: must be a finite number")
        for names, fine, allowed in (
            (_POSITIVE, lambda v: v > 0, "> 0"),
            ((*_NOT_NEGATIVE, *_WEIGHTS, "fewest"), lambda v: v >= 0, ">= 0"),
            (("most_tries",), lambda v: v >= 1, ">= 1"),
            (("inputs", "neurons"), lambda v: 1 <= v <= 32767, "in 1..32767"),
        ):
            for name in names:
                if not fine(getattr(self, name)):
                    raise ConfigError(f"{name}={getattr(self, name)}: must be {allowed}")
        if self.decay not in ("exact", "euler"):
            raise ConfigError(f"decay={self.decay!r}: must be one of exact, euler")
        if self.decay == "euler" and self.dt > min(self.tau_ge, self.tau_gi):
            raise ConfigError(f"dt={self.dt}: must be <= tau_ge and tau_gi with decay=euler")
        if not self.reversal_i <= self.reset_e <= self.reversal_e:
            raise ConfigError(
                f"reset_e={self.reset_e}: must be in reversal_i..reversal_e = {self.reversal_i}..{self.reversal_e}"
            )

    def steps(self, time: float) -> int:
        """Return how many steps a time in ms is, rounded."""
        return round(time / self.dt)
