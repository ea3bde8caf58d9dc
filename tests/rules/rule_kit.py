"""Small networks, batches and models for tests of rules, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from bioplaus import registry
from bioplaus.changes import Wanted
from bioplaus.connections import Conv2dConnection, DenseConnection
from bioplaus.engines.loop import learn_batch
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Flatten, MaxPool, Scope
from bioplaus.plasticity.sgd import Sgd
from bioplaus.rules.base import Rule
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, Learned, View
from bioplaus.world import Model, World, new_world, view


def mlp(neuron: str, widths: Sequence[int] = (6, 7, 5, 3)) -> Network:
    """A dense network without biases, identity at the output."""
    last = len(widths) - 2
    return Network(
        "forward",
        (widths[0],),
        [
            Layer(f"forward/{i}", DenseConnection((pre,), (post,)), Identity() if i == last else registry.NEURONS.get(neuron)())
            for i, (pre, post) in enumerate(pairwise(widths))
        ],
    )


def conv(neuron: str) -> Network:
    """Two convolutions with pooling on 2x6x6 images, then a dense output of 3."""
    make = registry.NEURONS.get(neuron)
    first = Layer("forward/0", Conv2dConnection((2, 6, 6), 3), make(), after=[MaxPool(2)])
    second = Layer("forward/1", Conv2dConnection(first.out_shape, 4), make())
    third = Layer("forward/2", DenseConnection((4 * 3 * 3,), (3,)), Identity(), before=[Flatten(second.out_shape)])
    return Network("forward", (2, 6, 6), [first, second, third])


def classes(shape: tuple[int, ...], samples: int = 9, seed: int = 11) -> Batch:
    """Normal inputs with random labels of 3 classes, shared by all replicas."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(1, samples, *shape, generator=g, dtype=torch.float64)
    return Batch(x, torch.randint(0, 3, (1, samples), generator=g))


def model_of(rule: Rule, network: Network, seeds: Sequence[int], outputs: int = 3) -> tuple[Model, World]:
    """A model under plain gradient steps, and its fresh world."""
    networks = rule.build(network)
    groups = rule.groups(networks)
    rates = {
        name: torch.full((len(seeds),), float(group.rate), dtype=torch.float64)  # type: ignore[arg-type]
        for name, group in groups.items()
        if not group.frozen
    }
    streams = Streams(tuple(seeds), dtype=torch.float64)
    model = Model(rule, networks, groups, rates, Sgd(), Classification(outputs), streams)
    return model, new_world(model)


def learn(rule: Rule, view: View) -> tuple[list[Wanted], Learned]:
    """Run the generator to its end; nothing is written in between."""
    run, wanted = rule.learn(view), []
    while True:
        try:
            wanted.append(next(run))
        except StopIteration as end:
            return wanted, end.value


def learn_once(rule: Rule, view: View) -> tuple[Wanted, Learned]:
    """The same for a rule that asks for one change only."""
    asked, learned = learn(rule, view)
    assert len(asked) == 1, "more than one change"
    return asked[0], learned


@torch.no_grad()
def drained(model: Model, world: World, batch: Batch, clock: Clock | None = None) -> tuple[dict[str, Tensor], Learned]:
    """What the rule wants for a batch, leaf by leaf, nothing of it written, and what it returned."""
    asked, learned = learn(model.rule, view(model, world, batch, clock or Clock()))
    total: dict[str, Tensor] = {}
    for wanted in asked:
        for leaf, change in wanted.changes.items():
            total[leaf] = total[leaf] + change.dense() if leaf in total else change.dense().clone()
    return total, learned


@torch.no_grad()
def step(model: Model, world: World, batch: Batch) -> Learned:
    """Learn one batch."""
    learned = learn_batch(model, world, batch, Clock(world.step))
    world.step += 1
    return learned


def reached(layer: Layer, params: dict[str, Tensor], x: Tensor) -> Tensor:
    """Output of one layer."""
    return layer.forward(Scope(params), x).out
