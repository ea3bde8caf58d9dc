"""The door for compiled inner loops: an engine advances a world by a block of batches.

The simulator knows engines only through this interface. An engine says which runs it can do, and is tested to equal the default
one over some steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

from bioplaus.feed import Feed
from bioplaus.world import Model, World

if TYPE_CHECKING:
    from bioplaus.settings import TopConfig

__all__ = ["Block", "Engine"]


@dataclass(frozen=True)
class Block:
    """Batches to run without a pause: the steps up to the next probe, evaluation or checkpoint.

    Parameters
    ----------
    feed
        Training samples.
    batches
        Index ``[R, B]`` of each batch; the last one of an epoch may be shorter.
    epoch, steps_per_epoch, steps_total, task
        For the rule's clock.
    stop
        Asked between batches (by a compiled engine every few hundred); when it answers True the engine returns early, between batches.
    """

    feed: Feed
    batches: tuple[Tensor, ...]
    epoch: int
    steps_per_epoch: int
    steps_total: int
    stop: Callable[[], bool] = field(default=lambda: False)
    task: int = 0


class Engine(ABC):
    """Advances worlds."""

    @classmethod
    def made(cls, top: TopConfig) -> Engine:
        """Return the engine as the settings of a run want it."""
        return cls()

    @abstractmethod
    def refuses(self, model: Model, batch_size: int) -> str | None:
        """Return why this engine cannot run the model, in a few words, or None if it can."""

    @abstractmethod
    def advance(self, model: Model, world: World, block: Block) -> dict[str, Tensor]:
        """Run the block, changing the world in place, and return the metrics of its steps, ``[steps, R]`` each.

        ``world.step`` counts the steps that were done. Replicas that are not alive stay untouched.
        """
