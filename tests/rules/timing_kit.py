"""Spike timing in plain Python: sums over pairs of spikes and over events, for one synapse, as oracles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from spiking_kit import inputs, model_of, network
from torch import Tensor

from bioplaus.changes import Wanted
from bioplaus.rules.base import Rule
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

Train = Sequence[int]


def over_pairs(
    pre: Train, post: Train, *, nearest: bool, a: tuple[float, float], tau: tuple[float, float], dt: float = 1.0
) -> tuple[float, float]:
    """What pairs of spikes (step numbers) add and take: a double loop; with nearest a spike meets the latest earlier one of the other cell."""
    up = down = 0.0
    for t in post:
        earlier = [s for s in pre if s < t]
        up += sum(a[0] * math.exp(-(t - s) * dt / tau[0]) for s in (earlier[-1:] if nearest else earlier))
    for s in pre:
        earlier = [t for t in post if t < s]
        down += sum(a[1] * math.exp(-(s - t) * dt / tau[1]) for t in (earlier[-1:] if nearest else earlier))
    return up, down


def over_triplets(pre: Train, post: Train, c: Any, *, nearest: bool, dt: float = 1.0) -> float:
    """The triplet rule, every trace a sum over spikes written out at every spike."""

    def before(spikes: Train, t: int, tau: float) -> float:
        earlier = [s for s in spikes if s < t]
        return sum(math.exp(-(t - s) * dt / tau) for s in (earlier[-1:] if nearest else earlier))

    up = sum(before(pre, t, c.tau_plus) * (c.a_plus + c.a3_plus * before(post, t, c.tau_y)) for t in post)
    return up - sum(before(post, s, c.tau_minus) * (c.a_minus + c.a3_minus * before(pre, s, c.tau_x)) for s in pre)


def trains(seed: int, cells: int, steps: int = 40, share: float = 0.2, samples: int = 2) -> Tensor:
    """Random spikes ``[1, samples, steps, cells]``, float64."""
    g = torch.Generator().manual_seed(seed)
    return (torch.rand(1, samples, steps, cells, generator=g) < share).double()


def steps_of(spikes: Tensor) -> list[int]:
    """The steps at which a train ``[T]`` fires."""
    return [int(t) for t in spikes.nonzero().flatten()]


def layered(
    rule: Rule, widths: Sequence[int] = (6, 7, 3), samples: int = 4, seeds: Sequence[int] = (3, 4), **unit: Any
) -> tuple[Model, World, Batch]:
    """A layered network under a rule, in float64, whose hidden cells fire, and a batch of spikes."""
    model, world = model_of(rule, network(widths=widths, **unit), seeds)
    batch = inputs(size=widths[0], samples=samples)
    for layer in model.networks["forward"].layers[:-1]:
        world.params[layer.bias] = torch.full_like(world.params[layer.bias], 0.1)
    return model, world, batch


@torch.no_grad()
def asked(model: Model, world: World, batch: Batch) -> list[Wanted]:
    """All that the rule wants for a batch, in order, nothing of it written."""
    return list(model.rule.learn(view(model, world, batch, Clock())))


def weights(found: Sequence[Wanted], key: str) -> Tensor:
    """The change of one array."""
    (change,) = [one.changes[key].dense() for one in found if key in one.changes]
    return change
