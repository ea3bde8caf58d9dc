"""Normalisations of each task's own: an old task is read with what it left, written out in NumPy; who may not have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from driving import command

from bioplaus import config, data
from bioplaus.sequence import accuracy_matrices
from bioplaus.simulator import Simulator

RUN: dict[str, Any] = {"rule": "bp", "data": "permuted_digits", "tasks": 3, "epochs": 3, "network.hidden": [12], "network.norm": "batch"}
RUN |= {"neuron": "relu", "dtype": "float64", "data.limit": 300, "probes": [], "run.save": False, "seeds": 2, "run.pack": "2"}
NORM = ("gain", "shift", "mean", "variance")


def ran(**given: Any) -> Simulator:
    settings = config.resolve({**RUN, **given})
    simulator = Simulator(settings, data.load(settings.data, settings.seed_list, 3))
    simulator.run()
    return simulator


def normalisation(simulator: Simulator, r: int) -> dict[str, np.ndarray[Any, Any]]:
    world = simulator.packs[0].world
    arrays = {**world.params, **world.buffers}
    return {name: arrays[f"forward/0/norm/{name}"][r].numpy() for name in NORM}


def accuracy(simulator: Simulator, r: int, norm: dict[str, np.ndarray[Any, Any]], task: int) -> float:
    """Of the last weights with some normalisation: x W1^T -> gain (z - mean)/sqrt(var + 1e-5) + shift -> max(0, .) W2^T."""
    params, splits = simulator.packs[0].world.params, [simulator.splits, *simulator.splits.later][task]
    w1, w2 = (params[f"forward/{i}/weight"][r].numpy() for i in (0, 1))
    z = splits.test_x.reshape(len(splits.test_x), -1).astype(np.float64) @ w1.T
    hidden = norm["gain"] * (z - norm["mean"]) / np.sqrt(norm["variance"] + 1e-5) + norm["shift"]
    return float(((np.maximum(hidden, 0) @ w2.T).argmax(1) == splits.test_y).mean())


def test_an_old_task_is_read_with_what_it_left() -> None:
    told, shared = ran(norm_per_task=True), ran()
    stages = [ran(steps=told.course.start(3 * (task + 1))) for task in range(2)]  # runs that stop where a task ends
    R, plain = (accuracy_matrices(one.recorder.rows, one.course, 2) for one in (told, shared))
    for r in range(2):
        for task in range(3):
            left = normalisation(stages[task] if task < 2 else told, r)
            assert R[r, 3, task] == pytest.approx(accuracy(told, r, left, task), abs=1e-12)
            assert plain[r, 3, task] == pytest.approx(accuracy(told, r, normalisation(told, r), task), abs=1e-12)
    assert not np.array_equal(R[:, 3, 0], plain[:, 3, 0])  # the case tells the two apart
    # learning is the same, and so is what is read before a task has been left: tasks to come with what there is
    for key, value in told.packs[0].world.params.items():
        assert value.equal(shared.packs[0].world.params[key])
    np.testing.assert_array_equal(np.triu(R[0, 1:]), np.triu(plain[0, 1:]))


def test_the_summary_and_the_statement_say_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    monkeypatch.chdir(tmp_path)
    words = [f"{key}={str(value).replace(' ', '')}" for key, value in RUN.items() if key != "run.save"]
    found = json.loads(command("simulate", *words, "norm_per_task=true", "run.figures=false", "--json").out)
    assert found["test_accuracy"]["values"] == pytest.approx(found["average_accuracy"]["values"])
    assert any("told the task" in one for one in found["plausibility"]["violated"])
    again = json.loads(command("evaluate", found["run_dir"], "--json").out)
    assert again["test_accuracy"] == found["test_accuracy"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data=digits", "network.norm=batch"), "tasks=2 or more"),
        (("data=permuted_digits", "tasks=2"), "network.norm=batch"),
        (("data=permuted_digits", "tasks=2", "network.norm=batch", "network.dendrites=true"), "network.dendrites=false"),
    ],
)
def test_who_has_none_is_refused_in_one_line(words: tuple[str, ...], said: str) -> None:
    answer = command("simulate", "rule=bp", "norm_per_task=true", *words)
    assert answer.code == 2 and said in answer.err and answer.err.count("\n") == 1
