"""Whole runs of spiking networks: replicas, precision, batches larger than the data, comparisons, audits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from driving import TINY, command

from bioplaus import simulate

RULES = ("surrogate", "eprop", "decolle")
SMALL: dict[str, Any] = {**TINY, "epochs": 2, "neuron.steps": 6, "run.save": False}


@pytest.mark.parametrize("rule", RULES)
def test_packed_seeds_are_the_single_runs(rule: str) -> None:
    """Losses of one pack of three beside three packs of one; sums in another order differ in the last bits of float64 alone."""
    given = {**SMALL, "rule": rule, "seeds": 3, "dtype": "float64"}
    packed, single = (simulate({**given, "run.pack": pack}).parameters() for pack in ("3", "1"))
    for key, value in packed.items():
        assert value.dtype == "float64" and value.shape[0] == 3
        assert abs(value - single[key]).max() < 1e-9
        assert key.startswith("readout") or abs(value[0] - value[1]).max() > 1e-3 or "bias" in key


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_larger_than_the_data_is_all_of_the_data(rule: str) -> None:
    """160 training samples: one update per epoch either way, and the same one."""
    large, exact = (simulate({**SMALL, "rule": rule, "batch_size": size}) for size in (1000, 160))
    assert large.simulator.packs[0].world.step == exact.simulator.packs[0].world.step == 2
    for key, value in large.parameters().items():
        assert torch.equal(torch.from_numpy(value), torch.from_numpy(exact.parameters()[key]))


def test_a_comparison_puts_both_beside_a_tuned_surrogate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference's test scores are those of a run of its own at the chosen rate; differences are paired with it."""
    monkeypatch.chdir(tmp_path)
    words = ("rules=eprop,decolle", "neuron=lif", "data=digits", "data.limit=160", "batch_size=32", "network.hidden=[8]", "epochs=2")
    answer = command("compare", *words, "neuron.steps=6", "seeds=2", "grid=[1,4]", "workers=0", "probes=[]", "--json")
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    surrogate, eprop, decolle = found["rows"]
    assert found["reference"] == surrogate["rule"] == "surrogate" and surrogate["tuning"]["rates"] == pytest.approx([2e-3, 8e-3])
    assert {row["neuron"] for row in found["rows"]} == {"lif"} and not any(row["error"] for row in found["rows"])
    alone = simulate({**SMALL, "rule": "surrogate", "seeds": 2, "rule.lr": surrogate["lr"]}).summary["test_accuracy"]["values"]
    assert surrogate["accuracy"]["values"] == alone
    for row in (eprop, decolle):
        expected = sum(a - b for a, b in zip(row["accuracy"]["values"], alone)) / 2
        assert row["difference_to_bp"]["mean"] == pytest.approx(expected, abs=1e-12)
    shown = command("compare", *words, "neuron.steps=6", "seeds=2", "grid=[1,4]", "workers=0", "probes=[]")
    assert "vs surrogate" in shown.out and "vs bp" not in shown.out


@pytest.mark.parametrize("rule", RULES)
def test_an_audit_of_a_spiking_rule_ends_in_a_card(rule: str) -> None:
    answer = command("audit", f"rule={rule}", "--json")
    assert answer.code == 0, answer.err
    card = json.loads(answer.out)
    assert card["rule"] == rule and card["weight_transport"] is (rule == "surrogate")
