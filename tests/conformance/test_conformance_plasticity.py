"""Every registered plasticity, plain and with each shared setting: rates, masks, counts, memory, direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from bioplaus import registry
from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.plasticity.base import IdealSynapse, Plasticity
from bioplaus.plasticity.update import apply
from bioplaus.rules.bp import Backprop
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.testing.kit import CPU, close, components, row, same, snapshot
from bioplaus.view import Clock
from bioplaus.world import Model, World, new_world

LEAVES = ("forward/0/weight", "forward/0/bias", "forward/1/weight", "forward/1/bias")
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "per_layer": {"clip": "per_layer", "clip_norm": 0.1},
    "per_network": {"clip": "per_network", "clip_norm": 0.1},
    "centralise": {"centralise": True},
    "cosine": {"schedule": "cosine", "warmup": 3},
    "warm_change": {"schedule": "exponential", "decay": 0.5, "warmup": 3, "warmup_on": "change"},
    "momentum": {"momentum": 0.9, "nesterov": True},
    "decay": {"weight_decay": 0.1},
    "single": {"cell": "single"},
    "uni": {"update": "uni"},
    "tiki": {"update": "tiki", "transfer_columns": 0},
    "adam": {"optimiser": "adam"},
}
#: settings without which a plasticity cannot do what these tests ask: a device writes nothing where less than half a pulse is wanted
FINE: dict[str, dict[str, Any]] = {"memristor": {"device": "idealized"}}


def variants() -> list[Any]:
    """Every plasticity with every option that it knows."""
    return [
        pytest.param(partial(cls, cls.Config(**FINE.get(name, {}), **options)), id=f"{name}-{label}")
        for name, cls in components(registry.PLASTICITY)
        for label, options in OPTIONS.items()
        if options.keys() <= {f.name for f in fields(cls.Config)}
    ]


Make = Callable[[], Plasticity]
every = pytest.mark.parametrize("make", variants())


def model_of(make: Make, rates: tuple[float, ...], dtype: torch.dtype = torch.float64) -> tuple[Model, World]:
    network = Mlp.build(MlpConfig(hidden=[4], bias=True), (5,), (3,), Tanh())
    rule = Backprop()
    networks = rule.build(network)
    streams = Streams(tuple(range(len(rates))), device=CPU, dtype=dtype)
    rate = {"forward": torch.tensor(rates, dtype=dtype)}
    model = Model(rule, networks, rule.groups(networks), rate, make(), Classification(3), streams)
    world = new_world(model)
    world.params = {key: value + 0.01 for key, value in world.params.items()}  # no bias at exactly 0
    return model, world


def changes(world: World, seed: int = 0, scale: float = 1.0) -> dict[str, Change]:
    draw = torch.Generator().manual_seed(seed)
    found = {}
    for key in LEAVES:
        weight = world.params[key]
        found[key] = Dense(scale * torch.randn(weight.shape, generator=draw, dtype=torch.float64).to(weight.dtype))
    return found


def write(model: Model, world: World, seed: int = 0, mask: Tensor | None = None, scale: float = 1.0) -> None:
    world.step += 1
    apply(model, world, Wanted("forward", changes(world, seed, scale), mask), Clock(world.step, steps_per_epoch=2, steps_total=20))


@every
def test_a_rate_of_zero_writes_nothing_and_another_does(make: Make) -> None:
    model, world = model_of(make, (0.0, 0.1))
    start = snapshot(world.params)
    for seed in range(3):
        write(model, world, seed)
    assert same(row(world.params, 0), row(start, 0))
    assert all(not torch.equal(world.params[key][1], start[key][1]) for key in LEAVES)


@every
def test_masked_replicas_stay_and_the_others_do_not_notice(make: Make) -> None:
    (model, plain), (_, world) = (model_of(make, (0.1, 0.1, 0.1)) for _ in range(2))
    write(model, plain)
    write(model, world)
    before = snapshot(world.arrays())
    mask = torch.tensor([True, False, True])
    write(model, plain, 1)
    write(model, world, 1, mask)
    assert same(row(world.arrays(), 1), row(before, 1))
    for r in (0, 2):
        close(row(world.arrays(), r), row(plain.arrays(), r))
    assert world.counts["forward"].tolist() == [2, 1, 2]
    start = snapshot(world.arrays())
    write(model, world, 2, torch.zeros(3, dtype=torch.bool))
    assert same(world.arrays(), start)


@every
def test_a_mask_of_all_is_no_mask(make: Make) -> None:
    (model, plain), (_, masked) = (model_of(make, (0.1, 0.2)) for _ in range(2))
    for seed in range(2):
        write(model, plain, seed)
        write(model, masked, seed, torch.ones(2, dtype=torch.bool))
    assert same(plain.arrays(), masked.arrays())


@every
def test_the_dead_stay(make: Make) -> None:
    model, world = model_of(make, (0.1, 0.1))
    world.alive[1] = False
    before = snapshot(world.arrays())
    wanted = Wanted("forward", changes(world))
    apply(model, world, wanted, Clock(), everyone=False)
    assert same(row(world.arrays(), 1), row(before, 1))
    assert not torch.equal(world.params[LEAVES[0]][0], before[f"params/{LEAVES[0]}"][0])
    assert world.counts["forward"].tolist() == [1, 0]


@every
def test_each_write_counts_once(make: Make) -> None:
    model, world = model_of(make, (0.1, 0.1))
    for seed in range(3):
        assert world.counts["forward"].tolist() == [seed, seed]
        write(model, world, seed)
    assert world.counts["forward"].dtype == torch.int64


@every
def test_a_copied_world_takes_the_identical_step(make: Make) -> None:
    model, world = model_of(make, (0.1, 0.2))
    for seed in range(3):
        write(model, world, seed)
    copy = World.from_arrays(snapshot(world.arrays()), world.step)
    fresh = replace(model, plasticity=make())
    write(model, world, 3)
    write(fresh, copy, 3)
    assert same(world.arrays(), copy.arrays())


@every
def test_what_the_rule_handed_over_is_left_alone(make: Make) -> None:
    model, world = model_of(make, (0.1, 0.2))
    handed = changes(world)
    before = {key: change.dense().clone() for key, change in handed.items()}
    apply(model, world, Wanted("forward", handed), Clock(steps_total=4))
    assert same({key: change.dense() for key, change in handed.items()}, before)


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [0.0, 1e-25, 1e12])
def test_weights_stay_finite_and_of_their_kind(make: Make, dtype: torch.dtype, scale: float) -> None:
    model, world = model_of(make, (0.1, 0.2), dtype)
    shapes = {key: value.shape for key, value in world.arrays().items()}
    for seed in range(2):
        write(model, world, seed, scale=scale)
    for key, value in world.arrays().items():
        assert value.shape == shapes[key] and torch.isfinite(value).all()
        assert value.dtype == dtype or not value.is_floating_point()


@every
def test_the_first_step_goes_where_it_was_wanted(make: Make) -> None:
    model, world = model_of(make, (0.05, 0.1))
    start, handed = snapshot(world.params), changes(world)
    write(model, world)
    config, ideal = model.plasticity.config, isinstance(model.plasticity.synapse, IdealSynapse)
    for key, change in handed.items():
        moved = world.params[key] - start[key]
        assert ((moved * change.dense()).flatten(1).sum(1) > 0).all()
        if ideal and not config.centralise and not getattr(config, "weight_decay", 0):
            assert torch.equal(moved.sign(), change.dense().sign())


@every
def test_the_first_step_is_proportional_to_the_rate(make: Make) -> None:
    model, world = model_of(make, (0.02, 0.06))
    if not isinstance(model.plasticity.synapse, IdealSynapse):
        pytest.skip("a device rounds to what it can store")
    for value in world.params.values():
        value[1] = value[0]
    handed = {key: Dense(change.dense()[:1].expand_as(world.params[key])) for key, change in changes(world).items()}
    start = snapshot(world.params)
    apply(model, world, Wanted("forward", handed), Clock(steps_total=4))
    for key in LEAVES:
        moved = world.params[key] - start[key]
        torch.testing.assert_close(moved[1], 3 * moved[0], rtol=1e-9, atol=1e-15)


@every
def test_a_factored_change_is_worth_its_product(make: Make) -> None:
    (model, one), (_, two) = (model_of(make, (0.1, 0.2)) for _ in range(2))
    draw = torch.Generator().manual_seed(0)
    pre, post = (torch.randn(2, 6, n, generator=draw, dtype=torch.float64) for n in (5, 4))
    outer = Outer(DenseConnection((5,), (4,)), ((pre, post), (2 * pre, -0.25 * post)))
    for _ in range(2):
        apply(model, one, Wanted("forward", {LEAVES[0]: outer}), Clock(steps_total=4))
        apply(model, two, Wanted("forward", {LEAVES[0]: Dense(0.5 * torch.einsum("rbp,rbq->rqp", pre, post))}), Clock(steps_total=4))
    close(one.params, two.params)


@every
def test_a_leaf_of_another_group_is_refused_by_name(make: Make) -> None:
    model, world = model_of(make, (0.1, 0.1))
    with pytest.raises(KeyError, match="stranger"):
        apply(model, world, Wanted("forward", {"stranger": Dense(torch.zeros(2, 1))}), Clock())
