"""Edits at a boundary: assignments, growth and forgetting touch what they name, in the replicas they name, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from bioplaus.edits import perform
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.plasticity.adaptive import Adam
from bioplaus.plasticity.base import Plasticity, Step, Synapse
from bioplaus.plasticity.sgd import Sgd
from bioplaus.rules.base import Group
from bioplaus.rules.bp import Backprop
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Edits
from bioplaus.world import Model, World, new_world

W, U, V = "forward/0/weight", "forward/0/dendrites/u", "forward/0/dendrites/V"
MASK = torch.tensor([False, True, False])


class Tenths(Synapse):
    """Stores whole tenths, counted upwards from a floor that is drawn anew whenever the device is programmed."""

    def init(self, key: str, weight: Tensor, streams: Streams) -> dict[str, Tensor]:
        weight.mul_(10).round_().div_(10)
        return {"floor": streams.normal(f"floor/{key}", weight.shape[1:]), "writes": torch.zeros(weight.shape[0], dtype=torch.int64)}

    def write(self, key: str, state: Mapping[str, Tensor], weight: Tensor, step: Step, streams: Streams) -> None:
        raise AssertionError("edits program, they do not write")


class Tenth(Plasticity):
    """Adam before tenths."""

    def make_optimiser(self):  # type: ignore[no-untyped-def]
        return Adam().make_optimiser()

    def make_synapse(self) -> Synapse:
        return Tenths()


def make(plasticity: Plasticity | None = None, seeds: tuple[int, ...] = (4, 5, 6)) -> Model:
    """Return a net whose leaves are shared by two learning groups; a third group is frozen."""
    network = Mlp.build(MlpConfig(hidden=[3], bias=True, norm="batch", dendrites=True), (2,), (2,), Tanh())
    rule = Backprop()
    leaves = tuple(key for key in network.leaves if not key.endswith(("/V", "/c", "/q")))
    groups = {"forward": Group(leaves, 0.1), "again": Group((W, U), 0.1), "fixed": Group((V,), None)}
    rates = {name: torch.full((len(seeds),), 0.1) for name in ("forward", "again")}
    return Model(rule, {"forward": network}, groups, rates, plasticity or Adam(), Classification(2), Streams(seeds))


def used(model: Model) -> World:
    """Return a world in which no moment, counter or device is at its start."""
    world = new_world(model)
    world.step = 7
    for i, value in enumerate(world.moments.values()):
        value.add_(i + 1)
    for i, value in enumerate(world.counts.values()):
        value.add_(torch.tensor([10, 20, 30]) + i)
    for key, value in world.synapses.items():
        value.add_(1 if key.endswith("writes") else 0.5)
    world.state["trace"] = torch.arange(3.0)
    return world


def changed(before: World, after: World) -> set[str]:
    """Return the keys of all arrays that differ in anything, shape included."""
    a, b = before.arrays(), after.arrays()
    return {key for key in a.keys() | b.keys() if key not in a or key not in b or not torch.equal(a[key], b[key])}


def untouched_rows(before: World, after: World, rows: tuple[int, ...] = (0, 2)) -> None:
    """Check that the named replicas are the same bit for bit in every array."""
    for key, value in before.arrays().items():
        for r in rows:
            assert torch.equal(value[r], after.arrays()[key][r]), key


def test_assignment_replaces_one_array_and_keeps_moments() -> None:
    model = make()
    world = used(model)
    before, new = world.copy(), torch.full((3, 3, 2), 9.0)
    perform(model, world, Edits(assign={W: new}))
    assert changed(before, world) == {f"params/{W}"}
    assert torch.equal(world.params[W], new)


def test_assigned_arrays_are_copies() -> None:
    """What a rule keeps, its best weights for instance, must not move with the weights."""
    model = make()
    world = used(model)
    best, trace = world.params[W].clone(), world.params[W]
    perform(model, world, Edits(assign={W: best}, state={"best": trace}))
    world.params[W].add_(1)
    assert torch.equal(world.params[W], best + 1)
    trace.add_(5)
    assert torch.equal(world.state["best"], best)


def test_a_masked_assignment_touches_its_replicas_alone() -> None:
    model = make()
    world = used(model)
    before = world.copy()
    key = next(iter(world.buffers))
    perform(model, world, Edits(assign={W: torch.zeros(3, 3, 2), key: torch.full_like(world.buffers[key], 3.0)}, mask=MASK))
    untouched_rows(before, world)
    assert changed(before, world) == {f"params/{W}", f"buffers/{key}"}
    assert bool((world.params[W][1] == 0).all()) and bool((world.buffers[key][1] == 3).all())


def test_what_grows_from_nothing_has_no_moments_in_any_group_and_counters_go_on() -> None:
    model = make()
    world = used(model)
    before = world.copy()
    perform(model, world, Edits(assign={U: torch.ones(3, 2, 3), V: torch.ones(3, 2, 3, 2)}))
    grown = {f"{group}|{U}:{moment}" for group in ("forward", "again") for moment in ("first", "second")}
    assert changed(before, world) == {f"params/{U}", f"params/{V}"} | {f"moments/{key}" for key in grown}
    assert all(torch.equal(world.moments[key], torch.zeros(3, 2, 3)) for key in grown)
    assert all(world.moments[key].dtype == world.params[U].dtype for key in grown)


def test_a_second_growth_keeps_the_moments_of_the_first() -> None:
    model = make()
    world = used(model)
    perform(model, world, Edits(assign={U: torch.ones(3, 1, 3)}))
    key = f"forward|{U}:first"
    world.moments[key].fill_(2.5)
    perform(model, world, Edits(assign={U: torch.ones(3, 2, 3)}))
    assert world.moments[key][:, 0].eq(2.5).all() and world.moments[key][:, 1].eq(0).all()


@pytest.mark.parametrize("mask", [None, MASK])
def test_forgetting_restarts_one_group(mask: Tensor | None) -> None:
    model = make()
    world = used(model)
    before = world.copy()
    perform(model, world, Edits(forget=("again",), mask=mask))
    rows = [0, 1, 2] if mask is None else [1]
    assert all(key.startswith(("moments/again|", "counts/again")) for key in changed(before, world))
    assert world.counts["again"].tolist() == [0 if r in rows else [11, 21, 31][r] for r in range(3)]
    for key, value in world.moments.items():
        for r in range(3):
            if key.startswith("again|") and r in rows:
                assert bool((value[r] == 0).all())
            else:
                assert torch.equal(value[r], before.moments[key][r])


def test_a_frozen_group_has_nothing_to_forget() -> None:
    model = make()
    world = used(model)
    before = world.copy()
    perform(model, world, Edits(forget=("fixed",)))
    assert changed(before, world) == set()


def test_state_is_taken_over_whole_under_a_mask_too() -> None:
    model = make()
    world = used(model)
    perform(model, world, Edits(mask=MASK, state={"trace": torch.zeros(3), "phase": torch.ones(3, dtype=torch.int64)}))
    assert world.state["trace"].tolist() == [0, 0, 0]
    assert world.state["phase"].tolist() == [1, 1, 1]


def test_several_edits_are_done_in_order() -> None:
    """First all replicas grow, then one of them gets something else and forgets: no single edit says both."""
    model = make()
    world = used(model)
    larger = torch.ones(3, 1, 3)
    perform(model, world, (Edits(assign={U: larger}), Edits(assign={U: 2 * larger}, mask=MASK, forget=("forward",))))
    assert world.params[U][:, 0, 0].tolist() == [1, 2, 1]
    assert world.counts["forward"].tolist() == [10, 0, 30]


def test_a_device_is_programmed_with_what_was_assigned() -> None:
    """The weight becomes what can be stored, and the device starts anew with the draws of the present step."""
    model = make(Tenth())
    world = used(model)
    perform(model, world, Edits(assign={W: torch.full((3, 3, 2), 0.26)}))
    torch.testing.assert_close(world.params[W], torch.full((3, 3, 2), 0.3))
    assert torch.equal(world.synapses[f"{W}:floor"], model.streams.at(7).normal(f"floor/{W}", (3, 2)))
    assert world.synapses[f"{W}:writes"].tolist() == [0, 0, 0]


def test_a_masked_assignment_leaves_the_other_devices_alone() -> None:
    model = make(Tenth())
    world = used(model)
    before = world.copy()
    perform(model, world, Edits(assign={W: torch.full((3, 3, 2), 0.26)}, mask=MASK))
    untouched_rows(before, world)
    single = make(Tenth(), seeds=(5,))
    alone = new_world(single)
    alone.step = 7
    perform(single, alone, Edits(assign={W: torch.full((1, 3, 2), 0.26)}))
    assert torch.equal(world.params[W][1:2], alone.params[W])
    assert torch.equal(world.synapses[f"{W}:floor"][1:2], alone.synapses[f"{W}:floor"])
    assert world.synapses[f"{W}:writes"].tolist() == [1, 0, 1]


def test_an_empty_mask_does_nothing() -> None:
    model = make(Tenth())
    world = used(model)
    before = world.copy()
    perform(model, world, Edits(assign={W: torch.zeros(3, 3, 2)}, mask=torch.zeros(3, dtype=torch.bool), forget=("forward",)))
    assert changed(before, world) == set()


def test_a_grown_leaf_gets_a_grown_device_and_a_fixed_one_none() -> None:
    model = make(Tenth())
    world = used(model)
    perform(model, world, Edits(assign={U: torch.zeros(3, 2, 3), V: torch.full((3, 2, 3, 2), 0.26)}))
    assert world.synapses[f"{U}:floor"].shape == (3, 2, 3)
    assert not any(key.startswith(V) for key in world.synapses)
    assert bool((world.params[V] == 0.26).all())


BAD = {
    "array": (Edits(assign={W: torch.zeros(3, 3, 2), "forward/9/weight": torch.zeros(3, 1)}), "forward/9/weight"),
    "shape under a mask": (Edits(assign={W: torch.zeros(3, 3, 2), U: torch.zeros(3, 1, 3)}, mask=MASK), U),
    "replicas": (Edits(assign={W: torch.zeros(2, 3, 2)}), "3 replicas"),
    "dtype": (Edits(assign={W: torch.zeros(3, 3, 2, dtype=torch.float64)}), "float32"),
    "group": (Edits(assign={W: torch.zeros(3, 3, 2)}, forget=("forwards",)), "'forwards'"),
    "mask": (Edits(assign={W: torch.zeros(3, 3, 2)}, mask=torch.tensor([True, False])), "mask"),
    "mask of indices": (Edits(assign={W: torch.zeros(3, 3, 2)}, mask=torch.tensor([0, 1, 2])), "mask"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_what_is_wrong_is_named_and_nothing_is_done(case: str) -> None:
    edits, word = BAD[case]
    model = make(Sgd())
    world = used(model)
    before = world.copy()
    with pytest.raises(ValueError, match=word) as error:
        perform(model, world, edits)
    assert "\n" not in str(error.value)
    assert changed(before, world) == set()
