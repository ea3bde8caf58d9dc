"""What a comparison is made of: rows, what they share, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from driving import command

from bioplaus import config, registry
from bioplaus.comparison.plan import FACTORS, Plan, make_plan
from bioplaus.comparison.pool import run_rows
from bioplaus.comparison.tuning import best_of, own_rate, rates
from bioplaus.comparison.watch import Watch
from bioplaus.errors import ConfigError
from bioplaus.recipes import Recipe
from bioplaus.rules.top import TopLayer


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


REFUSED = [
    ("", ("compare needs rules",)),
    ("rules=bp,clc", ("unknown rule 'clc'", "did you mean 'ccl'")),
    ("rules=bp,ccl,bp", ("names bp twice",)),
    ("rules=ccl epoch=3", ("unknown key 'epoch'", "did you mean 'epochs'")),
    ("rules=ccl rule=bp", ("compare takes no rule",)),
    ("rules=ccl run.save=false", ("compare takes no run.save",)),
    ("rules=ccl seed_step=0", ("compare takes no seed_step",)),
    ("rules=ccl seeds=0", ("seeds=0 is out of range",)),
    ("rules=ccl seed=998", ("seed 1000 is used to choose the rates",)),
    ("rules=ccl tune=best", ("tune=best is not known", "grid or none")),
    ("rules=ccl grid=[1,0]", ("grid=[1, 0]", "> 0")),
    ("rules=ccl grid=[1,1]", ("different numbers",)),
    ("rules=ccl tune_epochs=0", ("tune_epochs=0", ">= 1")),
    ("rules=ccl workers=some", ("workers=some must be auto or a number",)),
    ("rules=ccl published=2", ("published=2 must be true or false",)),
    ("rules=ccl tune=grid rule.lr=1", ("rule.lr fixes what tune=grid chooses",)),
    ("rules=ccl top.rule.lr=1", ("top.rule.lr is for a rule that is not compared",)),
    ("rules=ccl ccl.network.hidden=[8]", ("other conditions than the rest",)),
    ("rules=ccl ccl.epochs=9", ("other conditions than the rest",)),
    ("rules=ccl rule.lambda_crss=1", ("none of the rules has a setting rule.lambda_crss",)),
    ("rules=fa fa.rule.nosuch=3", ("fa.rule.nosuch=3: unknown key 'rule.nosuch'",)),
    ("rules=fa fa.rule.lr=-1", ("fa.rule.lr=-1: rule.lr=-1.0 is out of range", ">= 0")),
    ("rules=fa fa.rule.lr=2,3", ("fa.rule.lr=2,3: ", "is not a number")),
    ("rules=fa fa.rule.lr=[2,3,4,5,6]", ("lists a rate per seed",)),
    ("rules=fa rule.lr=[2,3,4,5,6]", ("no row can run; bp: rule.lr lists a rate per seed",)),
    ("rules=fa fa.plasticity.nosuch=1", ("fa.plasticity.nosuch=1: unknown key",)),
    ("rules=fa network=lenet data=synthetic", ("no row can run; bp: ", "images")),
    ("rules=ccl backend=numba", ("no row can run; bp: backend=numba cannot run this",)),
    ("rules=ccl data=minst", ("data=minst is not known", "did you mean mnist")),
]


@pytest.mark.parametrize(("words", "parts"), REFUSED, ids=[words for words, _ in REFUSED])
def test_refused_in_one_line_before_anything_runs(words: str, parts: tuple[str, ...]) -> None:
    answer = command("compare", *words.split(), "--json")
    assert (answer.code, answer.out) == (2, "") and len(answer.err.splitlines()) == 1
    assert answer.err.startswith("bioplaus: ") and all(part in answer.err for part in parts), answer.err
    assert not Path("runs").exists()


def planned(**keys: Any) -> Plan:
    return make_plan(keys)[0]


def test_backprop_is_added_and_conditions_are_its_own() -> None:
    plan = planned(rules="ccl,top", data="digits")
    assert [row.rule for row in plan.rows] == ["bp", "ccl", "top"] and plan.seeds == (0, 1, 2, 3, 4) and plan.epochs == 40
    resolved = [config.as_dict(config.resolve(row.settings)) for row in plan.rows]
    for key in ("data", "network", "neuron", "epochs", "batch_size", "seeds", "seed", "seed_step", "dtype", "threads", "probes"):
        assert all(one[key] == resolved[0][key] for one in resolved), key
    assert [one["rule"]["lr"] for one in resolved] == [0.8, 2.0, 16.0]  # the recipes of each


def test_a_recipe_cannot_give_its_rule_other_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    class Special(TopLayer):
        recipes = (Recipe({"neuron": "tanh", "batch_size": 7, "epochs": 3, "network.hidden": [5], "rule.lr": 0.7}, "its own"),)

    monkeypatch.setitem(registry.RULES._classes, "top", Special)
    bp, top = (config.resolve(row.settings) for row in planned(rules="top").rows)
    assert (top.neuron.name, top.top.batch_size, top.top.epochs, top.network.hidden) == ("elu", 64, 40, [256, 256, 256])
    assert top.network == bp.network and top.rule.lr == 0.7


def test_keys_for_one_rule_and_keys_that_only_some_rules_have() -> None:
    plan = planned(rules="ccl,top", **{"ccl.rule.lr": 0.5, "rule.lambda_cross": 0.25, "top.plasticity.clip": "none"})
    bp, ccl, top = (row.settings for row in plan.rows)
    assert ccl["rule.lr"] == 0.5 and ccl["rule.lambda_cross"] == 0.25 and plan.tune == "none"
    assert "rule.lambda_cross" not in bp and "rule.lr" not in bp and top["plasticity.clip"] == "none" and "plasticity.clip" not in bp


@pytest.mark.parametrize(
    "given", [{"rules": "eprop,decolle", "neuron": "lif"}, {"rules": "eprop,decolle"}, {"rules": "bp,eprop,decolle", "neuron": "lif"}]
)
def test_spiking_rules_are_put_beside_surrogate_gradients_on_its_own_network(given: dict[str, Any]) -> None:
    """All rows have what surrogate has alone: a rate network's recipe would leave most cells silent."""
    plan = planned(**given, data="digits")
    alone = config.resolve({"rule": "surrogate", "data": "digits"})
    found = [config.resolve(row.settings) for row in plan.rows]
    assert plan.reference == plan.rows[0].rule == "surrogate" and plan.tune == "grid" and not any(row.error for row in plan.rows)
    assert all((one.network, one.neuron, one.data) == (alone.network, alone.neuron, alone.data) for one in found)
    assert all((one.top.epochs, one.top.batch_size) == (alone.top.epochs, alone.top.batch_size) for one in found)
    assert (found[0].plasticity, found[0].rule.lr) == (alone.plasticity, alone.rule.lr)
    assert len(plan.rows) == 3 and Plan.of(plan.as_dict()) == plan


@pytest.mark.parametrize("given", [{"rules": "top,eprop"}, {"rules": "bp"}, {"rules": "eprop", "neuron": "relu"}])
def test_backprop_stays_the_reference_of_units_without_time(given: dict[str, Any]) -> None:
    plan = planned(**given)
    assert plan.reference == plan.rows[0].rule == "bp" and config.resolve(plan.rows[0].settings).neuron.name != "lif"
    assert all(row.error for row in plan.rows if row.rule == "eprop")


def test_a_row_that_fails_in_its_first_step_over_time_says_so() -> None:
    """What only a batch with a time axis shows."""
    plan = planned(rules="eprop", **{"neuron": "lif", "neuron.loss": "max_membrane"})
    assert not plan.rows[0].error and "neuron.loss=max_membrane needs the whole run" in plan.rows[1].error


def test_a_published_neuron_makes_a_second_row(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tanh(TopLayer):
        published_neuron = "tanh"

    monkeypatch.setitem(registry.RULES._classes, "top", Tanh)
    plan = planned(rules="top", **{"neuron.alpha": 0.5})
    assert [(row.label, row.rule, row.settings["neuron"]) for row in plan.rows] == [
        ("bp", "bp", "elu"), ("top", "top", "elu"), ("top (tanh)", "top", "tanh")
    ]  # fmt: skip
    assert plan.rows[2].folder == "top-tanh" and not any(row.error for row in plan.rows)
    assert len(planned(rules="top", published=False).rows) == 2
    assert len(planned(rules="top", neuron="tanh").rows) == 2


def test_a_rule_s_conditions_are_those_of_all_rows_or_its_row_is_refused() -> None:
    plan, _ = make_plan({"rules": "memristor,bp", "data": "digits"})
    made_for = {"neuron": "clip", "network.hidden": [100], "data.standardise": "none", "batch_size": 50, "epochs": 40}
    assert plan.conditions == made_for and plan.epochs == 40
    assert [(row.rule, row.error) for row in plan.rows] == [("memristor", ""), ("bp", "")]
    assert all(row.settings[key] == value for row in plan.rows for key, value in made_for.items())
    mixed, _ = make_plan({"rules": "memristor,ccl", "data": "digits"})
    assert mixed.shared["neuron"] == "elu" and not mixed.conditions
    errors = {row.rule: row.error for row in mixed.rows}
    assert errors.pop("memristor").startswith("memristor is made for neuron=clip, network.hidden=[100], data.standardise=none, batch_size=50")
    assert set(errors.values()) == {""}
    told, _ = make_plan({"rules": "memristor,ccl", "data": "digits", **made_for})
    assert not any(row.error for row in told.rows)
    own, _ = make_plan({"rules": "memristor", "data": "digits", "network.hidden": [30], "epochs": 2})
    assert own.shared["network.hidden"] == [30] and own.epochs == 2 and own.shared["neuron"] == "clip"


def test_the_directory_is_known_from_the_settings() -> None:
    one = planned(rules="ccl", seeds=3)
    assert one.name == planned(rules=["bp", "ccl"], seeds=3).name and one.name.startswith("compare-digits-")
    others = [planned(rules="ccl", seeds=4), planned(rules="top", seeds=3), planned(rules="ccl", seeds=3, tune="none")]
    assert len({one.name, *(other.name for other in others)}) == 4
    assert planned(rules="ccl", seeds=3, workers=1).name == one.name == planned(rules="ccl", seeds=3, **{"run.root": "x"}).name
    assert Plan.of(one.as_dict()) == one


def test_grid_holds_the_rule_s_own_rate_and_grows_by_equal_factors() -> None:
    plan = planned(rules="ccl")
    found = rates(own_rate(plan.rows[1]), FACTORS)
    assert found == (0.125, 0.5, 2.0, 8.0, 32.0, 128.0) and rates(0.123456, (1, 2)) == (0.123456, 0.247)


def test_the_best_rate_is_that_of_the_highest_accuracy_then_the_lowest_loss() -> None:
    assert best_of([0.5, 0.9, 0.9, 0.8], [0.1, 0.4, 0.3, 0.2]) == 2
    assert best_of([None, 0.2, None], [None, 5.0, float("nan")]) == 1
    assert best_of([None, None, None], [0.3, 0.2, 0.4]) == 1
    with pytest.raises(ConfigError, match="no rate of the grid"):
        best_of([None], [None])


def test_a_rule_that_cannot_run_here_is_known_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row says why; no process is started for it, and a defect of a rule is left for its row to meet."""
    plan = planned(rules="ccl,top", **{"ccl.rule.loss": "maps"})
    assert [bool(row.error) for row in plan.rows] == [False, True, False] and "rule.loss=maps" in plan.rows[1].error
    started: list[int] = []

    def in_processes(plan: Plan, missing: list[int], *_: Any) -> dict[int, Any]:
        started.extend(missing)
        return {number: {} for number in missing}

    monkeypatch.setattr("bioplaus.comparison.pool._in_processes", in_processes)
    assert run_rows(plan, 2, Watch({row.label: {} for row in plan.rows}, silent=True))[1]["error"] == plan.rows[1].error
    assert started == [0, 2]

    def broken(self: Any, network: Any) -> Any:
        raise ValueError("a defect")

    monkeypatch.setattr(TopLayer, "build", broken)
    assert not any(row.error for row in planned(rules="top").rows)


def test_the_time_left_is_that_of_rows_which_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that fails after a quarter of its work leaves the pace what it was: 25 units of work took 1 s, 100 are left."""
    now = [0.0]
    monkeypatch.setattr("bioplaus.comparison.watch.time.perf_counter", lambda: now[0])
    watch = Watch({"a": {"run": 100.0}, "b": {"run": 100.0}, "c": {"run": 50.0}}, silent=True)
    watch.at("a", "run", 0.0)
    watch.at("a", "run", 0.25)
    now[0] = 1.0
    watch.done("a", "it failed")
    watch.done("c", "finished before")
    assert watch.left == pytest.approx(100 / 25)


def test_short_names_of_spiking_rules_mean_the_same_for_all_rows() -> None:
    found = planned(rules=["surrogate", "eprop"], neuron="lif", steps=7, beta=0.8, **{"data.standardise": "none"})
    assert (found.shared["neuron.steps"], found.shared["neuron.beta"]) == (7, 0.8)
    assert not {"steps", "beta"} & found.shared.keys()
