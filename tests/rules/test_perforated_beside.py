"""What stands beside a run of perforated dendrites: controls, their table, what is written for other programs, memory, loud failures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from perforated_kit import SHORT, Drive, data, make, mlp
from scipy.stats import t

from bioplaus import api
from bioplaus.rules import perforated_controls
from bioplaus.rules.perforated import with_dendrites
from bioplaus.rules.perforated_controls import ARMS, matched
from bioplaus.rules.perforated_memory import estimate
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.store import Store
from bioplaus.streams import Streams

CYCLE_KEYS = {"dendrites", "parameters", "train_accuracy", "train_loss", "validation_accuracy", "test_accuracy", "rho", "seconds"}
TINY: dict[str, Any] = {
    "rule": "perforated", "data": "digits", "epochs": 24, "rule.n_epochs_max": 8, "rule.p_epochs": 4, "rule.max_dendrites": 1, "seeds": 2,
    "run.figures": False, "probes": [],
}  # fmt: skip
STILL: dict[str, Any] = {"rule.lr": 0.0, "rule.p_epochs": 1}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return api.simulate({**TINY, "run.root": str(tmp_path_factory.mktemp("runs"))}).summary


# -- what is written for other programs


def test_cycles_hold_what_the_contract_names(done: dict[str, Any]) -> None:
    assert [set(one) >= CYCLE_KEYS for one in done["cycles"]] == [True, True]
    assert [one["dendrites"] for one in done["cycles"]] == [0, 1]
    assert [one["rho"] if k == 0 else len(one["rho"]) for k, one in enumerate(done["cycles"])] == [[], 2]
    for k, one in enumerate(done["cycles"]):
        by_seed = done["cycle_values"][k]
        for key in ("train_loss", "test_accuracy", "validation_accuracy"):
            assert one[key] == pytest.approx(np.mean(by_seed[key]), abs=1e-12), key
        assert one["seconds"] == pytest.approx(one["seconds_n"] + one["seconds_p"])
        assert one["seconds_n"] > 0 and (one["seconds_p"] > 0) == (k > 0)
    rho = done["cycle_values"][1]["rho"]
    assert done["cycles"][1]["rho"] == pytest.approx(np.mean(rho, 0).tolist()) and done["cycle_values"][0]["rho"] == [None, None]


def test_differences_are_this_run_less_the_arm_seed_by_seed(done: dict[str, Any]) -> None:
    mine = np.array(done["test_accuracy"]["values"])
    assert tuple(done["controls"]) == ARMS
    for name, one in done["controls"].items():
        theirs = Store.open(Path(one["run_dir"])).summary()
        assert theirs is not None
        values = np.array(theirs["test_accuracy"]["values"])
        assert one["accuracy"]["values"] == values.tolist(), name
        d = mine - values
        half = t.ppf(0.975, 1) * d.std(ddof=1) / math.sqrt(2)
        assert one["difference"]["mean"] == pytest.approx(d.mean(), abs=1e-12)
        assert one["difference"]["ci95"] == pytest.approx([d.mean() - half, d.mean() + half], abs=1e-9)
        half = t.ppf(0.975, 1) * values.std(ddof=1) / math.sqrt(2)
        assert one["accuracy"]["ci95"] == pytest.approx([values.mean() - half, values.mean() + half], abs=1e-9)


def test_each_control_differs_in_what_its_name_says(done: dict[str, Any]) -> None:
    modes = {}
    for name, one in done["controls"].items():
        rule = Store.open(Path(one["run_dir"])).settings().rule
        modes[name] = rule.mode, rule.perforated
        assert not rule.controls and (rule.n_epochs_max, rule.p_epochs, rule.max_dendrites) == (8, 4, 1)
    plain = ("continued", True)
    assert modes == {"continued": plain, "random": ("random", True), "gd": ("gd", True), "no_perforation": ("pb", False), "width_matched": plain}
    # 634 numbers with one dendrite; 64-8-10 has 75 x 8 + 10 = 610, one unit more would have 685
    assert done["controls"]["width_matched"]["parameters"] == 610
    assert [done["controls"][name]["parameters"] for name in ARMS[:4]] == [310, 634, 634, 634]


@pytest.mark.parametrize("parameters", [310, 400, 634, 972, 1324])
def test_the_matched_width_is_the_largest_that_is_no_larger(parameters: int) -> None:
    """64-h-10 with biases has 64 h + h + 10 h + 10 numbers: by trying all h."""
    largest = max(h for h in range(1, 99) if 64 * h + h + 10 * h + 10 <= parameters)
    assert matched(mlp((64, 4, 10)), parameters) == {"network.hidden": [largest]}


def test_widths_grow_together_and_a_single_layer_gets_one() -> None:
    found = matched(mlp((5, 6, 4, 3)), 300)
    assert found is not None
    a, b = found["network.hidden"]
    assert 5 * a + a + a * b + b + 3 * b + 3 <= 300 and b == round(4 * a / 6)
    assert matched(mlp((5, 3)), 100) == {"network.hidden": [(100 - 3) // (5 + 1 + 3)]}


# -- controls beside a run


def test_finished_controls_are_read_and_the_missing_one_is_run(tmp_path: Path) -> None:
    whole = api.simulate({**TINY, "run.root": str(tmp_path)}).summary
    folder = Path(whole["run_dir"])
    (folder / "summary.json").unlink()
    gone = Path(whole["controls"]["gd"]["run_dir"])
    (gone / "summary.json").unlink()
    times = {path: path.stat().st_mtime_ns for path in sorted(folder.glob("controls/*/*/summary.json"))}
    assert len(times) == 4
    again = api.resume(folder, controls=True).summary
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert len(list(folder.glob("controls/*/*/config.yaml"))) == 5
    for name in ARMS:
        assert again["controls"][name]["accuracy"] == whole["controls"][name]["accuracy"], name


def test_a_control_that_cannot_run_takes_nothing_from_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perforated_controls, "controls", lambda *_: {"continued": {"rule.lr": -1.0}, "random": {"rule.mode": "random"}})
    found = api.simulate({**TINY, "run.root": str(tmp_path)}).summary
    assert found["controls"]["continued"]["accuracy"] is None and "rule.lr" in found["controls"]["continued"]["error"]
    assert found["controls"]["random"]["accuracy"]["mean"] > 0.2
    assert "continued       not run: rule.lr" in found["report"]


# -- no dendrite


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"rule.max_dendrites": 0}, "rule.max_dendrites=0"),
        ({"rule.switch_mode": "none"}, "rule.switch_mode=none never ends the neuron phase"),
        ({"rule.p_epochs": 90}, "the run ended within the first dendrite phase; raise epochs, or set rule.p_epochs"),
        ({"rule.n_epochs_max": None, "rule.n_epochs_to_switch": 23}, "neurons were still in their first phase after 24 epochs"),
        # candidates that stay as they are drawn, and weights that do: nothing can improve
        ({**STILL, "rule.keep_cycles": False, "rule.n_epochs_max": 1}, "validation was no better with any, in 3 attempts"),
    ],
)
def test_a_run_without_a_dendrite_says_so_in_capitals_and_why(keys: dict[str, Any], why: str) -> None:
    found = api.simulate({**TINY, "run.save": False, **keys}).summary
    assert found["perforated_warning"].startswith(f"NO DENDRITE WAS ADDED: {why}")
    assert found["report"].startswith("NO DENDRITE WAS ADDED") and ("controls" in found) == ("attempts" in why)
    assert set(found["selected_dendrites"]) == {0}


# -- memory


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("most", [2, 6])
def test_the_estimate_covers_what_a_run_holds_and_not_much_more(replicas: int, most: int) -> None:
    seeds = tuple(range(replicas))
    run = Drive(make(seeds, mlp((20, 16, 8, 3)), max_dendrites=most), data((20,)), epochs=99).go((most + 1) * 6)
    assert int(run.world.state["K"].max()) == most
    held = sum(value.numel() * value.element_size() for value in run.world.arrays().values())
    held += sum(value.numel() * value.element_size() for value in run.pack.best.arrays.values())
    config = PerforatedConfig(**{**SHORT, "max_dendrites": most})
    told = estimate(config, with_dendrites(mlp((20, 16, 8, 3)), config), Streams(seeds, dtype=torch.float64))
    assert held <= told <= 2 * held


# -- the network, drawn


@pytest.mark.parametrize(("lr", "selected"), [(0.1, 2), (1.0, 0)])
def test_drawn_are_the_dendrites_of_the_selected_network_and_not_those_it_ended_with(lr: float, selected: int) -> None:
    """One row of points for the inputs; per layer one of neurons and one for each dendrite that they have."""
    keys = {"rule.switch_mode": "fixed", "rule.fixed_switch_num": 6, "rule.p_epochs": 3, "rule.max_dendrites": 2, "epochs": 26}
    alone = {"rule.controls": False, "run.save": False, "seeds": 1}
    result = api.simulate({**TINY, **keys, **alone, "rule.lr": lr})
    assert [one["dendrites"] for one in result.summary["cycles"]] == [0, 1, 2] and result.summary["selected_dendrites"] == [selected]
    drawn = [picture for picture in result.findings.pictures if picture.name == "dendrites.png"]
    assert len(drawn) == (selected > 0)
    for picture in drawn:
        rows = [series for series in picture.panels[0].series if series.points]  # type: ignore[union-attr]
        assert len(rows) == 1 + 2 * (1 + selected) and f"{selected} dendrites per neuron" in picture.note
