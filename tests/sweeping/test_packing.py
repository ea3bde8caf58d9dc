"""Packs: which runs they hold, and that each gives what it gives alone."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from sweeping_kit import SMALL

import bioplaus
from bioplaus.sweeping.grammar import spaces
from bioplaus.sweeping.packing import chunks, distance
from bioplaus.sweeping.plan import Plan, make_plan
from bioplaus.sweeping.run import run_plan


def plan_of(**keys: Any) -> Plan:
    return make_plan(spaces({**SMALL, **{key.replace("__", "."): value for key, value in keys.items()}}))


def test_chunks_cover_all_and_differ_by_one_at_most() -> None:
    for count, most in itertools.product(range(1, 20), range(1, 8)):
        parts = chunks(range(count), most)
        sizes = [len(part) for part in parts]
        assert [i for part in parts for i in part] == list(range(count))
        assert max(sizes) <= most and max(sizes) - min(sizes) <= 1 and len(parts) == -(-count // most)


@pytest.mark.parametrize(("seeds", "step"), [((4,), 1), ((0, 1, 2), 1), ((3, 13, 23), 10), ((0, 1, 3), None), ((2, 1), None)])
def test_distance(seeds: tuple[int, ...], step: int | None) -> None:
    assert distance(seeds) == step


@pytest.mark.parametrize(
    "keys",
    [
        {"rule": "ccl,fa", "rule__lr": "0.1,0.2,0.5", "seeds": 2, "workers": 1},
        {"rule": "ccl,fa", "rule__lr": "0.1,0.2", "seeds": 5, "workers": 4},
        {"rule": "bp", "rule__lr": "0.1,0.2", "seed": "7,3,4", "workers": 2},
        {"rule": "mirror", "rule__lr": "0.1,0.2", "rule__lr_mirror": "0.01,0.02", "batch_size": "16,32"},
        {"rule": "ccl", "rule__lr_feedback": (None, 0.5, 1.0)},
        {"rule": "fa", "seeds": 3, "run__pack": "1"},
    ],
)
def test_packs_hold_every_run_once_and_differ_in_nothing_else(keys: dict[str, Any]) -> None:
    plan = plan_of(**keys)
    members = [member for pack in plan.packs for member in pack.members]
    assert sorted(members) == sorted(itertools.product(range(len(plan.cells)), plan.seeds))
    for pack in plan.packs:
        cells = [plan.cells[cell] for cell, _ in pack.members]
        apart = {key for key in cells[0].swept if len({str(cell.swept[key]) for cell in cells}) > 1}
        assert all(key in ("rule.lr", "rule.lr_mirror", "rule.lr_feedback") for key in apart)
        assert not any(cell.swept.get(key, 0) is None for cell in cells for key in apart)  # null is another kind of run, not a number
        for key in apart:
            assert pack.settings[key] == [float(cell.swept[key]) for cell in cells]
        top = bioplaus.config.resolve(pack.settings).seed_list
        assert top == tuple(seed for _, seed in pack.members)


def test_packs_are_cut_for_the_processes_at_hand() -> None:
    """One pack per process where the runs are few, never more than 16 runs in one."""
    for runs, workers, most in ((8, 2, 4), (9, 2, 5), (3, 8, 1), (100, 2, 16)):
        sizes = [len(pack.members) for pack in plan_of(rule="bp", seeds=runs, workers=workers).packs]
        assert max(sizes) <= most and len(sizes) == -(-runs // most)


def test_seeds_of_a_cell_or_cells_of_a_seed_whichever_are_more() -> None:
    by_seed = plan_of(rule="bp", rule__lr="0.1,0.2,0.3", seeds=2, workers=1)
    assert [pack.members for pack in by_seed.packs] == [((0, 0), (1, 0), (2, 0)), ((0, 1), (1, 1), (2, 1))]
    by_cell = plan_of(rule="bp", rule__lr="0.1,0.2", seeds=3, workers=1)
    assert [pack.members for pack in by_cell.packs] == [((0, 0), (0, 1), (0, 2)), ((1, 0), (1, 1), (1, 2))]


CCL: dict[str, Any] = {"rule": "ccl,fa", "rule.lr": "0.05,1", "seeds": 2}
MIRROR: dict[str, Any] = {"rule": "mirror", "rule.lr_mirror": "0.01,0.1", "rule.lr": "0.1,0.3", "seed": "3,9"}
NULL: dict[str, Any] = {"rule": "ccl", "rule.lr_feedback": (None, 0.3, 1.0), "seed": "5"}


@pytest.mark.parametrize(
    ("swept", "pack", "dtype"),
    [(CCL, "auto", "float64"), (CCL, "auto", "float32"), (CCL, "1", "float32"), (MIRROR, "auto", "float64"), (NULL, "auto", "float64")],
)
def test_a_cell_gives_what_its_single_run_gives(
    swept: dict[str, Any], pack: str, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batched, to the rounding of the precision: a batched product may add up in another order. One by one, to the bit."""
    monkeypatch.chdir(tmp_path)
    plan = make_plan(spaces({**SMALL, **swept, "dtype": dtype, "workers": 0, "run.pack": pack}))
    assert (max(len(one.members) for one in plan.packs) > 1) == (pack == "auto")
    found = run_plan(plan)
    assert len(found.cells) == len(plan.cells) and all(row["complete"] for row in found.cells)
    for row in found.cells:
        for i, seed in enumerate(found.found["seeds"]):
            single = bioplaus.simulate({"threads": 1, **row["settings"], "seed": seed, "run.save": False}).summary
            for score in ("validation_accuracy", "validation_loss", "test_accuracy", "test_loss"):
                ours, theirs = row[score]["values"][i], single[score]["values"][0]
                if pack == "1":
                    assert ours == theirs, (row["name"], seed, score)
                else:
                    assert ours == pytest.approx(theirs, rel=1e-10 if dtype == "float64" else 2e-5), (row["name"], seed, score)
            assert row["selected_epoch"][i] == single["selected_epoch"][0]
