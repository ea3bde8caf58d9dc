"""``bioplaus convert``: what is written agrees with the run and with itself; what is wrong is known before the work."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from driving import TINY
from safetensors.torch import load_file

from bioplaus import api, simulate
from bioplaus.errors import ConfigError, RunError
from bioplaus.spiking.convert_run import convert_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """A relu network that has learnt something, two seeds in packs of their own."""
    keys = {**TINY, "network.bias": True, "network.hidden": [24, 12], "epochs": 12, "run.root": str(folder / "relu"), "run.pack": "1"}
    found = simulate({**keys, "rule": "bp", "neuron": "relu", "seeds": 2, "data.standardise": "none"}).run_dir
    assert found is not None
    return found


def test_what_is_written(run: Path, tmp_path: Path) -> None:
    found = convert_run(run, 60, out=tmp_path / "deep" / "er")
    values, summary = found.values, api.load(run).summary
    assert [path.name for path in found.files] == ["conversion.json", "conversion.safetensors", "conversion.png"]
    assert json.loads(found.files[0].read_text()) == json.loads(json.dumps(values))
    assert values["network_accuracy"] == summary["test_accuracy"] and summary["test_accuracy"]["mean"] > 0.5
    kept = load_file(found.files[1])
    for name, one in values["balances"].items():
        assert len(one["accuracy_over_time"]) == 60 and len(one["firing_rate"]) == 2
        assert one["accuracy_over_time"][-1] == pytest.approx(one["accuracy"]["mean"])
        assert one["gap"] == pytest.approx(summary["test_accuracy"]["mean"] - one["accuracy"]["mean"])
        assert abs(one["gap"]) < 0.03 and one["accuracy_over_time"][0] < 0.5  # as good in the end, not at the start
        a, b = one["accuracy"]["values"]
        assert one["error_over_time"][-1] == pytest.approx(np.std([a, b], ddof=1) / np.sqrt(2))
        keys = {f"{name}/{seed}/spiking/{layer}/{leaf}" for seed in (0, 1) for layer in (0, 1, 2) for leaf in ("weight", "bias")}
        assert keys == {key for key in kept if key.startswith(name)}
    largest = kept["max/0/spiking/0/weight"], kept["max/1/spiking/0/weight"]
    assert not torch.equal(*largest)


def test_one_balance_of_the_selected_weights(run: Path, tmp_path: Path) -> None:
    """The first layer's weights are those that the run selected, over its largest activation on the training samples."""
    found = convert_run(run, 4, "max", tmp_path)
    assert list(found.values["balances"]) == ["max"]
    result = api.load(run)
    selected, x = result.parameters(seed=1), result.simulator.feeds.train.x.flatten(1).numpy()
    largest = (x @ selected["forward/0/weight"].T + selected["forward/0/bias"]).max()
    kept = load_file(tmp_path / "conversion.safetensors")["max/1/spiking/0/weight"][0].numpy()
    np.testing.assert_allclose(kept, selected["forward/0/weight"] / largest, rtol=1e-5)


def test_the_sentence_says_which_way(run: Path, tmp_path: Path) -> None:
    found = convert_run(run, 3, "robust", tmp_path)
    gap = 100 * found.values["balances"]["robust"]["gap"]
    assert f"{abs(gap):.2f} points {'below' if gap >= 0 else 'above'}" in found.text and "spiking after 3 steps" in found.text


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, 10_001])
def test_steps_out_of_range(steps: Any, run: Path) -> None:
    with pytest.raises(ConfigError, match="must be a whole number >= 1|it must be <= 10000"):
        convert_run(run, steps)


def test_balance_and_place_are_checked_before_the_work(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bioplaus.spiking.convert_run.convert", lambda *_: pytest.fail("converted"))
    with pytest.raises(ConfigError, match="balance=foo is not known; choose both, robust or max"):
        convert_run(run, balance="foo")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot make the folder .*file: File exists; choose another with out=DIR"):
        convert_run(run, out=tmp_path / "file")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(RunError, match="Permission denied; choose another"):
        convert_run(run, out=tmp_path / "closed")
