"""Runs of perforated dendrites as a user starts them: XOR, the wrapped rule, the controls beside a run, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from driving import command

from bioplaus import api

PLAIN: dict[str, Any] = {"network.hidden": [4], "run.save": False, "run.figures": False, "probes": []}
SMALL: dict[str, Any] = {"rule": "perforated", "rule.controls": False, **PLAIN}


def test_without_a_switch_it_is_the_rule_that_it_wraps() -> None:
    keys = {"data": "digits", "data.limit": 300, "data.standardise": "none", "network.bias": True, "neuron": "tanh", "epochs": 3, "seeds": 2}
    keys |= {"plasticity": "sgd", "plasticity.clip": "none", "rule.lr": 0.1, "batch_size": 32}
    own = api.simulate({**SMALL, **keys, "rule.switch_mode": "none", "data.split": "random"})
    plain = api.simulate({"rule": "bp", **keys, **PLAIN})
    a, b = (one.simulator.packs[0].world.params for one in (own, plain))
    assert set(b) <= a.keys()
    for key, value in b.items():
        assert torch.equal(value, a[key]), key


def test_xor_needs_one_dendrite() -> None:
    """One neuron cannot: its best loss is ln 2. With one dendrite every seed solves it, at a correlation near 1/sqrt(3)."""
    found = api.simulate({**SMALL, "data": "xor", "network.hidden": [], "seeds": 5, "rule.max_dendrites": 1, "epochs": 1700}).summary["cycles"]
    assert found[0]["dendrites"] == 0 and found[0]["train_loss"] == pytest.approx(math.log(2), abs=1e-3) and found[0]["train_accuracy"] < 0.8
    assert found[1]["dendrites"] == 1 and found[1]["train_accuracy"] == 1.0
    assert found[1]["rho"][0] == pytest.approx(1 / math.sqrt(3), abs=0.02)


def test_controls_stand_beside_a_run(tmp_path: Path) -> None:
    keys = {"data": "digits", "epochs": 60, "rule.n_epochs_max": 15, "rule.p_epochs": 5, "rule.max_dendrites": 1, "seeds": 2}
    found = api.simulate({"rule": "perforated", **keys, "run.figures": False, "run.root": str(tmp_path)}).summary
    assert set(found["controls"]) == {"continued", "random", "gd", "no_perforation", "width_matched"}
    assert all(len(one["accuracy"]["ci95"]) == 2 for one in found["controls"].values())
    assert [cycle["parameters"] for cycle in found["cycles"]] == [310, 634]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rule.where=hidden", "network.hidden=[]"], "no layer of the network can grow dendrites"),
        (["rule.n_epochs_to_switch=50", "epochs=3"], "can never fire"),
        (["rule.error_source=ff"], "has no error for each neuron"),
        (["rule.error_source=nothing"], "is not a rule that can be wrapped"),
    ],
)
def test_bad_input(words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("simulate", "rule=perforated", "data=digits", "data.limit=200", *words)
    assert answer.code != 0 and says in answer.err and sum("bioplaus:" in line for line in answer.err.splitlines()) == 1
