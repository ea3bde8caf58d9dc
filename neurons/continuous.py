"""Cells in continuous time inside a network: currents scaled to the model's own units, membranes to where 0 is rest and 1 is a spike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.fields import ranged
from bioplaus.neurons.lif import Lif, LifConfig
from bioplaus.neurons.spiking import Spiking, SpikingConfig, rows_of, series, unseries

__all__ = ["Continuous", "ContinuousConfig", "Course"]


@dataclass
class ContinuousConfig(SpikingConfig):
    """Settings of cells in continuous time."""

    dt: float = ranged(0.5, above=0)
    """Duration of a step, ms, > 0."""
    gain: float = ranged(10.0, above=0)
    """Current into the cell for a current of 1 from the network, > 0, in the model's own units."""


@dataclass(frozen=True)
class Course:
    """What a pass keeps: the membrane in mV before any reset, the spikes, and whether the current was constant."""

    membrane: Tensor
    spikes: Tensor
    constant: bool


class Continuous(Spiking):
    """A cell in continuous time. `run` takes currents in the model's own units and returns the membrane in mV, before any reset.

    Attributes
    ----------
    rest, peak
        Potentials, mV, that a network sees as 0 and 1.
    """

    rest: ClassVar[float]
    peak: ClassVar[float]

    def readout(self) -> Spiking:
        """Return the unit of the output layer: another such cell, or where it shall be leaky a leaky unit of the same clock."""
        c = self.config
        if c.readout == "spiking":
            return super().readout()
        return Lif(LifConfig(steps=c.steps, dt=c.dt, readout="leaky")).readout()

    def forward(self, current: Tensor, own: Mapping[str, Tensor] | None = None) -> tuple[Tensor, Course]:
        steps = self.config.steps if current.shape[2] == 1 else current.shape[2]
        course = self._course(current, self.config.gain, steps)
        return ((course.membrane - self.rest) / (self.peak - self.rest) if self.as_membrane else course.spikes), course

    def run(self, current: Tensor, time_axis: int = 0) -> tuple[Tensor, Tensor]:
        x = series(current, time_axis)
        course = self._course(x, 1.0, x.shape[2])
        return unseries(course.spikes, current, time_axis), unseries(course.membrane, current, time_axis)

    def _course(self, current: Tensor, gain: float, steps: int) -> Course:
        if current.device.type != "cpu":
            raise ConfigError(f"neuron={self.config.name} is compiled for the CPU alone; use device=cpu")
        membrane = current.new_empty((*current.shape[:2], steps, *current.shape[3:]))
        spikes = current.new_empty(membrane.shape)
        self._scan(rows_of(current), gain, rows_of(membrane), rows_of(spikes))
        return Course(membrane, spikes, current.shape[2] == 1)

    @abstractmethod
    def _scan(self, current: Any, gain: float, membrane: Any, spikes: Any) -> None:
        """Fill membrane and spikes ``[rows, T, units]`` for gain times the current ``[rows, T or 1, units]``."""
