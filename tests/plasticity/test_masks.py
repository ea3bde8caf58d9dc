"""Replicas that do not take part stay as they are, bit for bit; those that do go on as if they were alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from bioplaus.changes import Dense, Wanted
from bioplaus.plasticity.adaptive import Adam, AdamConfig, AdamW, AdamWConfig, RmsProp, RmsPropConfig
from bioplaus.plasticity.base import Plasticity, Step, Synapse
from bioplaus.plasticity.sgd import Sgd, SgdConfig, SignStep
from bioplaus.plasticity.update import apply
from bioplaus.streams import Streams
from bioplaus.view import Clock
from bioplaus.world import World

MASKS = (
    (True, True, True),
    (True, False, True),
    (False, False, True),
    (False, False, False),
    (True, True, False),
    (False, True, True),
)
RATES = (0.1, 0.03, 0.25)


class NoisySynapse(Synapse):
    """Adds write noise and keeps the number and the size of its writes."""

    def init(self, key: str, weight: Tensor, streams: Streams) -> dict[str, Tensor]:
        return {"writes": torch.zeros(weight.shape[0]), "moved": torch.zeros_like(weight)}

    def write(self, key: str, state: Mapping[str, Tensor], weight: Tensor, step: Step, streams: Streams) -> None:
        before = weight.clone()
        step.change.add_to(weight, step.rate)
        weight.add_(streams.normal(f"noise/{key}", weight.shape[1:]), alpha=0.01)
        state["writes"].add_(1)
        state["moved"].add_(weight - before)


class Noisy(Sgd):
    """Momentum on a noisy synapse."""

    def make_synapse(self) -> Synapse:
        return NoisySynapse()


CASES: dict[str, Callable[[], Plasticity]] = {
    "plain": Sgd,
    "clipped": lambda: Sgd(SgdConfig(clip="per_network", clip_norm=2.0)),
    "momentum decay": lambda: Sgd(SgdConfig(momentum=0.9, weight_decay=0.1, clip="per_layer", schedule="exponential", decay=0.5)),
    "nesterov centralised": lambda: Sgd(SgdConfig(momentum=0.9, nesterov=True, centralise=True)),
    "adam": lambda: Adam(AdamConfig(clip="per_network", warmup=4, warmup_on="change")),
    "adamw": lambda: AdamW(AdamWConfig(weight_decay=0.3, warmup=4)),
    "rmsprop": lambda: RmsProp(RmsPropConfig(weight_decay=0.1)),
    "sign": SignStep,
    "noisy": lambda: Noisy(SgdConfig(momentum=0.5)),
}
Snapshot = dict[str, Tensor]


@pytest.mark.parametrize("by", ["mask", "alive", "both"])
@pytest.mark.parametrize("case", CASES)
def test_masked_replicas(case: str, by: str, pack: Any, changes: Any, frozen: Callable[[World], Snapshot]) -> None:
    model, world = pack(CASES[case]())
    for step, mask in enumerate(MASKS):
        chosen = torch.tensor(mask)
        if by == "alive":
            world.alive = chosen
        if by == "both":
            world.alive = chosen | torch.tensor([step % 2 == 0] * 3)
            chosen = chosen | ~world.alive
        before = frozen(world)
        wanted = Wanted("forward", changes(world, step), None if by == "alive" else chosen)
        apply(model, world, wanted, Clock(step, steps_per_epoch=2, steps_total=12), everyone=bool(world.alive.all()))
        for key, value in frozen(world).items():
            for r in range(3):
                if not mask[r]:
                    assert torch.equal(value[r], before[key][r]), f"{key} of replica {r} moved at step {step}"
                elif key.startswith("params"):
                    assert not torch.equal(value[r], before[key][r])
    assert world.counts["forward"].tolist() == [sum(mask[r] for mask in MASKS) for r in range(3)]
    for r in range(3):
        alone, one = pack(CASES[case](), RATES[r : r + 1], seeds=(r,))
        for step, mask in enumerate(MASKS):
            if mask[r]:
                clock = Clock(step, steps_per_epoch=2, steps_total=12)
                apply(alone, one, Wanted("forward", changes(one, step, (r,))), clock)
        found = world.arrays()
        for key, value in one.arrays().items():
            if not key.startswith(("alive", "stopped")):
                torch.testing.assert_close(found[key][r : r + 1], value, rtol=1e-12, atol=1e-14)


def test_mask_that_leaves_nobody(pack: Any, changes: Any, frozen: Callable[[World], Snapshot]) -> None:
    model, world = pack(Adam())
    before = frozen(world)
    apply(model, world, Wanted("forward", changes(world, 0), torch.zeros(3, dtype=torch.bool)), Clock())
    assert all(torch.equal(value, before[key]) for key, value in frozen(world).items())


def test_masked_replicas_ignore_numbers_that_are_not_finite(pack: Any, changes: Any) -> None:
    """The change of a replica that diverged must not leak through a norm or a mean."""
    model, world = pack(Sgd(SgdConfig(clip="per_network", centralise=True, momentum=0.5)))
    step = changes(world, 0)
    for change in step.values():
        change.value[1] = float("nan")
    world.alive = torch.tensor([True, False, True])
    apply(model, world, Wanted("forward", step), Clock(), everyone=False)
    assert all(torch.isfinite(value).all() for value in world.arrays().values())


def test_some_leaves_may_be_left_out(pack: Any, changes: Any, frozen: Callable[[World], Snapshot]) -> None:
    model, world = pack(Adam(AdamConfig(weight_decay=0.1)))
    before = frozen(world)
    key = "forward/1/weight"
    apply(model, world, Wanted("forward", {key: Dense(changes(world, 0)[key].value)}), Clock())
    moved = {name for name, value in frozen(world).items() if not torch.equal(value, before[name])}
    assert moved == {f"params/{key}", f"moments/forward|{key}:first", f"moments/forward|{key}:second", "counts/forward"}
