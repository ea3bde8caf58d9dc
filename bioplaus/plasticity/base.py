"""How a wanted change becomes a real one: an optimiser makes the step, a synapse stores it.

An `Optimiser` turns a wanted change into a direction; its moments belong to (group, leaf). A `Synapse` belongs to the leaf: it decides what is
stored and what the network reads back. Signs: wanted changes are added.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from bioplaus.changes import Change
from bioplaus.fields import choice, ranged
from bioplaus.pictures import Findings
from bioplaus.streams import Streams

__all__ = ["IdealSynapse", "Optimiser", "Plasticity", "PlasticityConfig", "Step", "Synapse"]


@dataclass
class PlasticityConfig:
    """Settings that every plasticity has. Rates are the rule's: nothing here is one."""

    name: str = "sgd"
    """Registered name of the plasticity."""
    clip: str = choice("none", "none", "per_layer", "per_network")
    """Clipping of wanted changes by their L2 norm: none | per_layer (each array) | per_network (all arrays of a group together)."""
    clip_norm: float = ranged(1.0, above=0)
    """Largest norm, > 0; the factor is min(1, clip_norm / (norm + 1e-6))."""
    centralise: bool = False
    """Whether each weight's change has its mean over all axes but the postsynaptic one taken out (gradient centralisation)."""
    schedule: str = choice("constant", "constant", "cosine", "exponential", "relaxing")
    """Course of the rate: constant | cosine (a step per epoch, the floor one epoch after the last) | exponential (`decay` per epoch) | relaxing
    (to the floor, by a factor e every `schedule_tau` updates)."""
    schedule_floor: float = ranged(0.0, 0, 1)
    """Lowest rate of the cosine and the relaxing schedule as a fraction of the base rate, in [0, 1]."""
    schedule_tau: float = ranged(1000.0, above=0)
    """Time constant of the relaxing schedule, updates, > 0."""
    decay: float = ranged(1.0, above=0, high=1)
    """Factor per epoch of the exponential schedule, in (0, 1]."""
    later: float = ranged(1.0, above=0)
    """Factor on the rate in every task of a sequence but the first."""
    warmup: int = ranged(0, 0)
    """Steps over which the factor (step + 1) / warmup rises to 1; 0 for none."""
    warmup_on: str = choice("rate", "rate", "change")
    """What the warm-up multiplies: rate | change (the wanted change before clipping, as a warm-up of the loss does)."""


@dataclass(frozen=True)
class Step:
    """``delta = rate * change``, rate ``[R]``: what a synapse is asked to add.

    The change stays factored (`Outer`) where the optimiser is the identity, so that devices with coincidence pulses see both sides.
    ``bounds`` is the range that the weight stays in, (lowest, highest), where the rule gives one: a synapse stops there.
    """

    change: Change
    rate: Tensor
    bounds: tuple[float, float] | None = None


class Optimiser(ABC):
    """Turns wanted changes into directions. Final classes hold settings; moments are passed in and changed in place."""

    #: whether the direction is the wanted change itself, so that nothing has to be kept and products may be fused
    identity: bool = False
    moments: tuple[str, ...] = ()

    def at(self, count: Tensor) -> Optimiser:
        """Return the optimiser for the update of this number ``[R]``: what follows from it alone is worked out once for all leaves."""
        return self

    @abstractmethod
    def direction(self, wanted: Tensor, weight: Tensor, moments: Mapping[str, Tensor], count: Tensor) -> Tensor:
        """Return the direction ``[R, ...]``, to be multiplied by the rate and added.

        Parameters
        ----------
        wanted, weight
            The wanted change (which may be overwritten) and the present weight.
        moments
            This leaf's moments, changed in place.
        count
            Updates of this group so far, this one included, ``[R]``.
        """


class Synapse(ABC):
    """Stores a weight. ``weight`` is what the network reads; `write` changes it in place, together with whatever lies behind it."""

    #: whether `write` wants both sides of a product, also where only some replicas take part
    factored: bool = False

    @abstractmethod
    def init(self, key: str, weight: Tensor, streams: Streams) -> dict[str, Tensor]:
        """Return what is stored behind a fresh weight, tensors ``[R, ...]``; may change the weight to what can be stored."""

    def program(self, key: str, weight: Tensor, streams: Streams, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what is stored behind a weight that was assigned anew, given what was stored ``before``: as `init`, unless something lasts."""
        return self.init(key, weight, streams)

    @abstractmethod
    def write(self, key: str, state: Mapping[str, Tensor], weight: Tensor, step: Step, streams: Streams) -> None:
        """Add ``step`` as well as the device can, within its bounds, and put what is read back into ``weight``; both in place."""


class IdealSynapse(Synapse):
    """Stores exactly what it is told, ``w <- w + rate * change``, within the bounds of the step."""

    def init(self, key: str, weight: Tensor, streams: Streams) -> dict[str, Tensor]:
        return {}

    def write(self, key: str, state: Mapping[str, Tensor], weight: Tensor, step: Step, streams: Streams) -> None:
        step.change.add_to(weight, step.rate)
        if step.bounds:
            weight.clamp_(*step.bounds)


class Plasticity(ABC):
    """An optimiser and a synapse under one name: what ``plasticity=NAME`` chooses."""

    Config: ClassVar[type[PlasticityConfig]] = PlasticityConfig

    def __init__(self, config: Any = None) -> None:
        self.config: Any = self.Config() if config is None else config
        self.optimiser = self.make_optimiser()
        self.synapse = self.make_synapse()

    @abstractmethod
    def make_optimiser(self) -> Optimiser:
        """Return the optimiser."""

    def make_synapse(self) -> Synapse:
        """Return the synapse; ideal unless the plasticity is a device."""
        return IdealSynapse()

    def findings(self, packs: Sequence[Mapping[str, Mapping[str, Tensor]]], per_epoch: int) -> Findings:
        """Return what there is to say about a finished run's synapses, given for each pack leaf -> name -> array, and the writes of an epoch."""
        return Findings()
