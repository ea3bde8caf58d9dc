"""A synapse of two devices through the public interface, under any rule and under two groups that write the same weights.

``w = scale (g+ - g-)`` with conductances in [0, 1]. Unidirectional: a positive step potentiates g+, a negative one g-; none is depressed.
Every `refresh_every` writes, pairs with the larger device above `hi` and the smaller above `lo` are read, erased and written on one side.
Device (exponential, P pulses from 0 to 1, u = 1/a, E = 1 - exp(-u)): one pulse moves g by ``(1 - exp(-u/P)) (1/E - g)``; linear: by 1/P.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.changes import Dense, Wanted
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.evaluation import predict
from bioplaus.feed import Feed
from bioplaus.network import Network
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.passes import downward
from bioplaus.plasticity.adaptive import Adam
from bioplaus.plasticity.base import Plasticity, PlasticityConfig, Step, Synapse
from bioplaus.plasticity.sgd import Sgd
from bioplaus.plasticity.update import apply
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.shapes import per_weight
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, View
from bioplaus.world import Model, World, new_world

LEAVES = ("forward/0/weight", "forward/1/weight")


@dataclass(frozen=True)
class Device:
    """A device of P pulses; u = 0 is linear. Counts the calls of either branch."""

    pulses: float
    u: float
    calls: dict[str, int] = field(default_factory=lambda: {"ltp": 0, "ltd": 0})

    @property
    def top(self) -> float:
        """The conductance 1/E that the exponential tends to."""
        return 1 / -math.expm1(-self.u)

    def ltp(self, g: Tensor, n: Tensor) -> Tensor:
        """Return g after n potentiating pulses."""
        self.calls["ltp"] += 1
        if self.u == 0:
            return (g + n / self.pulses).clamp(max=1)
        return (g - torch.expm1(-self.u * n / self.pulses) * (self.top - g)).clamp(max=1)

    def ltd(self, g: Tensor, n: Tensor) -> Tensor:
        """Return g after n depressing pulses."""
        self.calls["ltd"] += 1
        raise AssertionError("the unidirectional scheme never depresses")

    def position(self, g: Tensor) -> Tensor:
        """Return the pulses from 0 to g, a real number."""
        return self.pulses * (g if self.u == 0 else -torch.log1p(-g / self.top) / self.u)


class PairSynapse(Synapse):
    """Two devices per weight, written by whole pulses of one polarity."""

    def __init__(self, config: PairConfig, device: Device) -> None:
        self.config, self.device = config, device

    def init(self, key: str, weight: Tensor, streams: Streams) -> dict[str, Tensor]:
        c = self.config
        scale = weight.flatten(1).abs().amax(1) * c.headroom
        half = weight / per_weight(scale, weight)
        plus, minus = c.base + half.clamp(min=0), c.base + (-half).clamp(min=0)
        weight.copy_(per_weight(scale, weight) * (plus - minus))
        return {
            "plus": plus,
            "minus": minus,
            "scale": scale,
            "writes": torch.zeros(weight.shape[0], dtype=torch.int64),
            "refreshed": torch.zeros_like(weight, dtype=torch.int64),
        }

    def write(self, key: str, state: Mapping[str, Tensor], weight: Tensor, step: Step, streams: Streams) -> None:
        c, plus, minus = self.config, state["plus"], state["minus"]
        scale = per_weight(state["scale"], weight)
        wanted = per_weight(step.rate, weight) * step.change.dense() / scale * self.device.pulses
        pulses = torch.floor(wanted.abs() + 0.5)
        if c.noise:
            pulses += c.noise * pulses.sqrt() * streams.normal(f"device/{key}", weight.shape[1:])
        plus.copy_(self.device.ltp(plus, pulses * (wanted > 0)))
        minus.copy_(self.device.ltp(minus, pulses * (wanted < 0)))
        state["writes"].add_(1)
        due = per_weight(state["writes"] % c.refresh_every == 0, weight)
        worn = due & (torch.maximum(plus, minus) > c.hi) & (torch.minimum(plus, minus) > c.lo)
        self._refresh(plus, minus, worn)
        state["refreshed"].add_(worn)
        weight.copy_(scale * (plus - minus))

    def _refresh(self, plus: Tensor, minus: Tensor, worn: Tensor) -> None:
        """Erase worn pairs and write ``|g+ - g-|`` on one side by the pulses that come nearest."""
        target = (plus - minus).abs()
        below = torch.floor(self.device.position(target))
        zero = torch.zeros_like(target)
        low, high = self.device.ltp(zero, below), self.device.ltp(zero, below + 1)
        nearest = torch.where(target - low <= high - target, low, high)
        positive = plus > minus
        plus.copy_(torch.where(worn, torch.where(positive, nearest, zero), plus))
        minus.copy_(torch.where(worn, torch.where(positive, zero, nearest), minus))


@dataclass
class PairConfig(PlasticityConfig):
    """Settings of a pair."""

    name: str = "pair"
    pulses: float = 64
    u: float = 0.0
    base: float = 0.1
    headroom: float = 4.0
    refresh_every: int = 10**9
    hi: float = 0.75
    lo: float = 0.25
    noise: float = 0.0
    optimiser: str = "sgd"


class Pair(Plasticity):
    """Any optimiser before two devices."""

    Config = PairConfig

    def make_optimiser(self):  # type: ignore[no-untyped-def]
        return (Adam() if self.config.optimiser == "adam" else Sgd()).make_optimiser()

    def make_synapse(self) -> Synapse:
        return PairSynapse(self.config, Device(self.config.pulses, self.config.u))


@dataclass
class TwiceConfig(RuleConfig):
    """Settings of the rule; `again` False leaves the second update out, `only` is the replica that the second one is for."""

    name: str = "twice"
    lr: float = 0.1
    again: bool = True
    only: int | None = None


class Twice(Rule):
    """Backpropagation that changes the same weights twice a batch, each time from a new forward pass, under two groups."""

    Config = TwiceConfig
    plausibility = Plausibility((), ("backpropagation",), weight_transport=True)

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        leaves = plastic_leaves(networks["forward"])
        return {"forward": Group(leaves, self.config.lr), "again": Group(leaves, self.config.lr)}

    def learn(self, view: View) -> Learning:
        network, task, y = view.networks["forward"], view.task, view.batch.y
        loss = None
        for group in ("forward", "again") if self.config.again else ("forward",):
            run = network.forward(view.params, view.batch.x)
            loss = task.loss(run.out, y) if loss is None else loss
            mask = None
            if group == "again" and self.config.only is not None:
                mask = torch.arange(len(view.streams.seeds)) == self.config.only
            yield Wanted(group, downward(network, view.params, run, task.error(run.out, y)), mask)
        assert loss is not None
        return Learned({"loss": loss})


def make(plasticity: Plasticity, seeds: Sequence[int] = (0, 5), **rule: object) -> Model:
    network = Mlp.build(MlpConfig(hidden=[6]), (5,), (3,), Tanh())
    twice = Twice(TwiceConfig(**rule))  # type: ignore[arg-type]
    networks = twice.build(network)
    groups = twice.groups(networks)
    rates = {name: torch.full((len(seeds),), twice.config.lr, dtype=torch.float64) for name in groups}
    streams = Streams(tuple(seeds), dtype=torch.float64)
    return Model(twice, networks, groups, rates, plasticity, Classification(3), streams)


def make_feed(n: int = 24) -> Feed:
    g = torch.Generator().manual_seed(2)
    return Feed(torch.randn(n, 5, generator=g, dtype=torch.float64), torch.randint(0, 3, (n,), generator=g))


def run(model: Model, world: World, steps: int, feed: Feed | None = None, size: int = 8) -> None:
    """Go on for some batches, one by one over the set in order: it continues where the world stands."""
    feed = feed or make_feed()
    for _ in range(steps):
        index = (world.step * size + torch.arange(size)) % len(feed)
        batch = index.expand(world.replicas, -1)
        LoopEngine().advance(model, world, Block(feed, (batch,), 0, 3, steps))


def push(model: Model, world: World, pulses: float) -> None:
    """Ask every synapse of group "forward" for the same number of pulses."""
    changes = {}
    for leaf in LEAVES:
        scale, weight = world.synapses[f"{leaf}:scale"], world.params[leaf]
        size = pulses / model.plasticity.config.pulses / model.rates["forward"]
        changes[leaf] = Dense(per_weight(scale * size, weight).expand_as(weight))
    apply(model, world, Wanted("forward", changes), Clock())


LINEAR, CURVED = 0.0, 1 / 0.499181  # the second is the Ag:a-Si device's potentiation


@pytest.mark.parametrize("u", [LINEAR, CURVED])
def test_conductances_only_rise_between_refreshes(u: float) -> None:
    model = make(Pair(PairConfig(u=u, base=0.3, hi=0.6, lo=0.25, refresh_every=3)), lr=1.0)
    world = new_world(model)
    device = model.plasticity.synapse.device  # type: ignore[attr-defined]
    rises = 0
    for _ in range(30):
        before = world.copy()
        run(model, world, 1)
        for leaf in LEAVES:
            kept = world.synapses[f"{leaf}:refreshed"] == before.synapses[f"{leaf}:refreshed"]
            for side in ("plus", "minus"):
                gain = (world.synapses[f"{leaf}:{side}"] - before.synapses[f"{leaf}:{side}"])[kept]
                assert bool((gain >= 0).all())
                rises += int((gain > 0).sum())
    assert rises > 100
    assert all(int(world.synapses[f"{leaf}:refreshed"].sum()) > 0 for leaf in LEAVES)
    assert device.calls["ltp"] > 0
    assert device.calls["ltd"] == 0


@pytest.mark.parametrize("u", [LINEAR, CURVED])
def test_equal_pulses_on_both_sides_fade_the_weight(u: float) -> None:
    """k pulses on each device multiply g+ - g- by exp(-u k / P): compared with the one-pulse recurrence as well."""
    model = make(Pair(PairConfig(pulses=200, u=u, base=0.05)))
    world = new_world(model)
    start = world.copy()
    k = 25
    for _ in range(k):
        push(model, world, 1)
        push(model, world, -1)
    for leaf in LEAVES:
        factor = math.exp(-u * k / 200)
        torch.testing.assert_close(world.params[leaf], factor * start.params[leaf], rtol=1e-12, atol=1e-14)
        g = start.synapses[f"{leaf}:plus"].numpy().copy()
        for _ in range(k):
            g += 1 / 200 if u == 0 else (1 - math.exp(-u / 200)) * (1 / (1 - math.exp(-u)) - g)
        np.testing.assert_allclose(world.synapses[f"{leaf}:plus"].numpy(), g, rtol=1e-12)
        assert g.max() < 1


@pytest.mark.parametrize("u", [LINEAR, CURVED])
def test_refresh_keeps_the_weight_to_half_a_pulse(u: float) -> None:
    """What is left of a worn pair is the level nearest to its difference, among all levels of the recurrence."""
    pulses = 16
    model = make(Pair(PairConfig(pulses=pulses, u=u, refresh_every=1)))
    world = new_world(model)
    g = torch.Generator().manual_seed(9)
    for leaf in LEAVES:
        for side in ("plus", "minus"):
            world.synapses[f"{leaf}:{side}"].copy_(torch.rand(world.params[leaf].shape, generator=g, dtype=torch.float64))
    before = world.copy()
    push(model, world, 0)
    levels = [0.0]
    for _ in range(pulses):
        levels.append(levels[-1] + (1 / pulses if u == 0 else (1 - math.exp(-u / pulses)) * (1 / (1 - math.exp(-u)) - levels[-1])))
    steps = np.diff(levels)
    seen = 0
    for leaf in LEAVES:
        old, new = ([w.synapses[f"{leaf}:{side}"].numpy().ravel() for side in ("plus", "minus")] for w in (before, world))
        refreshed = world.synapses[f"{leaf}:refreshed"].numpy().ravel()
        for p0, m0, p1, m1, done in zip(*old, *new, refreshed):
            assert done == (max(p0, m0) > 0.75 and min(p0, m0) > 0.25)
            if not done:
                assert (p1, m1) == (p0, m0)
                continue
            seen += 1
            target = p0 - m0
            residual = abs((p1 - m1) - target)
            assert min(p1, m1) == 0
            assert (p1 - m1) * target >= 0
            assert residual == pytest.approx(min(abs(level - abs(target)) for level in levels), abs=1e-12)
            gap = steps[max(np.searchsorted(levels, abs(target)) - 1, 0)]
            assert residual <= gap / 2 + 1e-12
    assert seen >= 8


def test_the_network_reads_the_difference() -> None:
    model = make(Pair(PairConfig(u=CURVED)), lr=0.5)
    world = new_world(model)
    run(model, world, 6)
    x = make_feed().x
    for r in range(2):
        h = x.numpy()
        for leaf in LEAVES:
            stored = {name: world.synapses[f"{leaf}:{name}"][r].numpy() for name in ("plus", "minus", "scale")}
            h = h @ (stored["scale"] * (stored["plus"] - stored["minus"])).T
            h = np.tanh(h) if leaf == LEAVES[0] else h
        out = predict(model, world, Batch(x.unsqueeze(0), make_feed().y.unsqueeze(0)))[r]
        np.testing.assert_allclose(out.numpy(), h, rtol=1e-12, atol=1e-14)


def test_many_small_pulses_are_plain_gradient_steps() -> None:
    """P -> infinity on the linear device is sgd; a finite P is not."""
    ideal, fine, coarse = (make(p, lr=0.3) for p in (Sgd(), Pair(PairConfig(pulses=1e12, headroom=20.0)), Pair(PairConfig(headroom=20.0))))
    worlds = [new_world(model) for model in (ideal, fine, coarse)]
    for model, world in zip((ideal, fine, coarse), worlds):
        run(model, world, 15)
    a, b, c = (torch.cat([world.params[leaf].flatten() for leaf in LEAVES]) for world in worlds)
    torch.testing.assert_close(b, a, rtol=0, atol=1e-9)
    assert float((c - a).abs().max()) > 1e-3
    assert float((a - torch.cat([new_world(ideal).params[leaf].flatten() for leaf in LEAVES])).abs().max()) > 0.05


def test_two_groups_keep_their_own_moments() -> None:
    """Two Adam states over one pair of devices, the second group seeing the first one's weights: torch's own Adam, twice, on autograd."""
    model = make(Pair(PairConfig(optimiser="adam", pulses=1e12, headroom=20.0)), seeds=(4,), lr=0.01)
    world = new_world(model)
    weights = [world.params[leaf][0].clone().requires_grad_() for leaf in LEAVES]
    optimisers = [torch.optim.Adam(weights, lr=0.01) for _ in range(2)]
    feed = make_feed()
    for step in range(6):
        index = (step * 8 + torch.arange(8)) % len(feed)
        for optimiser in optimisers:
            optimiser.zero_grad()
            out = torch.tanh(feed.x[index] @ weights[0].T) @ weights[1].T
            F.cross_entropy(out, feed.y[index]).backward()
            optimiser.step()
    run(model, world, 6, feed)
    for leaf, weight in zip(LEAVES, weights):
        torch.testing.assert_close(world.params[leaf][0], weight.detach(), rtol=0, atol=1e-9)
        first, second = (world.moments[f"{group}|{leaf}:first"] for group in ("forward", "again"))
        for moment, optimiser in ((first, optimisers[0]), (second, optimisers[1])):
            torch.testing.assert_close(-moment[0], optimiser.state[weight]["exp_avg"], rtol=1e-6, atol=1e-10)
        assert float((first - second).abs().max()) > 1e-4
    assert {name: count.tolist() for name, count in world.counts.items()} == {"forward": [6], "again": [6]}
    assert world.synapses[f"{LEAVES[0]}:writes"].tolist() == [12]


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_masked_replicas_keep_their_devices_bit_for_bit(optimiser: str) -> None:
    """The second update is for replica 1 alone: replica 0 is what it is without that update, devices, counters and noise included."""
    settings = PairConfig(u=CURVED, optimiser=optimiser, refresh_every=2, base=0.3, hi=0.5, noise=0.3)
    masked, bare, full = (make(Pair(settings), lr=0.02 if optimiser == "adam" else 1.0, **kind) for kind in ({"only": 1}, {"again": False}, {}))
    worlds = [new_world(model) for model in (masked, bare, full)]
    for model, world in zip((masked, bare, full), worlds):
        run(model, world, 5)
    for key, value in worlds[0].arrays().items():
        if value.dim() and "again" not in key:
            assert torch.equal(value[0], worlds[1].arrays()[key][0]), key
            assert torch.equal(value[1], worlds[2].arrays()[key][1]), key
    assert worlds[0].counts["again"].tolist() == [0, 5]
    assert not torch.equal(worlds[0].synapses[f"{LEAVES[0]}:plus"][1], worlds[1].synapses[f"{LEAVES[0]}:plus"][1])


def test_a_stopped_replica_keeps_its_devices() -> None:
    model = make(Pair(PairConfig(u=CURVED, optimiser="adam", noise=0.3)), lr=0.02)
    world = new_world(model)
    run(model, world, 2)
    world.alive[0] = False
    before = world.copy()
    run(model, world, 3)
    for key, value in world.arrays().items():
        assert not value.dim() or torch.equal(value[0], before.arrays()[key][0]), key
    assert not torch.equal(world.params[LEAVES[0]][1], before.params[LEAVES[0]][1])


def test_two_writes_of_one_batch_draw_their_own_noise() -> None:
    """Noise is keyed by name and step; writes within a step, by one group or two, must not get the same numbers."""
    settings = PairConfig(pulses=1e6, noise=1.0, base=0.2, headroom=10.0)
    model = make(Pair(settings), seeds=(3,))
    world = new_world(model)
    gains = []

    class Push(Twice):
        """Three equal pushes under two groups."""

        def learn(self, view: View) -> Learning:
            for group in ("forward", "again", "forward"):
                before = world.synapses[f"{LEAVES[0]}:plus"].clone()
                yield Wanted(group, {LEAVES[0]: Dense(torch.ones_like(view.params[LEAVES[0]]))})
                gains.append(world.synapses[f"{LEAVES[0]}:plus"] - before)
            return Learned({"loss": torch.zeros(1)})

    run(replace(model, rule=Push(TwiceConfig())), world, 1)
    assert len(gains) == 3
    assert all(not torch.allclose(gains[a], gains[b], rtol=1e-6) for a, b in ((0, 1), (0, 2), (1, 2)))
