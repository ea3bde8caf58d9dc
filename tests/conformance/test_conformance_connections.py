"""Every kind of connection, in short: three verbs that are adjoint to each other, replica by replica."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bioplaus.connections import (
    Connection,
    Conv2dConnection,
    DelayedConnection,
    DenseConnection,
    RecurrentConnection,
    SparseConnection,
    TransposedConnection,
)

CONNECTIONS: dict[str, Connection] = {
    "dense": DenseConnection((5,), (3,)),
    "delayed": DelayedConnection(4, 3, 2),
    "conv2d-same": Conv2dConnection((2, 5, 4), 3, kernel=3),
    "conv2d-stride": Conv2dConnection((2, 7, 5), 3, kernel=3, stride=2, padding=1),
    "conv2d-even-kernel": Conv2dConnection((2, 5, 5), 3, kernel=2),
    "recurrent": RecurrentConnection(5),
    "recurrent-autapses": RecurrentConnection(5, autapses=True),
    "sparse": SparseConnection(5, [[0, 2], [4, 1], [2, 3]]),
    "sparse-blocks": SparseConnection(6, [[0, 1], [2, 3], [4, 5]]),
    "transposed": TransposedConnection(DenseConnection((5,), (3,))),
    "transposed-conv2d": TransposedConnection(Conv2dConnection((2, 5, 4), 3, kernel=3)),
    "conv2d-rim": Conv2dConnection((1, 4, 6), 2, kernel=3, padding=(0, 2, 1, 0)),
}
every = pytest.mark.parametrize("name", CONNECTIONS)
replicated = pytest.mark.parametrize("replicas", [1, 3])


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sides(c: Connection, replicas: int) -> tuple[Tensor, Tensor, Tensor]:
    shapes = (c.weight_shape, (4, *c.in_shape), (4, *c.out_shape))
    w, pre, post = (draw(replicas, *shape, seed=i) for i, shape in enumerate(shapes))
    return w, pre, post


@every
@replicated
def test_the_verbs_are_adjoint(name: str, replicas: int) -> None:
    c = CONNECTIONS[name]
    w, pre, post = sides(c, replicas)
    through = (c.send(w, pre) * post).flatten(1).sum(1)
    torch.testing.assert_close((pre * c.give_back(w, post)).flatten(1).sum(1), through)
    torch.testing.assert_close((w * c.correlate(pre, post)).flatten(1).sum(1), through)


@every
@replicated
def test_accumulate_adds_rate_times_correlate(name: str, replicas: int) -> None:
    c = CONNECTIONS[name]
    w, pre, post = sides(c, replicas)
    rate = 0.5 + torch.arange(replicas, dtype=torch.float64)
    expected = w + rate.view(-1, *[1] * (w.dim() - 1)) * c.correlate(pre, post)
    c.accumulate(w, pre, post, rate)
    torch.testing.assert_close(w, expected)


@every
def test_replicas_do_not_mix_and_inputs_are_not_written(name: str) -> None:
    c = CONNECTIONS[name]
    given = sides(c, 3)
    copies = [side.clone() for side in given]
    w, pre, post = given
    for verb, arguments in ((c.send, (w, pre)), (c.give_back, (w, post)), (c.correlate, (pre, post))):
        together = verb(*arguments)
        for r in range(3):
            torch.testing.assert_close(together[r : r + 1], verb(*(a[r : r + 1] for a in arguments)))
    assert all(torch.equal(a, b) for a, b in zip(given, copies))
