"""What a rule is given for one batch, and what it gives back. A rule reads the view and never writes to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from bioplaus.network import Network
    from bioplaus.streams import Streams
    from bioplaus.tasks import Task

__all__ = ["Batch", "Clock", "Edits", "Learned", "View"]


@dataclass(frozen=True)
class Batch:
    """Samples x ``[R or 1, B, ...]`` and targets y; index ``[R or 1, B]`` are their positions in the training set."""

    x: Tensor
    y: Tensor
    index: Tensor | None = None

    @property
    def size(self) -> int:
        """Samples per replica."""
        return self.x.shape[1]


@dataclass(frozen=True)
class Clock:
    """Where the run is. Rules read it and never count for themselves."""

    step: int = 0
    epoch: int = 0
    task: int = 0
    steps_per_epoch: int = 1
    steps_total: int = 1


@dataclass(frozen=True)
class View:
    """All that a rule may read. `params` shows every write of plasticity at once, so a rule sees the weights its last change left."""

    networks: Mapping[str, Network]
    params: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    batch: Batch
    clock: Clock
    streams: Streams
    task: Task


@dataclass(frozen=True)
class Learned:
    """What a rule returns at the end of a batch.

    Parameters
    ----------
    metrics
        Numbers per replica, ``[R]``; must hold "loss".
    state
        New values of the rule's own traces and means; entries not named stay.
    running
        New running means of normalisations (`Pass.running`), committed by the simulator.
    """

    metrics: Mapping[str, Tensor]
    state: Mapping[str, Tensor] = field(default_factory=dict)
    running: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Edits:
    """What a rule asks for at a boundary (start, epoch, task, end): whole-array assignments between batches.

    Parameters
    ----------
    assign
        Key -> new array. A new shape is how a network grows: what is new has moments of zero, what was there keeps its own.
    mask
        Replicas that the assignments touch, bool ``[R]``; None means all. A leaf may not change shape under a mask: all replicas of a pack
        hold arrays of one size, and the rule's state masks what is not yet grown in some.
    forget
        Groups whose moments and counters restart.
    state
        New values of the rule's state.
    """

    assign: Mapping[str, Tensor] = field(default_factory=dict)
    mask: Tensor | None = None
    forget: tuple[str, ...] = ()
    state: Mapping[str, Tensor] = field(default_factory=dict)
