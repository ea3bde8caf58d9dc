"""One thing changed at a time: what an arm changes, what its rows are made of, what a step costs, and the quick form."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bioplaus import config
from bioplaus.experiments import catalogue
from bioplaus.experiments.ccl_ablations import ARMS, BASE, BASELINE, Arm, _panel, _record, _row

#: what each arm changes, beside the rate where it is tuned
CHANGES: dict[str, dict[str, Any]] = {
    BASELINE: {},
    "own rate": {},
    "V frozen": {"rule.lr_feedback": 0.0},
    "normalised loss": {"rule.loss": "normalised", "rule.lambda_cross": 1.0},
    "normalised loss, self terms": {"rule.loss": "normalised", "rule.lambda_cross": 1.0, "rule.lambda_self": 0.5},
    "clip none": {"plasticity.clip": "none"},
    "clip per layer": {"plasticity.clip": "per_layer"},
    "tanh": {"neuron.name": "tanh"},
    "relu": {"neuron.name": "relu"},
    "2 weight layers": {"network.hidden": [256]},
    "3 weight layers": {"network.hidden": [256] * 2},
    "4 weight layers": {"network.hidden": [256] * 3},
    "8 weight layers": {"network.hidden": [256] * 7},
    "batch 1024": {"batch_size": 1024},
    "batch 64": {"batch_size": 64},
}
OTHER_RULES = {"bp", "readout, cross-entropy", "readout, squared (the pair loss without its chain)", "top"}


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    tree = config.as_dict(config.resolve(settings, locate=False))
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= {f"{key}.{name}": one for name, one in value.items()} if isinstance(value, dict) else {key: value}
    return flat


def _differs(arm: Arm) -> dict[str, Any]:
    base, own = _flat(BASE), _flat({**BASE, **arm.change})
    return {key: own.get(key) for key in base.keys() | own.keys() if base.get(key) != own.get(key)}


def test_the_baseline_is_the_published_one() -> None:
    settings = _flat(BASE)
    published = {
        "rule.loss": "raw", "rule.lambda_cross": 0.5, "rule.lr": 1.0, "rule.lr_feedback": None, "plasticity.clip": "per_network",
        "plasticity.clip_norm": 1.0, "neuron.name": "elu", "batch_size": 256, "network.hidden": [256] * 5, "seeds": 3, "epochs": 20,
    }  # fmt: skip
    assert {key: settings[key] for key in published} == published


@pytest.mark.parametrize("name", CHANGES)
def test_an_arm_changes_one_thing(name: str) -> None:
    (arm,) = [arm for arm in ARMS if arm.name == name]
    found = _differs(arm)
    neuron = {key for key in found if key.startswith("neuron.")} - {"neuron.name"}  # another neuron has other fields
    assert {key: value for key, value in found.items() if key not in neuron} == CHANGES[name]
    assert not neuron or name in ("tanh", "relu")


def test_another_rule_has_the_same_network_and_optimiser() -> None:
    assert {arm.name for arm in ARMS} == CHANGES.keys() | OTHER_RULES
    for arm in ARMS:
        if arm.name in OTHER_RULES:
            assert all(key.startswith("rule.") for key in _differs(arm)), arm.name
            assert len(arm.rates) == 3, "a rule of its own has a rate of its own"


def test_a_row_is_paired_with_the_baseline_by_seed() -> None:
    def summary(*values: float) -> dict[str, Any]:
        mean = sum(values) / len(values)
        test = {"values": list(values), "mean": mean, "ci95": [mean - 0.01, mean + 0.01]}
        return {"test_accuracy": test, "flops_per_sample": 2e6, "train_samples": 1000, "seconds": {"total": 1.0}}

    found = {BASELINE: summary(0.5, 0.7), "clip none": summary(0.51, 0.73)}
    (arm,) = [arm for arm in ARMS if arm.name == "clip none"]
    record = _record(arm, found, BASE)
    half = 12.706204736 * 1  # Student's t of one degree of freedom, times the standard error of 1 and 3 points: 1
    assert record["difference"] == pytest.approx(2) and record["ci95"] == pytest.approx([2 - half, 2 + half])
    assert record["updates"] == 20 * 4, "1000 samples are four batches of 256, the last one small"
    row = _row(arm, found[arm.name], record, BASE, "rate 1")
    assert row.mean == pytest.approx(62) and row.note.startswith("+2.00 points [-10.71, +14.71], which reaches 0; rate 1; 2.000 MFLOP")
    panel = _panel("clip", [arm], {arm.name: record})
    assert panel.names == ["none", "per\nnetwork"] and panel.series[1].y == [pytest.approx(2)]
    assert panel.series[1].error == [pytest.approx(half)] and panel.series[2].x == [1]


def _closed_form(rule: str, widths: list[int], batch: int, *, frozen: bool = False) -> float:
    """Return FLOPs per sample and step: 2 per multiply-add of matrix products, counted by hand (spec, section 8)."""
    weights = sum(a * b for a, b in pairwise(widths))
    if rule == "bp":
        return 4 * weights + 2 * (weights - widths[0] * widths[1])
    classes, below = widths[-1], sum(widths[:-1])
    pairs = 2 * classes * (2 * below + sum(widths[1:-1]))
    return 4 * weights + (2 if frozen else 4) * weights * classes / batch + pairs


def test_the_quick_form_runs_and_its_costs_are_the_closed_form(tmp_path: Path) -> None:
    catalogue.reproduce("ccl_ablations", {"quick": True, "out": str(tmp_path)})
    records = json.loads((tmp_path / "ccl_ablations-quick.json").read_text(encoding="utf-8"))["records"]
    found = {one["name"]: one["flops"] for one in records}
    deep = [784, *[256] * 5, 10]
    expected = {
        BASELINE: _closed_form("ccl", deep, 256),
        "V frozen": _closed_form("ccl", deep, 256, frozen=True),
        "clip per layer": _closed_form("ccl", deep, 256),
        "2 weight layers": _closed_form("ccl", [784, 256, 10], 256),
        "batch 64": _closed_form("ccl", deep, 64),
        "bp": _closed_form("bp", deep, 256),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    by_name = {one["name"]: one for one in records}
    assert by_name[BASELINE]["difference"] == 0 and by_name["bp"]["ci95"] is not None
    assert (tmp_path / "ccl_ablations-quick.png").stat().st_size > 10_000
