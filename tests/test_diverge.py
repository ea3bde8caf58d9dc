"""Numbers that stop being finite: that replica stops, the others go on as if alone, and the user is told where and what to try."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from driving import TINY, TINY_WORDS, command, same_bits

from bioplaus import simulate
from bioplaus.errors import RunError

WILD = {**TINY, "seeds": 2, "rule.lr": [0.1, 1e30], "plasticity.clip": "none", "run.save": False}


@pytest.mark.parametrize("pack", ["1", "2"])
@pytest.mark.parametrize("plasticity", ["sgd", "adam"])
def test_survivor_is_its_single_run(pack: str, plasticity: str) -> None:
    """Packed together the products may round differently, alone in its pack nothing may differ."""
    wild = {**WILD, "plasticity": plasticity, "run.pack": pack}
    if plasticity == "adam":  # Adam divides a rate of 1e30 away from the change, so that only the weights run off
        wild["rule.lr"] = [0.01, 1e38]
    both, alone = simulate(wild), simulate({**wild, "seeds": 1, "rule.lr": wild["rule.lr"][0]})  # type: ignore[index]
    mine, single = both.parameters(0), alone.parameters(0)
    for key in single:
        assert torch.allclose(torch.tensor(mine[key]), torch.tensor(single[key]), rtol=1e-5, atol=1e-7)
        assert pack == "2" or same_bits(torch.tensor(mine[key]), torch.tensor(single[key]))
    for score in ("test_accuracy", "validation_accuracy"):
        assert both.summary[score]["values"][0] == alone.summary[score]["values"][0]
    assert both.summary["stopped_at"][0] is None and both.summary["stopped_at"][1] is not None
    assert alone.summary["stopped_at"] is None


def test_survivor_is_the_second_seed_too() -> None:
    both = simulate({**WILD, "rule.lr": [1e30, 0.1], "run.pack": "1"})
    alone = simulate({**WILD, "seeds": 1, "seed": 1, "rule.lr": 0.1})
    assert both.summary["test_accuracy"]["values"][1] == alone.summary["test_accuracy"]["values"][0]
    assert both.summary["stopped_at"][1] is None


def test_step_at_which_it_stopped() -> None:
    """A rate of 1e39 is infinite in float32: the first update (step 0) spoils the weights, and the loss of step 1 shows it."""
    result = simulate({**WILD, "rule.lr": [0.1, 1e39], "run.pack": "1"})
    assert result.summary["stopped_at"] == [None, 1]


def test_weights_that_break_in_the_last_update_count_too() -> None:
    """No later loss shows it: the weights themselves are looked at."""
    result = simulate({**WILD, "rule.lr": [0.1, 1e39], "steps": 1, "run.pack": "1"})
    assert result.summary["stopped_at"] == [None, 0]


def test_summary_has_no_nan_and_says_what_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = (*TINY_WORDS, "seeds=2", "rule.lr=[0.1,1e30]", "plasticity.clip=none")
    answer = command("simulate", *words, "--json")
    assert answer.code == 0 and "NaN" not in answer.out and "Infinity" not in answer.out
    summary = json.loads(answer.out)
    step = summary["stopped_at"][1]
    told = [line for line in answer.err.splitlines() if line.startswith("bioplaus: seed 1 ")]
    assert len(told) == 1 and f"step {step}:" in told[0] and "rule.lr" in told[0] and "plasticity.clip" in told[0]
    assert not any(line.startswith("bioplaus: seed 0") for line in answer.err.splitlines())
    table = command("simulate", *words)
    assert table.code == 0 and f"1 (stopped at update {step})" in table.out
    for verb in ("evaluate", "plot"):
        assert command(verb, summary["run_dir"]).code == 0


def test_training_goes_on_for_the_survivor_only() -> None:
    result = simulate({**WILD, "run.pack": "2"})
    rows = [row for row in result.metrics.to_pylist() if row["split"] == "train" and row["metric"] == "loss" and row["epoch"] == 3]
    assert {row["seed"]: row["value"] is None for row in rows} == {0: False, 1: True}


def test_all_diverged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = (*TINY_WORDS, "seeds=2", "rule.lr=1e30", "plasticity.clip=none")
    answer = command("simulate", *words, "--json")
    assert answer.code == 1 and answer.out == ""
    last = answer.err.splitlines()[-1]
    assert last.startswith("bioplaus: every seed") and "at step" in last and "rule.lr" in last
    (path,) = (tmp_path / "runs").iterdir()
    assert not (path / "summary.json").exists() and (path / "metrics.parquet").exists()
    again = command("resume", str(path))
    assert again.code == 1 and "rule.lr" in again.err and not (path / "summary.json").exists()


def test_all_diverged_in_the_last_epoch_is_a_failure_when_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = (*TINY_WORDS, "steps=5", "rule.lr=1e30", "plasticity.clip=none")
    assert command("simulate", *words).code == 1
    (path,) = (tmp_path / "runs").iterdir()
    assert command("resume", str(path)).code == 1


def test_all_diverged_in_python() -> None:
    with pytest.raises(RunError, match="at step 1"):
        simulate({**WILD, "seeds": 1, "rule.lr": 1e39})
