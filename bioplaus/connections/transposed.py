"""The synapses of another connection, run through the other way."""

from __future__ import annotations

from torch import Tensor

from bioplaus.connections.base import Connection

__all__ = ["TransposedConnection"]


class TransposedConnection(Connection):
    """The adjoint of a connection, over the same weight: what it sends is what the other one gives back.

    Parameters
    ----------
    source
        The connection.
    """

    def __init__(self, source: Connection) -> None:
        super().__init__(source.out_shape, source.in_shape)
        self.source = source

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.source.weight_shape

    @property
    def fan_in(self) -> int:
        return self.source.fan_in

    def send(self, w: Tensor, pre: Tensor) -> Tensor:
        return self.source.give_back(w, pre)

    def give_back(self, w: Tensor, post: Tensor) -> Tensor:
        return self.source.send(w, post)

    def correlate(self, pre: Tensor, post: Tensor) -> Tensor:
        return self.source.correlate(post, pre)

    def accumulate(self, w: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> None:
        self.source.accumulate(w, post, pre, rate)
