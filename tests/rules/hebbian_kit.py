"""Small networks and views for the Hebbian rules."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.connections import Conv2dConnection, DenseConnection
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.base import Neuron
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Flatten, MaxPool
from bioplaus.rules.base import Rule
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, Learned, View

HIDDEN = "forward/0/weight"


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dense(inputs: int, cells: int, neuron: Neuron | None = None) -> Network:
    """One hidden layer and two outputs."""
    hidden = Layer("forward/0", DenseConnection((inputs,), (cells,)), neuron or Identity())
    return Network("forward", (inputs,), [hidden, Layer("forward/1", DenseConnection((cells,), (2,)), Identity())])


def conv(neuron: Neuron | None = None) -> Network:
    """A strided, padded convolution of five cells with pooling, and two outputs."""
    c = Conv2dConnection((2, 9, 9), 5, kernel=3, stride=2, padding=1)
    hidden = Layer("forward/0", c, neuron or Identity(), after=[MaxPool(2)])
    last = Layer("forward/1", DenseConnection((20,), (2,)), Identity(), before=[Flatten((5, 2, 2))])
    return Network("forward", (2, 9, 9), [hidden, last])


def patches(x: Tensor) -> Tensor:
    """What each position of `conv` sees, ``[B, C, H, W] -> [B * positions, 18]``, by torch's unfold."""
    return torch.nn.functional.unfold(x, 3, padding=1, stride=2).transpose(1, 2).flatten(0, 1)


def start(rule: Rule, network: Network, seeds: tuple[int, ...] = (3,)) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Fresh params and rule's state."""
    streams = Streams(seeds, dtype=torch.float64)
    params, _ = network.draw(streams)
    return params, rule.init({"forward": network}, params, streams)


def step(
    rule: Rule, network: Network, params: dict[str, Tensor], state: dict[str, Tensor], x: Tensor
) -> tuple[Tensor, Learned]:
    """What the rule wants of the hidden weight for inputs x ``[R or 1, B, ...]``, and what it returned."""
    y = torch.zeros(x.shape[:2], dtype=torch.int64)
    streams = Streams((3,) * params[HIDDEN].shape[0], dtype=torch.float64)
    view = View({"forward": network}, params, {}, state, Batch(x, y), Clock(), streams, Classification(2))
    learning, found = rule.learn(view), {}
    while True:
        try:
            wanted = next(learning)
        except StopIteration as stop:
            return found[HIDDEN], stop.value
        found |= {key: change.dense() for key, change in wanted.changes.items()}


def settle(
    rule: Rule, network: Network, params: dict[str, Tensor], state: dict[str, Tensor], x: Tensor, rate: float, steps: int
) -> None:
    """Let the hidden layer learn from one batch over and over, in place."""
    for _ in range(steps):
        change, learned = step(rule, network, params, state, x)
        params[HIDDEN] = params[HIDDEN] + rate * change
        state.update(learned.state)
