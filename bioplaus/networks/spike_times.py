"""Layers of cells that fire at most once, joined by synapses of several delays: the network of Bohte, Kok & La Poutre 2002."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.networks.base import check_widths, flat_size
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Operation
from bioplaus.spike_time_layer import Cells, Latency, SpikeTimeLayer
from bioplaus.spiking.time_task import SpikeTimes
from bioplaus.tasks import Task

__all__ = ["SpikeTimesConfig", "SpikeTimesNetwork", "SpikeTimesPreset"]


@dataclass
class SpikeTimesConfig:
    """Settings of the network; times in ms, membranes in units of the peak that one spike makes through a weight of 1."""

    name: str = "spike_times"
    hidden: list[int] = field(default_factory=lambda: [5])
    """Widths of the hidden layers; [] for a single layer."""
    inhibitory: int = ranged(1, 0)
    """Cells of each hidden layer, the last ones, whose potentials have a negative sign; weights start positive and may change sign."""
    delays: int = ranged(16, 1)
    """Synapses of each pair of cells, with delays of 1, 2, .. times delay_step."""
    delay_step: float = ranged(1.0, above=0)
    """Between delays, ms."""
    tau: float = ranged(7.0, above=0)
    """Time to the peak of a postsynaptic potential, ms."""
    threshold: float = ranged(5.0, above=0)
    """Membrane at which a cell fires."""
    init_scale: float = ranged(6.0, above=0)
    """Weights start uniform, with a mean at which all potentials of a cell at their peaks would add up to so many thresholds."""
    span: float = ranged(6.0, above=0)
    """Inputs fire at span (1 - x) ms, x in [0, 1]: the larger the earlier; a bias cell fires at 0."""
    silent_zeros: bool = False
    """Whether inputs of 0 send no spike; otherwise they fire last."""
    early: float = ranged(10.0, above=0)
    """Wanted time of the right class (of the last class, where there is one output cell), ms."""
    late: float = ranged(16.0, above=0)
    """Wanted time of the other classes (of the first class, where there is one output cell), ms."""
    output: str = choice("auto", "auto", "single", "per_class")
    """Output cells: single (one, its time says the class) | per_class (the first to fire) | auto (single for two classes)."""
    window: float = ranged(40.0, above=0)
    """Until when spikes are looked for, ms; a cell that does not fire counts as firing then, and reaches nobody."""
    dt: float = ranged(0.5, above=0)
    """Step of the grid that brackets crossings, ms; times are exact to rounding behind it."""
    slope_floor: float = ranged(0.1, above=0)
    """Learning divides by the slope of the membrane where it crosses, and by no less than this, per ms."""
    push: float = ranged(0.0, 0)
    """Error (down the loss) at the largest membrane of a cell that does not fire: raises its weights; 0 = such a cell does not learn."""


class SpikeTimesNetwork(Network):
    """A chain of `SpikeTimeLayer`."""

    @property
    def widest(self) -> int:
        """What each synapse carries at each point of the grid, or at the time of each cell: far more than there are cells."""
        return max(
            max(round(one.cells.window / one.cells.dt) + 1, *one.out_shape) * math.prod(one.connection.in_shape)
            for one in self.layers
            if isinstance(one, SpikeTimeLayer)
        )


class SpikeTimesPreset:
    """Cells that fire once, 16 delayed synapses per pair; classes are times of output spikes."""

    Config = SpikeTimesConfig
    task = "spike times"

    @staticmethod
    def build(config: SpikeTimesConfig, in_shape: tuple[int, ...], outputs: tuple[int, ...], neuron: Neuron) -> Network:
        """Return the network ``flat(in_shape) + bias - hidden - output cells``.

        Raises
        ------
        ConfigError
            Another neuron is asked for; a width below 1; more inhibitory cells than a layer has; a window that ends too soon.
        """
        if not isinstance(neuron, Identity):
            raise ConfigError(f"network=spike_times has neurons of its own; leave out neuron={neuron.config.name}")
        _check(config, flat_size(outputs))
        widths = [flat_size(in_shape) + 1, *config.hidden, 1 if _single(config, flat_size(outputs)) else flat_size(outputs)]
        delays = tuple(config.delay_step * (k + 1) for k in range(config.delays))
        cells = Cells(config.tau, config.threshold, delays, config.window, config.dt, config.slope_floor, config.push)
        silent = config.window if config.silent_zeros else None
        layers = []
        for i, (pre, post) in enumerate(itertools.pairwise(widths)):
            first: tuple[Operation, ...] = (Latency(in_shape, config.span, silent),) if i == 0 else ()
            start = Init("positive", 2 * config.init_scale * config.threshold / (pre * config.delays))
            inhibitory = config.inhibitory if i else 0
            layers.append(SpikeTimeLayer(f"forward/{i}", pre, post, cells, inhibitory=inhibitory, before=first, init=start))
        return SpikeTimesNetwork("forward", in_shape, layers)

    @staticmethod
    def make_task(config: SpikeTimesConfig, classes: int) -> Task:
        """Return what its output cells are asked for."""
        return SpikeTimes(classes, config.early, config.late, _single(config, classes))


def _single(config: SpikeTimesConfig, classes: int) -> bool:
    return config.output == "single" or (config.output == "auto" and classes == 2)


def _check(config: SpikeTimesConfig, classes: int) -> None:
    check_widths(config.hidden, "network.hidden")
    if any(config.inhibitory >= width for width in config.hidden):
        raise ConfigError(f"network.inhibitory={config.inhibitory} leaves no excitatory cell in network.hidden={config.hidden}; take fewer")
    if not config.early < config.late < config.window:
        raise ConfigError(
            f"network.early={config.early:g}, network.late={config.late:g} and network.window={config.window:g} must rise in this order, ms"
        )
    if config.dt > config.window / 2:
        raise ConfigError(f"network.dt={config.dt:g} must be well below network.window={config.window:g}, ms")
