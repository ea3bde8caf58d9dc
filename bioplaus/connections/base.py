"""The interface of a connection: three verbs, the only door to a weight.

::

    send(w, pre)         -> current   what activity becomes on its way through the synapses
    give_back(w, post)   -> signal    the exact adjoint of send in pre
    correlate(pre, post) -> change    the adjoint of send in w: summed over batch, time and positions

With the same matrix `give_back` is weight transport; with another one it is feedback alignment. A rule written with these verbs works
for every connection and never sees the shape of a weight.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from bioplaus.shapes import per_weight

__all__ = ["Connection"]


class Connection(ABC):
    """A pattern of synapses between two populations.

    Parameters
    ----------
    in_shape, out_shape
        Shapes of one sample on either side. Both are given because the adjoint of a strided connection is otherwise ambiguous.
    """

    def __init__(self, in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> None:
        self.in_shape = in_shape
        self.out_shape = out_shape

    @property
    @abstractmethod
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weight without the replica axis: ``(post, pre)`` or ``(post, pre, kh, kw)``."""

    @property
    def fan_in(self) -> int:
        """Number of synapses on one postsynaptic unit."""
        n = 1
        for side in self.weight_shape[1:]:
            n *= side
        return n

    def matrix(self, w: Tensor) -> Tensor:
        """Return the weight as it is drawn: itself, or where only some synapses exist the whole matrix with zeros for the others."""
        return w

    @abstractmethod
    def send(self, w: Tensor, pre: Tensor) -> Tensor:
        """Return the current ``[R, ..., *out_shape]`` that w ``[R, *weight_shape]`` makes of pre ``[R or 1, ..., *in_shape]``."""

    @abstractmethod
    def give_back(self, w: Tensor, post: Tensor) -> Tensor:
        """Return the adjoint of `send` in pre: ``<send(w, pre), post> = <pre, give_back(w, post)>`` for each replica."""

    @abstractmethod
    def correlate(self, pre: Tensor, post: Tensor) -> Tensor:
        """Return the adjoint of `send` in w: ``<send(w, pre), post> = <w, correlate(pre, post)>`` for each replica."""

    def accumulate(self, w: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> None:
        """Add ``rate * correlate(pre, post)`` to w in place; rate ``[R]``. Connections override it where the sum can be fused."""
        w.addcmul_(self.correlate(pre, post), per_weight(rate, w))
