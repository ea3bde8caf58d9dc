"""Wanted changes: what a rule hands to plasticity.

A change is *factored* where it can be: `Outer` keeps the two sides of the product, which devices with coincidence pulses, dendrites
and audits need; `Dense` is for the rest. Signs: a change is to be **added**, ``w <- w + rate * change``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from bioplaus.shapes import per_weight

if TYPE_CHECKING:
    from bioplaus.connections.base import Connection

__all__ = ["Change", "Dense", "Outer", "Wanted"]


class Change(Protocol):
    """A wanted change of one weight."""

    def dense(self) -> Tensor:
        """Return the change as an array ``[R, ...]`` of the shape of the weight."""

    def add_to(self, weight: Tensor, rate: Tensor) -> None:
        """Add ``rate * change`` in place; rate ``[R]``."""


@dataclass(frozen=True)
class Dense:
    """A change given entry by entry, shape ``[R, ...]`` of the weight."""

    value: Tensor

    def dense(self) -> Tensor:
        return self.value

    def add_to(self, weight: Tensor, rate: Tensor) -> None:
        weight.addcmul_(self.value, per_weight(rate, weight))


@dataclass(frozen=True)
class Outer:
    """A sum of products of a presynaptic and a postsynaptic side, summed over batch, time and positions.

    Parameters
    ----------
    connection
        The connection whose `correlate` maps the two sides to the shape of the weight.
    pairs
        ``(pre, post)`` with pre as the connection's `send` takes it and post as it returns it. Any mean over the batch is already
        in post.
    """

    connection: Connection
    pairs: tuple[tuple[Tensor, Tensor], ...]

    def dense(self) -> Tensor:
        (pre, post), *rest = self.pairs
        total = self.connection.correlate(pre, post)
        for pre, post in rest:
            total += self.connection.correlate(pre, post)
        return total

    def add_to(self, weight: Tensor, rate: Tensor) -> None:
        for pre, post in self.pairs:
            self.connection.accumulate(weight, pre, post, rate)


@dataclass(frozen=True)
class Wanted:
    """The changes that a rule wants now, for one group of weights.

    Parameters
    ----------
    group
        Name of the group (its optimiser, moments and clip).
    changes
        Leaf name -> change.
    mask
        Replicas that take part, bool ``[R]``; None means all. The others stay untouched bit for bit: weights, moments, decay, noise.
    """

    group: str
    changes: Mapping[str, Change] = field(default_factory=dict)
    mask: Tensor | None = None
