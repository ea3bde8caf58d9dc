"""Settings of the dendritic microcircuit, and what follows from its conductances."""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.fields import choice, ranged, replica
from bioplaus.rules.base import RuleConfig

__all__ = ["MicrocircuitConfig"]


@dataclass
class MicrocircuitConfig(RuleConfig):
    """Settings of the dendritic microcircuit."""

    name: str = "microcircuit"
    lr: float = replica(0.1)
    interneuron_rate: float = ranged(1.0, 0)
    """Rate of W_IP (onto interneurons), >= 0: a multiple of the rate at which it changes as W_up does where the two are equal; 0 keeps it
    as it starts."""
    lateral_rate: float = ranged(0.0, 0)
    """Rate of W_PI (interneurons onto apical dendrites) as a multiple of lr, >= 0; 0 keeps it as it starts."""
    form: str = choice("settled", "settled", "dynamics")
    """How a batch settles: settled (first order in the teaching: one sweep down from the feed-forward state) | dynamics (Euler steps of
    the membrane equations, all areas at once)."""
    start: str = choice("self_predicting", "self_predicting", "random")
    """Interneuron circuit at the start: self_predicting (W_IP = W_up, W_PI = -W_down) | random (draws of their own, to be learned)."""
    silent_epochs: int = ranged(0, 0)
    """Epochs without teaching at the start, >= 0, in which the interneuron circuit alone learns."""
    level: bool = True
    """Whether the rate of each area is divided by the known attenuation of the error on its way down; false: one rate for all."""
    cost: str = choice("task", "task", "squared")
    """What teaching pulls the output cells down: task (the task's own loss) | squared (1/2 squared distance to one-hot, as published)."""
    g_teach: float = ranged(0.8, above=0)
    """Conductance of the teaching current into output cells, > 0, 1/ms; 0 is the limit of weak teaching."""
    g_leak: float = ranged(0.1, 0)
    """Leak conductance of all somata, >= 0, 1/ms."""
    g_basal: float = ranged(1.0, above=0)
    """Conductance from basal dendrite to soma of pyramidal cells, > 0, 1/ms."""
    g_apical: float = ranged(0.8, above=0)
    """Conductance from apical dendrite to soma of hidden pyramidal cells, > 0, 1/ms."""
    g_dendrite: float = ranged(1.0, above=0)
    """Conductance from dendrite to soma of interneurons, > 0, 1/ms."""
    g_soma: float = ranged(0.8, above=0)
    """Conductance of the current that the matching pyramidal cell above drives into an interneuron's soma, > 0, 1/ms."""
    feedback_scale: float = ranged(1.0, above=0)
    """Factor on W_down, which is drawn like the forward weight of its layer; > 0, dimensionless."""
    dt: float = ranged(0.25, above=0)
    """Euler step of form=dynamics, > 0, ms; must stay below 1 over the sum of a cell's conductances."""
    steps: int = ranged(40, 0)
    """Euler steps of form=dynamics per batch, >= 0."""

    @property
    def strength(self) -> float:
        """How far an output cell moves per unit of output error, dimensionless: first order for the task's loss, exact for squares."""
        ratio = self.g_teach / (self.g_leak + self.g_basal)
        return ratio if self.cost == "task" else ratio / (1 + ratio)

    @property
    def apical_gain(self) -> float:
        """How far a hidden soma moves per unit of apical potential: g_apical / g_basal, in potentials relative to a free soma's."""
        return self.g_apical / self.g_basal

    @property
    def mixing(self) -> float:
        """Share lambda of the cell above in the soma of an interneuron, in (0, 1)."""
        return self.g_soma / (self.g_leak + self.g_dendrite + self.g_soma)

    def gain(self, above: int) -> float:
        """Return how much of the output error an area sees that has `above` areas above it, in the limit of weak teaching."""
        gain: float = self.strength * (self.apical_gain * (1 - self.mixing)) ** above
        return gain if self.level else 1.0
