"""Looking must not touch, and must see what a real step does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bioplaus.changes import Dense, Wanted
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.feed import Feed
from bioplaus.plasticity.adaptive import Adam, AdamConfig
from bioplaus.plasticity.base import Plasticity
from bioplaus.plasticity.sgd import Sgd, SgdConfig
from bioplaus.probes.observe import observe
from bioplaus.registry import PROBES
from bioplaus.rules.base import Rule
from bioplaus.rules.bp import Backprop
from bioplaus.rules.ccl import CounterCurrent
from bioplaus.view import Clock, View
from bioplaus.world import Model, World

Make = Callable
Pack = Callable[..., tuple[Model, World]]
LEAF = "forward/0/weight"
RULES = [Backprop, CounterCurrent]
PLASTICITIES = [
    lambda: Sgd(SgdConfig(momentum=0.9, weight_decay=1e-3, clip="per_network", clip_norm=0.05)),
    lambda: Adam(AdamConfig(schedule="cosine", warmup=3)),
]


def bits(world: World) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in world.arrays().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def advance(model: Model, world: World, feed: Feed, steps: int) -> None:
    """Real training, `steps` batches of 6."""
    order = torch.arange(world.step * 6, (world.step + steps) * 6).remainder(len(feed)).view(steps, 1, 6)
    LoopEngine().advance(model, world, Block(feed, tuple(order.expand(-1, 2, -1)), 0, 10, 10))


@pytest.fixture
def feed(samples: Make) -> Feed:
    batch = samples((2, 8, 8), size=40, replicas=1)
    return Feed(batch.x[0], batch.y[0])


@pytest.mark.parametrize("plasticity", PLASTICITIES)
@pytest.mark.parametrize("rule", RULES)
def test_the_world_stays_and_the_copy_takes_the_next_real_step(
    rule: type[Rule], plasticity: Callable[[], Plasticity], cnn: Make, pack: Pack, feed: Feed
) -> None:
    model, world = pack(rule(), cnn(norm="batch", bias=True), plasticity=plasticity())
    advance(model, world, feed, 2)  # moments, counters and running means are under way
    before, arrays = bits(world), world.arrays()
    batch = feed.batch(torch.arange(12, 18).expand(2, -1))
    seen = observe(model, world, batch, Clock(step=2, steps_per_epoch=10, steps_total=10))
    for name in PROBES.names():
        PROBES.get(name)().look(seen)
    assert same(bits(world), before) and world.step == 2
    assert all(world.arrays()[key] is value for key, value in arrays.items())
    assert same(bits(seen.world), before)
    assert same(dict(seen.params), world.params) and same(dict(seen.buffers), world.buffers)

    advance(model, world, feed, 1)
    assert same(dict(seen.after), world.params)
    assert not same(dict(seen.params), world.params)  # a step was made, and the observation did not follow
    assert same(bits(seen.world), before)


def test_training_goes_on_as_if_nobody_had_looked(cnn: Make, pack: Pack, feed: Feed) -> None:
    (model, watched), (_, alone) = (
        pack(CounterCurrent(), cnn(norm="batch"), plasticity=Adam(AdamConfig())) for _ in range(2)
    )
    for step in range(3):
        observe(model, watched, feed.batch(torch.arange(9).expand(2, -1)), Clock(step=step))
        advance(model, watched, feed, 1)
    advance(model, alone, feed, 3)
    assert same(bits(watched), bits(alone))


def test_stopped_replicas_do_not_move(mlp: Make, pack: Pack, samples: Make) -> None:
    model, world = pack(Backprop(), mlp())
    world.alive[1] = False
    seen = observe(model, world, samples((5,)), Clock())
    assert torch.equal(seen.after[LEAF][1], seen.params[LEAF][1])
    assert not torch.equal(seen.after[LEAF][0], seen.params[LEAF][0])


def test_factored_changes_become_arrays_of_the_shape_of_the_weights(cnn: Make, pack: Pack, samples: Make) -> None:
    seen = observe(*pack(CounterCurrent(), cnn()), samples((2, 8, 8)), Clock())
    assert seen.wanted.keys() == seen.params.keys()  # both networks
    assert all(seen.wanted[key].shape == value.shape for key, value in seen.params.items())


def test_changes_of_one_batch_add_up_at_the_weights_each_was_asked_for(
    mlp: Make, pack: Pack, samples: Make, scripted: Make
) -> None:
    def twice(view: View) -> Iterator[Wanted]:
        for _ in range(2):
            yield Wanted("forward", {LEAF: Dense(view.params[LEAF])})  # the weight itself: it is about to change

    model, world = pack(scripted(twice, lr=0.5), mlp())
    seen = observe(model, world, samples((5,)), Clock())
    w = world.params[LEAF]
    # w -> w + 0.5 w = 1.5 w -> 2.25 w; wanted w + 1.5 w
    torch.testing.assert_close(seen.wanted[LEAF], 2.5 * w)
    torch.testing.assert_close(seen.after[LEAF], 2.25 * w)


def test_a_change_counts_only_where_its_mask_lets_it(mlp: Make, pack: Pack, samples: Make, scripted: Make) -> None:
    def masked(view: View) -> Iterator[Wanted]:
        w = view.params[LEAF]
        first = torch.ones_like(w)
        first[1] = torch.nan  # what a rule may leave in replicas it does not mean
        yield Wanted("forward", {LEAF: Dense(first)}, torch.tensor([True, False]))
        yield Wanted("forward", {LEAF: Dense(torch.full_like(w, 10.0))}, torch.tensor([True, True]))

    seen = observe(*pack(scripted(masked), mlp()), samples((5,)), Clock())
    assert (seen.wanted[LEAF][0] == 11).all() and (seen.wanted[LEAF][1] == 10).all()


def test_a_rule_may_use_its_arrays_again(mlp: Make, pack: Pack, samples: Make, scripted: Make) -> None:
    def reusing(view: View) -> Iterator[Wanted]:
        scratch = torch.ones_like(view.params[LEAF])
        yield Wanted("forward", {LEAF: Dense(scratch)})
        scratch.fill_(-7)

    seen = observe(*pack(scripted(reusing), mlp()), samples((5,)), Clock())
    assert (seen.wanted[LEAF] == 1).all()


def test_every_registered_probe_gives_float64_numbers_per_replica_and_layer(
    cnn: Make, pack: Pack, samples: Make
) -> None:
    seen = observe(
        *pack(CounterCurrent(), cnn(), dtype=torch.float32), samples((2, 8, 8), dtype=torch.float32), Clock()
    )
    names: list[str] = []
    for name in PROBES.names():
        found = PROBES.get(name)().look(seen)
        names += found
        for value in found.values():
            assert value.shape == (2, 3) and value.dtype == torch.float64
    assert names == ["angle_to_bp", "norm_ratio_to_bp", "feedback_cosine", "cka", "update_ratio", "dead_share"]


def test_the_package_imports_no_torch() -> None:
    code = "import sys, bioplaus.probes; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
