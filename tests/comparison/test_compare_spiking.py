"""Rows over spiking units: which comparisons are, who is backprop there, and that all rows stand on one network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from driving import command

from bioplaus import compare, config
from bioplaus.comparison.plan import Plan, make_plan
from bioplaus.comparison.table import comparison_text

SMALL = {"data.limit": 60, "network.hidden": [6], "neuron.steps": 5, "epochs": 1}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def planned(**keys: Any) -> Plan:
    return make_plan({**SMALL, **keys})[0]


@pytest.mark.parametrize(
    ("keys", "rows"),
    [
        ({"rules": "surrogate,eprop,decolle"}, ["surrogate", "eprop", "decolle"]),
        ({"rules": "eprop"}, ["surrogate", "eprop"]),
        ({"rules": "bp,eprop"}, ["surrogate", "eprop"]),
        ({"rules": "bp,surrogate"}, ["surrogate"]),
        ({"rules": "dfa,decolle,bp"}, ["dfa", "decolle", "surrogate"]),
        ({"rules": "bp,fa", "neuron": "lif"}, ["surrogate", "fa"]),
        ({"rules": "fa,surrogate"}, ["fa", "surrogate"]),
    ],
)
def test_spiking_rows_stand_on_one_network_beside_surrogate(keys: dict[str, Any], rows: list[str]) -> None:
    plan = planned(**keys)
    assert [row.rule for row in plan.rows] == rows and plan.reference == "surrogate" and not any(row.error for row in plan.rows)
    resolved = [config.as_dict(config.resolve(row.settings)) for row in plan.rows]
    for key in ("data", "network", "neuron", "epochs", "batch_size", "seeds", "dtype"):
        assert all(one[key] == resolved[0][key] for one in resolved), key
    assert resolved[0]["neuron"]["name"] == "lif" and resolved[0]["data"]["standardise"] == "none"
    assert all(one["plasticity"]["name"] == "adam" for one in resolved)
    rates = {one["rule"]["name"]: one["rule"]["lr"] for one in resolved}
    own = {"eprop": 0.02, "decolle": 0.001}
    assert rates == {rule: own.get(rule, 0.002) for rule in rows}  # rules made for static units start from surrogate's rate


@pytest.mark.parametrize("keys", [{"rules": "ccl"}, {"rules": "fa,dfa"}, {"rules": "eprop,ccl"}, {"rules": "eprop", "neuron": "tanh"}])
def test_other_rows_stand_beside_bp(keys: dict[str, Any]) -> None:
    plan = make_plan({"data.limit": 60, "network.hidden": [6], "epochs": 1, "published": False, **keys})[0]
    assert plan.reference == "bp" == plan.rows[0].rule and not plan.rows[0].error
    errors = {row.rule: row.error for row in plan.rows if row.error}
    assert set(errors) == ({"eprop"} if "eprop" in keys["rules"] else set())


def test_what_is_given_outranks_what_is_lent() -> None:
    fa = planned(rules="fa,eprop", **{"rule.lr": 0.25}).rows[1].settings
    assert fa["rule.lr"] == 0.25 and fa["plasticity"] == "adam"
    fa = planned(rules="fa,eprop", **{"fa.rule.lr": 0.5, "fa.plasticity.weight_decay": 0.125}).rows[1].settings
    assert fa["rule.lr"] == 0.5 and fa["plasticity.weight_decay"] == 0.125 and fa["plasticity"] == "adam"
    sgd = [config.resolve(row.settings).plasticity.name for row in planned(rules="fa,eprop", plasticity="sgd").rows]
    assert sgd == ["sgd"] * 3


def test_a_rate_of_bp_is_answered_with_its_name_here() -> None:
    answer = command("compare", "rules=bp,eprop", "bp.rule.lr=3")
    assert answer.code == 2 and "over spiking units bp runs as surrogate; write surrogate.rule.lr" in answer.err


def test_codes_are_tried_before_anything_runs() -> None:
    """Standardised inputs are no rates: what the first batch would refuse, the plan knows."""
    answer = command("compare", "rules=eprop", "data.encode=rate", "data.standardise=auto", *(f"{k}={v}" for k, v in SMALL.items()))
    assert answer.code == 2 and "rate coding needs inputs between 0 and 1" in answer.err and not Path("runs").exists()


def test_tables_and_figures_name_the_reference() -> None:
    found = compare({**SMALL, "rules": "eprop,fa", "seeds": 2, "tune": "none", "workers": 0}).found
    assert found["reference"] == "surrogate" and [row["error"] for row in found["rows"]] == [None] * 3
    text, page = comparison_text(found), Path(found["directory"], "report.html").read_text()
    assert "vs surrogate" in text and "vs bp" not in text and "vs surrogate" in page and "vs bp" not in page
    surrogate, eprop, fa = found["rows"]
    assert surrogate["angle_to_bp"] == pytest.approx([0, 0], abs=1e-2)
    gaps = [b - a for a, b in zip(surrogate["accuracy"]["values"], eprop["accuracy"]["values"])]
    assert eprop["difference_to_bp"]["mean"] == pytest.approx(sum(gaps) / 2) and surrogate["difference_to_bp"]["p"] is None
    assert fa["angle_to_bp"][1] == pytest.approx(0, abs=1e-2) and fa["angle_to_bp"][0] > 1
