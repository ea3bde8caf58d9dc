"""How much a spiking network fires while it learns."""

from __future__ import annotations

from torch import Tensor

from bioplaus.probes.base import Observation, Probe
from bioplaus.spiking.activity import activity
from bioplaus.spiking.task import SpikingClassification
from bioplaus.world import Model

__all__ = ["SpikesProbe"]


class SpikesProbe(Probe):
    """Firing rates, silent and saturated units, ties and synaptic operations of a spiking network.

    Per layer ``firing_rate`` (spikes per unit and step), ``silent_share`` and ``saturated_share`` (units that fire in no step, in every
    step, of the whole batch), all in [0, 1], NaN for a read-out that cannot fire; of the network ``tie_fraction`` (samples whose class is
    the lowest of several that are level) and ``synaptic_operations`` (per sample, behind the first layer). See `bioplaus.spiking.activity`.
    """

    def refuses(self, model: Model) -> str:
        return "" if isinstance(model.task, SpikingClassification) else "these units have no time; use neuron=lif"

    def look(self, seen: Observation) -> dict[str, Tensor]:
        task = seen.model.task
        return (
            activity(seen.model.networks["forward"], seen.run, task) if isinstance(task, SpikingClassification) else {}
        )
