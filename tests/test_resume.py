"""A run that was interrupted, killed or cut off in a write goes on as if nothing had happened, bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from driving import (
    Halting,
    check_same,
    command,
    folder,
    interrupted,
    kept,
    process,
    reopened,
    started,
    to_the_end,
    without_clock,
)

from bioplaus.progress import Silent
from bioplaus.simulator import Interrupted

CONV = {"network": "cnn5", "network.channels": [3, 4], "network.norm": "batch", "data.limit": 48, "batch_size": 16}
PROBES = ["angle", "feedback", "cka", "updates", "dead"]
SPIKING = {"neuron.steps": 6, "probes": ["spikes"]}
DEVICES = {"plasticity": "memristor"}
SETTINGS: dict[str, dict[str, Any]] = {
    "bp, plain": {"rule": "bp"},
    "bp, momentum, float64": {"rule": "bp", "plasticity.momentum": 0.9, "dtype": "float64"},
    "devices, refresh and noise": {"rule": "bp", **DEVICES, "plasticity.device": "pcm", "plasticity.read_noise": 0.01, "seeds": 2},
    "devices, trains of pulses": {"rule": "bp", **DEVICES, "plasticity.pulses": "stochastic", "plasticity.clip": "none"},
    "ccl, adam, cosine": {"rule": "ccl", "plasticity": "adam", "rule.lr": 0.01, "plasticity.schedule": "cosine", "plasticity.warmup": 7},
    "two seeds in one pack": {"rule": "ccl", "seeds": 2, "run.pack": "2"},
    "two seeds in two packs": {"rule": "ccl", "seeds": 2, "run.pack": "1", "plasticity.momentum": 0.5},
    "dendrites that grow": {"rule": "perforated", "rule.switch_mode": "every_epoch", "rule.controls": False, "seeds": 2, "run.pack": "1"},
    "units that grow one by one": {
        "rule": "cascor",
        "network": "cascade",
        "batch_size": 1000,
        "epochs": 9,
        **{f"rule.{phase}_{what}": value for phase in ("output", "candidate") for what, value in (("patience", 1), ("improvement", 1e6))},
        "seeds": 2,
        "run.pack": "2",
    },
    "probes every epoch": {"rule": "ccl", "seeds": 2, "run.pack": "1", "probes": PROBES},
    "probes every three updates": {"rule": "bp", "probes": PROBES, "probe_every": 3},
    "conv net, batch norm": {"rule": "bp", **CONV},
    "conv net, batch norm, ccl, augmented": {"rule": "ccl", "data.augment": "flip_crop", "epochs": 2, **CONV},
    "spikes of random codes, learned decays": {
        "rule": "surrogate",
        "neuron.steps": 5,
        "neuron.learn_tau": True,
        "data.encode": "rate",
        "seeds": 2,
        "run.pack": "1",
        "probes": ["spikes"],
        "probe_every": 3,
    },
    "eprop, regulariser, one pack": {"rule": "eprop", "seeds": 2, "run.pack": "2", "rule.reg": 0.1, "dtype": "float64", **SPIKING},
    "eprop, recurrent, step by step": {"rule": "eprop", "rule.form": "stepwise", "network.recurrent": True, **SPIKING},
    "decolle": {"rule": "decolle", **SPIKING},
    "compiled network of spiking cells": {
        "rule": "stdp",
        "network": "diehl_cook",
        "network.neurons": 6,
        "network.image_time": 60.0,
        "network.most_tries": 2,
        "network.window": 50,
        "seeds": 2,
    },
    "pulses on devices, each its own": {
        "rule": "memristor",
        "network": "neurosim",
        "network.units": 8,
        "network.nl_spread": 0.3,
        "network.read_noise": 0.02,
        "data.draws": 150,
        "seeds": 2,
    },
    "tasks in sequence, moments start anew": {
        "rule": "fa",
        "data": "permuted_digits",
        "tasks": 3,
        "epochs": 1,
        "seeds": 2,
        "run.pack": "1",
        "plasticity.momentum": 0.5,
        "fresh_optimiser": True,
    },
    "one seed diverges": {"seeds": 2, "rule.lr": [0.1, 1e30], "plasticity.clip": "none", "run.pack": "2"},
}


@pytest.mark.parametrize("at", [1, 5, 7])
@pytest.mark.parametrize("name", SETTINGS)
def test_interrupted_run_is_the_uninterrupted_one(name: str, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """5 updates per epoch (3 for the conv net): interruption within, at the end of, and beyond the first epoch."""
    monkeypatch.chdir(tmp_path)
    given = SETTINGS[name]
    whole = started(given)
    result = to_the_end(whole)
    path = interrupted(given, min(at, 5) if "conv" in name else at)
    again = to_the_end(reopened(path))
    check_same(folder(whole), path)
    assert without_clock(result.summary) == without_clock(again.summary)
    assert again.metrics.equals(result.metrics)


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("rate", [1e30, 1e39])
def test_interrupted_around_the_step_of_a_divergence(rate: float, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"seeds": 2, "rule.lr": [0.1, rate], "plasticity.clip": "none", "run.pack": "2"}
    whole = started(given)
    result = to_the_end(whole)
    path = interrupted(given, at)
    again = to_the_end(reopened(path))
    check_same(folder(whole), path)
    assert again.summary["stopped_at"] == result.summary["stopped_at"] == [None, 1]


def test_interrupted_twice_and_with_sparse_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"rule": "ccl", "seeds": 2, "run.pack": "1", "run.checkpoint_every": 2, "probes": ["angle"], "probe_every": 2}
    whole = started(given)
    to_the_end(whole)
    path = interrupted(given, 4, pack=1)
    second = reopened(path)
    assert [pack.world.step for pack in second.packs] == [5, 4]  # the first pack had finished its epoch
    second.engine = Halting(second, 12)
    with pytest.raises(Interrupted):
        second.run()
    to_the_end(reopened(path))
    check_same(folder(whole), path)


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.mark.parametrize("first_stop", [None, 4])
def test_killed_at_any_write(first_stop: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the run off before each of its renames in turn; what is on disk then must resume to the same end."""
    monkeypatch.chdir(tmp_path)
    given = {"rule": "ccl", "seeds": 2, "run.pack": "1", "epochs": 2, "probes": ["angle"], "probe_every": 5, "data.limit": 320}
    given |= {"batch_size": 64}
    whole = started(given)
    to_the_end(whole)
    real, left = os.replace, 0

    def failing(source: Any, target: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        real(source, target)

    for allowed in range(100):
        # with a first stop: already interrupted once, in the second pack's first epoch
        simulator = started(given) if first_stop is None else reopened(interrupted(given, first_stop, pack=1))
        left = allowed
        monkeypatch.setattr(os, "replace", failing)
        try:
            to_the_end(simulator)
            finished = True
        except Killed:
            finished = False
        monkeypatch.setattr(os, "replace", real)
        if finished:
            break
        to_the_end(reopened(folder(simulator)))
        check_same(folder(whole), folder(simulator))
    assert finished and allowed >= 8  # metrics, best and last, twice; metrics and summary


class Seventh(Silent):
    """Is killed between two updates, within the second epoch."""

    def __init__(self) -> None:
        self.left = 7

    def update(self, done: int, text: str) -> None:
        self.left -= 1
        if not self.left:
            raise Killed


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_killed_within_an_epoch(seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a checkpoint between any two updates nothing is lost of the epoch; without, it is run again; either way to the same end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bioplaus.simulator.REPORT_EVERY", 0.0)
    given = {"rule": "ccl", "seeds": 2, "run.pack": "1", "run.checkpoint_seconds": seconds, "plasticity.momentum": 0.5}
    whole, cut = started(given), started(given)
    result = to_the_end(whole)
    cut.progress = Seventh()
    with pytest.raises(Killed):
        cut.run()
    where = kept(folder(cut)).steps if seconds == 0 else None
    assert where == ([5, 1] if seconds == 0 else None)
    again = reopened(folder(cut))
    again_result = to_the_end(again)
    check_same(folder(whole), folder(cut))
    assert without_clock(again_result.summary) == without_clock(result.summary)
    assert len(again.training_seconds) == len(whole.training_seconds) == 3


def test_interrupted_before_the_first_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the untrained network is measured: saved at step 0, and epoch 0 is not measured twice."""
    monkeypatch.chdir(tmp_path)
    given = {"rule": "bp", "probes": ["angle"]}
    whole = started(given)
    to_the_end(whole)
    simulator = started(given)
    start = simulator._start

    def hurried() -> None:
        start()
        simulator._interrupt()

    monkeypatch.setattr(simulator, "_start", hurried)
    with pytest.raises(Interrupted):
        simulator.run()
    to_the_end(reopened(folder(simulator)))
    check_same(folder(whole), folder(simulator))


def test_interrupted_at_the_very_last_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All updates are done, but the last epoch is not yet measured; its probes are."""
    monkeypatch.chdir(tmp_path)
    given = {"rule": "bp", "probes": ["angle"], "probe_every": 2}
    whole = started(given)
    to_the_end(whole)
    path = interrupted(given, 15)
    to_the_end(reopened(path))
    check_same(folder(whole), path)


class Cut(Silent):
    """Cuts the run off the moment it begins."""

    def start(self, total: int, done: int, title: str) -> None:
        raise KeyboardInterrupt


def test_killed_before_the_first_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    whole, cut = started({"rule": "ccl"}), started({"rule": "ccl"})
    to_the_end(whole)
    cut.progress = Cut()
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    assert not any((folder(cut) / "checkpoints").iterdir())
    answer = command("resume", str(folder(cut)), "--json")
    assert answer.code == 0 and json.loads(answer.out)["run_dir"] == str(folder(cut))
    check_same(folder(whole), folder(cut))


def _wait_for_checkpoint(root: Path, run: subprocess.Popen[str]) -> Path:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and run.poll() is None:
        found = list(root.glob("runs/*/checkpoints/last.safetensors"))
        if found:
            return found[0].parent.parent
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint: {run.communicate()}")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill -9"])
def test_signals(sign: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["rule=ccl", "network.hidden=[8]", "epochs=40", "probes=[dead]", "run.figures=false", "seeds=2", "run.pack=1"]
    run = process("simulate", *words, "--json", cwd=tmp_path)
    path = _wait_for_checkpoint(tmp_path, run)
    run.send_signal(sign)
    out, err = run.communicate(timeout=60)
    assert out == "" and not (path / "summary.json").exists()
    if sign == signal.SIGINT:
        assert run.returncode == 130
        assert err.splitlines()[-1].startswith("bioplaus: interrupted") and f"bioplaus resume {path}" in err
    else:
        assert run.returncode == -signal.SIGKILL
    monkeypatch.chdir(tmp_path)
    stopped = kept(path)
    assert stopped.epoch < 40
    resumed = command("resume", str(path), "--json")
    whole = command("simulate", *words, "--json")
    assert (resumed.code, whole.code) == (0, 0)
    one, two = json.loads(resumed.out), json.loads(whole.out)
    assert without_clock(one) == without_clock(two)
    check_same(path, Path(two["run_dir"]))
