"""A growing network through the public interface: a rule wraps another and inserts dendrites between epochs, each replica at its own time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus import checkpoint
from bioplaus.build import Feeds
from bioplaus.changes import Change, Dense, Wanted
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.evaluation import predict
from bioplaus.feed import Feed
from bioplaus.fields import replica
from bioplaus.layer import Layer
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.pack import Pack
from bioplaus.plasticity.adaptive import Adam
from bioplaus.plasticity.base import Plasticity
from bioplaus.plasticity.sgd import Sgd, SgdConfig
from bioplaus.rules.base import Learning, Plausibility, Rule, RuleConfig
from bioplaus.rules.bp import Backprop, BackpropConfig
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Edits, View
from bioplaus.world import Model, World, new_world

BATCHES, SIZE, EPOCHS = 3, 8, 5


@dataclass
class GrowingConfig(RuleConfig):
    """Settings of the rule."""

    name: str = "growing"
    at: float | tuple[float, ...] = replica(1.0)
    """Epochs finished before a dendrite is inserted, per replica."""
    again: float | tuple[float, ...] = replica(3.0)
    """Epochs finished before the second one is."""
    reserve: bool = False
    """Whether the arrays get room for both at the first insertion."""


class Growing(Rule):
    """Wraps a rule. Arrays hold the largest number of dendrites of the pack; ``state["K"]`` says how many of them a replica uses."""

    Config = GrowingConfig
    plausibility = Plausibility((), ("that of the wrapped rule",), weight_transport=True)

    def __init__(self, config: Any = None, inner: Rule | None = None) -> None:
        super().__init__(config)
        self.inner = inner or Backprop(BackpropConfig(lr=self.config.lr))

    def init(self, networks: Mapping[str, Any], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        return {"K": torch.zeros(len(streams.seeds), dtype=torch.int64)}

    def learn(self, view: View) -> Learning:
        inner = self.inner.learn(view)
        while True:
            try:
                wanted = next(inner)
            except StopIteration as stop:
                return stop.value
            yield Wanted(wanted.group, self._in_use(view, wanted.changes), wanted.mask)

    def _in_use(self, view: View, changes: Mapping[str, Change]) -> dict[str, Change]:
        """Let u of dendrites that a replica does not use stay 0."""
        found = dict(changes)
        for layer in view.networks["forward"].layers:
            assert layer.dendrites is not None
            if layer.dendrites.u in changes:
                change = changes[layer.dendrites.u].dense()
                used = torch.arange(change.shape[1]) < view.state["K"].unsqueeze(1)
                found[layer.dendrites.u] = Dense(change * used.unsqueeze(-1))
        return found

    def boundary(
        self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]
    ) -> tuple[Edits, ...] | None:
        if event != "epoch":
            return None
        used = view.state["K"]
        times = torch.stack([torch.as_tensor(t, dtype=torch.float64).expand(used.shape[0]) for t in (self.config.at, self.config.again)])
        grows = (times == view.clock.epoch).any(0)
        if not bool(grows.any()):
            return None
        used = used + grows
        layers = view.networks["forward"].layers
        larger: dict[str, Tensor] = {}
        drawn: dict[str, Tensor] = {}
        for layer in layers:
            assert layer.dendrites is not None
            d = layer.dendrites
            arrays = {key: view.params[key] for key in (d.v, d.c, d.q, d.u)}
            if int(used.max()) > d.count(view.params):
                more = 2 if self.config.reserve else 1
                arrays = {key: padded(value, 2 if key == d.q else 1, more) for key, value in arrays.items()}
                larger |= arrays
            drawn |= {key: value for key, value in self._drawn(view, layer, arrays, used).items() if key != d.u}
        # growth touches the arrays of all replicas, the new dendrite and the fresh start only those that grow
        return (Edits(assign=larger), Edits(drawn, mask=grows, forget=("forward",), state={"K": used}))

    def _drawn(self, view: View, layer: Layer, arrays: Mapping[str, Tensor], used: Tensor) -> dict[str, Tensor]:
        """Return the arrays with a fresh dendrite at each replica's place; it sees the layer's input and all older dendrites."""
        d = layer.dendrites
        assert d is not None
        found = {key: value.clone() for key, value in arrays.items()}
        fresh = {key: view.streams.normal(f"grow/{key}", arrays[key].shape[2:]) for key in (d.v, d.c)}
        older = view.streams.normal(f"grow/{d.q}", (8, arrays[d.q].shape[-1]))
        for r, k in enumerate(used.tolist()):
            if k:
                for key in (d.v, d.c):
                    found[key][r, k - 1] = fresh[key][r]
                found[d.q][r, k - 1, : k - 1] = older[r, : k - 1]
        return found


def padded(array: Tensor, axes: int, more: int) -> Tensor:
    """Return the array with some more zero entries on its first axes after the replica axis."""
    sides = list(array.shape)
    for axis in range(1, axes + 1):
        sides[axis] += more
    larger = torch.zeros(sides, dtype=array.dtype)
    larger[tuple(slice(0, side) for side in array.shape)] = array
    return larger


def momentum() -> Plasticity:
    return Sgd(SgdConfig(momentum=0.8, clip="per_network", clip_norm=0.5))


def make(seeds: Sequence[int], at: Any = 1.0, again: Any = 3.0, plasticity: Plasticity | None = None, **more: Any) -> Model:
    """Return bp wrapped, on 5-6-4-3 with dendrites everywhere."""
    network = Mlp.build(MlpConfig(hidden=[6, 4], bias=True, dendrites=True), (5,), (3,), Tanh())
    rule = Growing(GrowingConfig(lr=0.3 if plasticity is None else 0.05, at=at, again=again, **more))
    networks = rule.build(network)
    groups = rule.groups(networks)
    rates = {"forward": torch.full((len(seeds),), rule.config.lr, dtype=torch.float64)}
    streams = Streams(tuple(seeds), dtype=torch.float64)
    return Model(rule, networks, groups, rates, plasticity or momentum(), Classification(3), streams)


@dataclass
class Drive:
    """The simulator's loop in short: epochs of three batches, each followed by a boundary."""

    model: Model
    pack: Pack
    feeds: Feeds
    before: dict[int, World] = field(default_factory=dict)
    """Copies from just before the boundary of each epoch."""
    after: dict[int, World] = field(default_factory=dict)

    def go(self, first: int, last: int) -> World:
        """Run epochs first .. last - 1."""
        for epoch in range(first, last):
            order = self.feeds.train.order(self.model.streams, epoch)
            batches = order.split(SIZE, 1)
            self.pack.advance(LoopEngine(), Block(self.feeds.train, batches, epoch, BATCHES, BATCHES * EPOCHS))
            self.before[epoch + 1] = self.pack.world.copy()
            self.pack.boundary("epoch", self.pack.clock(BATCHES, BATCHES * EPOCHS), {}, self.feeds)
            self.after[epoch + 1] = self.pack.world.copy()
        return self.pack.world


def drive(model: Model) -> Drive:
    g = torch.Generator().manual_seed(6)
    feed = Feed(torch.randn(24, 5, generator=g, dtype=torch.float64), torch.randint(0, 3, (24,), generator=g))
    return Drive(model, Pack.fresh(model), Feeds(feed, feed, feed))


def us(model: Model, world: World) -> list[Tensor]:
    return [world.params[layer.dendrites.u] for layer in model.networks["forward"].layers if layer.dendrites]


def samples(run: Drive) -> Batch:
    return next(run.feeds.train.chunks(24))


def equal(a: World, b: World) -> None:
    """Check that two worlds are the same bit for bit."""
    assert a.step == b.step
    assert a.arrays().keys() == b.arrays().keys()
    for key, value in a.arrays().items():
        assert torch.equal(value, b.arrays()[key]), key


def test_insertion_leaves_the_function_as_it_is_and_learning_then_uses_it() -> None:
    model = make((0, 1))
    run = drive(model)
    run.go(0, EPOCHS)
    for epoch, k in ((1, 1), (3, 2)):
        before, after = run.before[epoch], run.after[epoch]
        assert [u.shape[1] for u in us(model, before)] == [k - 1] * 3
        assert [u.shape[1] for u in us(model, after)] == [k] * 3
        assert torch.equal(predict(model, before, samples(run)), predict(model, after, samples(run)))
        assert after.state["K"].tolist() == [k, k]
    assert all(bool((u != 0).all()) for u in us(model, run.pack.world))
    assert not torch.equal(predict(model, run.after[4], samples(run)), predict(model, run.pack.world, samples(run)))


def test_insertion_starts_the_group_anew() -> None:
    model = make((0, 1), plasticity=Adam())
    run = drive(model)
    run.go(0, 2)
    grown = {key for key in run.after[1].moments if "/dendrites/u" in key}
    assert len(grown) == 3 * 2
    assert run.before[1].counts["forward"].tolist() == [BATCHES, BATCHES]
    assert run.after[1].counts["forward"].tolist() == [0, 0]
    for key, value in run.after[1].moments.items():
        leaf = key.partition("|")[2].partition(":")[0]
        assert value.shape == run.after[1].params[leaf].shape
        assert bool((value == 0).all())
        assert key in grown or bool((run.before[1].moments[key] != 0).any())


def test_the_first_step_of_a_new_dendrite_is_the_gradient() -> None:
    """Autograd through the whole grown network: with u = 0 no path leads through a dendrite, so perforation changes nothing yet."""
    model = make((0,), plasticity=Sgd())
    run = drive(model)
    start = run.go(0, 1).copy()
    index = torch.arange(24).view(1, -1)
    LoopEngine().advance(model, run.pack.world, Block(run.feeds.train, (index,), 1, 1, 1))
    leaves = {key: value[0].clone().requires_grad_() for key, value in start.params.items()}
    h = run.feeds.train.x
    for i in range(3):
        name = f"forward/{i}"
        w, b, v, c, u = (leaves[f"{name}/{x}"] for x in ("weight", "bias", "dendrites/V", "dendrites/c", "dendrites/u"))
        z = h @ w.T + b + u[0] * torch.sigmoid(h @ v[0].T + c[0])
        h = torch.tanh(z) if i < 2 else z
    F.cross_entropy(h, run.feeds.train.y).backward()
    for key, leaf in leaves.items():
        moves = leaf.grad is not None and not any(key.endswith(f"dendrites/{inner}") for inner in "Vcq")
        expected = -0.05 * leaf.grad if moves else torch.zeros_like(leaf)  # type: ignore[operator]
        torch.testing.assert_close(run.pack.world.params[key][0] - start.params[key][0], expected, rtol=1e-9, atol=1e-14)


def replicas_equal_their_single_runs(plasticity: Callable[[], Plasticity], **more: Any) -> None:
    """Replica 0 grows after epochs 1 and 4, replica 1 after epoch 2: it has to keep its moments while the other one grows."""
    both = drive(make((2, 9), at=(1.0, 2.0), again=(4.0, 9.0), plasticity=plasticity(), **more))
    world = both.go(0, EPOCHS)
    assert both.after[1].state["K"].tolist() == [1, 0]
    assert both.after[2].state["K"].tolist() == [1, 1]
    assert both.after[4].state["K"].tolist() == [2, 1]
    assert all(bool((u[1] == 0).all()) for u in us(both.model, both.before[2]))
    assert all(bool((u[0] != 0).any()) for u in us(both.model, both.before[2]))
    for r, (seed, at, again) in enumerate(((2, 1.0, 4.0), (9, 2.0, 9.0))):
        single = drive(make((seed,), at=at, again=again, plasticity=plasticity(), **more)).go(0, EPOCHS)
        k = int(single.state["K"])
        assert k == int(world.state["K"][r])
        for key, value in single.params.items():
            mine = world.params[key][r : r + 1]
            if "/dendrites/" in key:
                mine, value = (a[:, :k, :k] if key.endswith("/q") else a[:, :k] for a in (mine, value))
            torch.testing.assert_close(mine, value, rtol=0, atol=1e-11)
        assert single.counts["forward"].tolist() == world.counts["forward"][r : r + 1].tolist()


@pytest.mark.parametrize("plasticity", [momentum, Adam])
def test_each_replica_grows_at_its_own_time_as_its_single_run_does(plasticity: Callable[[], Plasticity]) -> None:
    replicas_equal_their_single_runs(plasticity, reserve=True)


@pytest.mark.parametrize("plasticity", [momentum, Adam])
def test_growing_one_by_one_at_different_times(plasticity: Callable[[], Plasticity]) -> None:
    replicas_equal_their_single_runs(plasticity, reserve=False)


def test_growing_one_by_one_without_moments() -> None:
    replicas_equal_their_single_runs(Sgd, reserve=False)


@pytest.mark.parametrize("plasticity", [momentum, Adam])
def test_a_run_resumed_across_an_insertion_is_the_uninterrupted_one(plasticity: Callable[[], Plasticity], tmp_path: Path) -> None:
    whole = drive(make((0, 1), at=(1.0, 2.0), plasticity=plasticity()))
    expected = whole.go(0, EPOCHS)
    first = drive(make((0, 1), at=(1.0, 2.0), plasticity=plasticity()))
    saved = first.go(0, 2)
    checkpoint.save(tmp_path / "last", saved.arrays(), {"step": saved.step})
    arrays, state = checkpoint.load(tmp_path / "last")
    second = drive(make((0, 1), at=(1.0, 2.0), plasticity=plasticity()))
    assert [u.shape[1] for u in us(second.model, second.pack.world)] == [0] * 3
    second.pack.world = World.from_arrays(arrays, state["step"])
    equal(second.pack.world, saved)
    assert [u.shape[1] for u in us(second.model, second.pack.world)] == [1] * 3
    equal(second.go(2, EPOCHS), expected)
    assert [u.shape[1] for u in us(second.model, second.pack.world)] == [2] * 3


def test_without_a_boundary_the_wrapper_is_the_wrapped_rule() -> None:
    model = make((0, 1), at=99.0, again=99.0)
    run = drive(model)
    run.go(0, 2)
    plain = Model(
        model.rule.inner, model.networks, model.groups, model.rates, model.plasticity, model.task, model.streams  # type: ignore[attr-defined]
    )
    bare = new_world(plain)
    for epoch in range(2):
        batches = run.feeds.train.order(plain.streams, epoch).split(SIZE, 1)
        LoopEngine().advance(plain, bare, Block(run.feeds.train, batches, epoch, BATCHES, BATCHES * EPOCHS))
    assert all(torch.equal(value, run.pack.world.params[key]) for key, value in bare.params.items())
