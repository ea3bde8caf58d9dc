"""The exact worst case against all corners of the box, and who has one; what outputs of other kinds say."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from robustness_kit import answered, random_net
from torch import Tensor

from bioplaus.neurons.spiking import SpikingConfig
from bioplaus.robustness.exact import is_linear, worst_case
from bioplaus.robustness.heads import Head, Logits, Membranes, Times, margins
from bioplaus.spiking.task import SpikingClassification
from bioplaus.spiking.time_task import SpikeTimes


def test_exact_worst_case_by_enumeration() -> None:
    """A linear function over a box is largest at a corner: 2^6 corners, the walls at 0 and 1 included."""
    draw, eps, shape = np.random.default_rng(0), 0.2, (2, 1, 3)
    net = random_net(draw, (6, 4), shape=shape, mean=(0.2, 0.5), std=(0.5, 0.8), scale=0.5)
    x, y = answered(net, 40, draw, shape)
    y = torch.where(torch.arange(40) % 8 == 0, (y + 1) % 4, y)
    found = worst_case(net.victim, x, y, eps)
    scale = np.repeat([0.5, 0.8], 3), np.repeat([0.2, 0.5], 3)
    for r, i in np.ndindex(2, 40):
        p = x[r, i].flatten().numpy()
        ends = np.array([np.maximum(0, p - eps), np.minimum(1, p + eps)])
        corners = np.array([ends[list(which), range(6)] for which in product((0, 1), repeat=6)])
        z = (corners - scale[1]) / scale[0] @ net.weights[0][r].numpy().T + net.biases[0][r].numpy()
        label = int(y[r, i])
        highest = (np.delete(z, label, 1).max(1) - z[:, label]).max()
        assert bool(found.broken[r, i]) == (highest > 0)
        reached = margins(net.victim.scores(found.images), y)[r, i]
        assert float(reached) == pytest.approx(highest, abs=1e-10)
    assert 0.2 < found.broken.double().mean() < 0.9


def test_who_has_an_exact_worst_case() -> None:
    draw = np.random.default_rng(1)
    assert is_linear(random_net(draw, (6, 3)).victim) and not is_linear(random_net(draw, (6, 5, 3)).victim)
    assert is_linear(random_net(draw, (6, 3), neuron="sigmoid").victim)  # the output layer is linear whatever the hidden ones are


HEADS: list[tuple[str, Head, tuple[int, ...]]] = [
    ("logits", Logits(), (2, 5, 4)),
    ("largest membrane", Membranes(SpikingClassification(4, SpikingConfig(readout="leaky", loss="max_membrane"))), (2, 5, 7, 4)),
    ("first to fire", Times(SpikeTimes(4, 10.0, 20.0, False)), (2, 5, 4)),
    ("nearest time", Times(SpikeTimes(4, 10.0, 20.0, True)), (2, 5, 1)),
]


@pytest.mark.parametrize(("name", "head", "shape"), HEADS, ids=[case[0] for case in HEADS])
def test_slopes_at_the_output(name: str, head: Head, shape: tuple[int, ...]) -> None:
    """Finite differences of margin and of the task's own loss."""
    draw = np.random.default_rng(2)
    out, y = torch.from_numpy(draw.uniform(9, 21, shape)), torch.from_numpy(draw.integers(0, 4, (2, 5)))
    hot, step = torch.nn.functional.one_hot(y, 4).double(), 1e-6

    def loss(o: Tensor) -> Tensor:
        if isinstance(head, Logits):
            return torch.nn.functional.cross_entropy(o.flatten(0, 1), y.flatten(), reduction="sum")
        return (head.task.loss(o, y) * 5).sum()

    def ahead(o: Tensor) -> Tensor:  # of the right class: the one after it
        z = head.scores(o)
        return (z.gather(-1, (y + 1).remainder(4).unsqueeze(-1)) - z.gather(-1, y.unsqueeze(-1))).sum()

    for height, slope in (
        (ahead, head.of_margin(out, y, (y + 1).remainder(4))),
        (lambda o: margins(head.scores(o), y).sum(), head.of_margin(out, y)),
        (loss, head.of_loss(out, hot)),
    ):
        for entry in np.ndindex(shape):
            moved = torch.zeros(shape, dtype=torch.float64)
            moved[entry] = step
            assert float(slope[entry]) == pytest.approx(float(height(out + moved) - height(out - moved)) / (2 * step), abs=1e-5), name
