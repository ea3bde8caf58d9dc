"""What a probe is given, and what it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from torch import Tensor

from bioplaus.layer import Layer
from bioplaus.network import Pass
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

__all__ = ["Observation", "Probe"]


@dataclass(frozen=True)
class Observation:
    """One batch, learned on a copy: weights before and after, and what the rule asked for in between.

    Parameters
    ----------
    model
        The fixed part of the pack.
    params, after
        Weights before and after the batch, key -> ``[R, ...]``.
    buffers
        Running means before the batch.
    batch
        The samples, ``[R or 1, B, ...]``.
    wanted
        Leaf -> wanted change ``[R, ...]``, summed over all that the rule asked for in this batch, before
        clipping, optimiser and rate; 0 for replicas that a change leaves out. Leaves that the rule never
        named are missing.
    world
        The world before the batch; a copy, which probes may read and nobody else holds.
    clock
        Where in the run it was.
    """

    model: Model
    params: Mapping[str, Tensor]
    after: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor]
    batch: Batch
    wanted: Mapping[str, Tensor]
    world: World
    clock: Clock = field(default_factory=Clock)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Layers of the forward network, in order: the layer axis of every metric."""
        return self.model.networks["forward"].layers

    @cached_property
    def feedback(self) -> Mapping[str, Tensor]:
        """Matrices that take errors down, as the rule says (`Rule.feedback`), at the weights before the batch."""
        return self.model.rule.feedback(view(self.model, self.world, self.batch, self.clock))

    @cached_property
    def run(self) -> Pass:
        """Training pass of the forward network with the weights before the batch, shared by the probes."""
        return self.model.networks["forward"].forward(self.params, self.batch.x, self.buffers, train=True)


class Probe(ABC):
    """A measurement. Final classes hold nothing."""

    #: whether it sends something through the network's connections
    sends: ClassVar[bool] = False

    def refuses(self, model: Model) -> str:
        """Return why it can say nothing of a model and what to do about it, or "" if it can."""
        compiled = self.sends and model.networks["forward"].compiled
        return "steps of this network are compiled, nothing passes its connections; take updates or cka" if compiled else ""

    @abstractmethod
    def look(self, seen: Observation) -> dict[str, Tensor]:
        """Return numbers per replica in float64, name -> ``[R]`` or ``[R, layers]``.

        The layers are those of the forward network in order. NaN marks what is undefined; an empty result
        says that the probe does not apply to the rule.
        """
