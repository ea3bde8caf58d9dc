"""Groups of leaves: their own rates and moments; and what the settings of a plasticity refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from bioplaus.build import build_model
from bioplaus.changes import Dense, Wanted
from bioplaus.config import resolve
from bioplaus.data import load
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.errors import ConfigError
from bioplaus.feed import Feed
from bioplaus.fields import check_fields
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Elu
from bioplaus.plasticity.adaptive import Adam, AdamConfig, AdamWConfig, RmsPropConfig
from bioplaus.plasticity.base import PlasticityConfig
from bioplaus.plasticity.sgd import Sgd, SgdConfig
from bioplaus.plasticity.update import apply
from bioplaus.rules.base import Group
from bioplaus.view import Clock
from bioplaus.world import World, new_world

KEY = "forward/0/weight"
RATES = (0.1, 0.03, 0.25)


def test_two_groups_keep_separate_moments_for_one_leaf(pack: Any) -> None:
    groups = {name: Group((KEY,), RATES) for name in ("a", "b")}
    model, world = pack(Sgd(SgdConfig(momentum=0.5)), groups=groups)
    start = world.params[KEY].clone()
    velocity, total = {"a": 0.0, "b": 0.0}, 0.0
    for step, (name, value) in enumerate([("a", 1.0), ("b", -2.0), ("a", 0.5), ("a", 0.0), ("b", 1.0)]):
        apply(model, world, Wanted(name, {KEY: Dense(torch.full_like(start, value))}), Clock(step))
        velocity[name] = 0.5 * velocity[name] + value
        total += velocity[name]
    expected = start + torch.tensor(RATES, dtype=torch.float64).view(-1, 1, 1) * total
    torch.testing.assert_close(world.params[KEY], expected)
    assert world.counts["a"].tolist() == [3] * 3 and world.counts["b"].tolist() == [2] * 3
    for name in groups:
        moment = world.moments[f"{name}|{KEY}:velocity"]
        torch.testing.assert_close(moment, torch.full_like(moment, velocity[name]))


def test_leaf_of_another_group_is_refused(pack: Any, changes: Any) -> None:
    model, world = pack(Sgd(), groups={"some": Group((KEY,), RATES)})
    with pytest.raises(KeyError, match=r"rule bp: \['forward/0/bias', .*\] not in its group 'some'"):
        apply(model, world, Wanted("some", changes(world, 0)), Clock())


@pytest.mark.parametrize("rate", [None, 0.0, (0.0, 0.0, 0.0)])
def test_frozen_group_does_not_move(rate: Any, pack: Any, changes: Any, frozen: Callable[[World], dict[str, Tensor]]) -> None:
    leaves = tuple(Mlp.build(MlpConfig(hidden=[4], bias=True), (5,), (3,), Elu()).leaves)
    model, world = pack(Adam(AdamConfig(weight_decay=0.5)), groups={"forward": Group(leaves, rate)})
    before = frozen(world)
    assert not world.counts and not world.moments
    apply(model, world, Wanted("forward", changes(world, 0)), Clock())
    assert before.keys() == frozen(world).keys()
    assert all(torch.equal(value, before[key]) for key, value in frozen(world).items())


def test_rate_zero_of_one_replica_freezes_it_alone(pack: Any, changes: Any) -> None:
    model, world = pack(Sgd(SgdConfig(momentum=0.5, weight_decay=0.1)), (0.1, 0.0, 0.2))
    start = {key: value.clone() for key, value in world.params.items()}
    apply(model, world, Wanted("forward", changes(world, 0)), Clock())
    for key, value in world.params.items():
        assert torch.equal(value[1], start[key][1])
        assert not torch.equal(value[0], start[key][0]) and not torch.equal(value[2], start[key][2])


@pytest.mark.parametrize("rule", ["bp", "ccl"])
def test_replica_with_its_own_rate_equals_the_single_run(rule: str) -> None:
    """From settings to weights: rule.lr=[...] against one run per rate and seed, five steps in float64."""
    rates, common = [0.05, 0.3, 0.8], {"rule": rule, "data": "synthetic", "dtype": "float64", "network.hidden": [8, 6]}
    common |= {"plasticity.momentum": 0.5}

    def train(**own: Any) -> dict[str, Tensor]:
        settings = resolve({**common, **own}, locate=False)
        splits = load(settings.data)
        model = build_model(settings, splits, range(settings.top.seeds), torch.device("cpu"))
        world = new_world(model)
        feed = Feed(torch.from_numpy(splits.train_x).double(), torch.from_numpy(splits.train_y))
        batches = feed.order(model.streams, 0).split(16, 1)[:5]
        LoopEngine().advance(model, world, Block(feed, batches, 0, 5, 5))
        return world.params

    together = train(seeds=3, seed=4, **{"rule.lr": rates})
    for r, rate in enumerate(rates):
        for key, value in train(seeds=1, seed=4 + r, **{"rule.lr": rate}).items():
            torch.testing.assert_close(together[key][r : r + 1], value, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (SgdConfig(momentum=1.0), r"plasticity\.momentum=1\.0 is out of range; it must be >= 0, < 1"),
        (SgdConfig(momentum=-0.1), r"plasticity\.momentum=-0\.1"),
        (SgdConfig(weight_decay=-1e-4), r"plasticity\.weight_decay=-0\.0001 .* >= 0"),
        (SgdConfig(weight_decay=float("nan")), r"plasticity\.weight_decay=nan"),
        (SgdConfig(clip="global"), r"plasticity\.clip=global .* none, per_layer, per_network"),
        (SgdConfig(clip_norm=0.0), r"plasticity\.clip_norm=0\.0 .* > 0"),
        (SgdConfig(schedule="linear"), r"plasticity\.schedule=linear .* constant, cosine, exponential"),
        (SgdConfig(schedule_floor=1.5), r"plasticity\.schedule_floor=1\.5 .* <= 1"),
        (SgdConfig(decay=0.0), r"plasticity\.decay=0\.0 .* > 0"),
        (SgdConfig(decay=1.1), r"plasticity\.decay=1\.1 .* <= 1"),
        (SgdConfig(warmup=-1), r"plasticity\.warmup=-1"),
        (SgdConfig(warmup_on="loss"), r"plasticity\.warmup_on=loss .* rate, change"),
        (AdamConfig(beta1=1.0), r"plasticity\.beta1=1\.0 .* < 1"),
        (AdamConfig(beta2=-0.1), r"plasticity\.beta2=-0\.1"),
        (AdamConfig(eps=0.0), r"plasticity\.eps=0\.0 .* > 0"),
        (AdamWConfig(weight_decay=-1.0), r"plasticity\.weight_decay=-1\.0"),
        (RmsPropConfig(memory=1.0), r"plasticity\.memory=1\.0 .* < 1"),
        (RmsPropConfig(eps=-1e-8), r"plasticity\.eps=-1e-08"),
    ],
)
def test_settings_out_of_range_are_refused(config: PlasticityConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_fields(config, "plasticity")


@pytest.mark.parametrize("config", [SgdConfig(), SgdConfig(momentum=0.999), AdamConfig(beta1=0.0), AdamWConfig(), RmsPropConfig()])
def test_settings_in_range_pass(config: PlasticityConfig) -> None:
    check_fields(config, "plasticity")
