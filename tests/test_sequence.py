"""Tasks in sequence: numbers worked out by hand, what a rule meets in which order, packs, kills, and plain backprop written out in NumPy."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from driving import check_same, command, folder, kept, process, reopened, started, to_the_end, without_clock
from torch import Tensor

from bioplaus import config, data, registry, simulate
from bioplaus.course import Course
from bioplaus.data.base import Splits
from bioplaus.errors import ConfigError, RunError
from bioplaus.progress import Silent
from bioplaus.rules.base import Learning
from bioplaus.rules.bp import Backprop
from bioplaus.sequence import accuracy_matrices, measures
from bioplaus.simulator import Simulator
from bioplaus.view import Edits, View

SMALL: dict[str, Any] = {"data": "permuted_digits", "tasks": 3, "epochs": 2, "rule": "bp"}


def test_the_five_numbers_by_hand() -> None:
    """Rows: before, after task 1, 2, 3."""
    R = np.array([[[0.1, 0.2, 0.1], [0.9, 0.3, 0.1], [0.95, 0.8, 0.5], [0.6, 0.7, 0.85]]])
    found = {key: float(value[0]) for key, value in measures(R).items()}
    assert found == pytest.approx(
        {
            "average_accuracy": (0.6 + 0.7 + 0.85) / 3,
            "forgetting": ((0.95 - 0.6) + (0.8 - 0.7)) / 2,  # from the best it ever was, not from when it was learned
            "backward_transfer": ((0.6 - 0.9) + (0.7 - 0.8)) / 2,
            "forward_transfer": ((0.3 - 0.2) + (0.5 - 0.1)) / 2,
            "learning_accuracy": (0.9 + 0.8 + 0.85) / 3,
        }
    )


def test_rows_of_a_run_become_one_matrix_per_seed() -> None:
    """Two packs of one seed each, three tasks of two epochs; the run was cut off in the third."""
    rows: list[Any] = []
    for epoch, base in ((0, 0.0), (2, 0.1), (4, 0.2), (5, 0.3)):
        for seed in (0, 0):  # a seed may come twice
            for task in range(3):
                rows.append((epoch, 0, seed, "test", "task_accuracy", task, base + 0.01 * task + 0.5 * (len(rows) % 6 > 2)))
        rows.append((epoch, 0, 0, "validation", "task_accuracy", 0, 9.0))
        rows.pop()
    rows[4] = (*rows[4][:6], None)
    found = accuracy_matrices(rows, Course((5, 5, 5), 2, 25), 2)
    assert found.shape == (2, 4, 3)
    np.testing.assert_allclose(found[0], [[0, 0.01, 0.02], [0.1, 0.11, 0.12], [0.2, 0.21, 0.22], [0.3, 0.31, 0.32]])
    assert np.isnan(found[1, 0, 1]) and found[1, 3, 2] == pytest.approx(0.82)


class Seen(Backprop):
    """Backprop that notes what it meets."""

    met: list[tuple[str, Any]]

    def learn(self, view: View) -> Learning:
        Seen.met.append(("learn", (view.clock.task, view.clock.epoch, view.clock.steps_per_epoch, set(view.batch.y.flatten().tolist()))))
        return super().learn(view)

    def boundary(self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]) -> Edits | None:
        labels = {int(y) for batch in feed() for y in batch.y.flatten()}
        Seen.met.append((event, (view.clock.task, view.clock.epoch, labels)))
        return None


def test_a_rule_meets_the_tasks_in_order_and_the_boundary_between_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Seen.met = []
    with registry.RULES.lent("bp", Seen):
        settings = config.resolve(
            {"data": "split_digits", "tasks": 5, "epochs": 2, "network.hidden": [4], "probes": [], "run.save": False, "rule": "bp"}
        )
        Simulator(settings, data.load(settings.data, (0,), 5)).run()
    events = [(name, what) for name, what in Seen.met if name != "learn"]
    everything = [{2 * t, 2 * t + 1} for t in range(5)]
    wanted: list[Any] = [("start", (0, 0, everything[0]))]
    for task in range(5):
        wanted += [("epoch", (task, 2 * task + 1, everything[task]))]
        # what comes is shown by the clock, what was learned by the samples
        wanted += [("epoch", (min(task + 1, 4), 2 * task + 2, everything[task]))]
        wanted += [("task", (task + 1, 2 * task + 2, everything[task]))] if task < 4 else []
    assert events == [*wanted, ("end", (4, 10, everything[4]))]
    for task, epoch, per_epoch, labels in (what for name, what in Seen.met if name == "learn"):
        assert labels <= everything[task] and epoch // 2 == task
        images = sum(1 for y in _labels() if y in everything[task])
        assert per_epoch == -(-images // settings.top.batch_size)


def _labels() -> list[int]:
    return data.load(config.resolve({"data": "digits"}).data).train_y.tolist()  # type: ignore[no-any-return]


def _by_hand(tasks: list[Splits], order: list[Any], w: Any, rate: float, batch: int, momentum: float, *, fresh: bool) -> list[list[float]]:
    """Softmax regression by gradient descent, one task after the other, and accuracies after each."""
    velocity, found, epoch = np.zeros_like(w), [], 0
    for one in tasks:
        if fresh:
            velocity = np.zeros_like(w)
        x, y = one.train_x.reshape(len(one.train_x), -1).astype(np.float64), one.train_y
        for _ in range(2):
            for rows in np.split(order[epoch], range(batch, len(x), batch)):
                z = x[rows] @ w.T
                p = np.exp(z - z.max(1, keepdims=True))
                p /= p.sum(1, keepdims=True)
                velocity = momentum * velocity + (np.eye(10)[y[rows]] - p).T @ x[rows] / len(rows)
                w = w + rate * velocity
            epoch += 1
        scores = [((t.test_x.reshape(len(t.test_x), -1) @ w.T).argmax(1) == t.test_y).mean() for t in tasks]
        found.append([float(s) for s in scores])
    return found


@pytest.mark.parametrize("fresh", [False, True])
def test_a_single_layer_equals_gradient_descent_written_out(fresh: bool) -> None:
    given = {"network.hidden": [], "dtype": "float64", "rule.lr": 0.05, "plasticity.clip": "none", "plasticity.momentum": 0.9, "batch_size": 50}
    settings = config.resolve({**SMALL, **given, "data.limit": 120, "fresh_optimiser": fresh, "probes": [], "run.save": False})
    splits = data.load(settings.data, (0,), 3)
    simulator = Simulator(settings, splits)
    start = simulator.packs[0].world.params["forward/0/weight"][0].numpy().copy()
    order = [simulator.feeds.train.order(simulator.packs[0].model.streams, epoch)[0].numpy() for epoch in range(6)]
    simulator.run()
    tasks = [splits, *splits.later]
    wanted = _by_hand(tasks, order, start, 0.05, 50, 0.9, fresh=fresh)
    found = accuracy_matrices(simulator.recorder.rows, simulator.course, 1)[0, 1:]
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    other = _by_hand(tasks, order, start, 0.05, 50, 0.9, fresh=not fresh)
    assert other != wanted  # the case tells the two apart


def test_the_summary_holds_the_matrix_and_its_last_row_is_the_test_accuracy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = to_the_end(started({**SMALL, "seeds": 2, "run.pack": "1", "data.validation": 0.2}))
    s = result.summary
    values = np.array(s["accuracy_matrix"]["values"])
    assert values.shape == (2, 3, 3) and np.array(s["accuracy_matrix"]["mean"]).shape == (3, 3)
    np.testing.assert_allclose(values[:, 2].mean(1), s["test_accuracy"]["values"])
    np.testing.assert_allclose(s["average_accuracy"]["values"], s["test_accuracy"]["values"])
    assert s["plasticity"] == "sgd"  # the component's name stays what it is
    assert s["selected_epoch"] == [6, 6] and s["tasks"] == 3 and s["train_samples"] == 3 * 160
    assert "forgetting" in s["report"] and "no epoch to choose" in s["report"]
    validated = [row for row in result.simulator.recorder.rows if row[3] == "validation" and row[4] == "task_accuracy"]
    assert len(validated) == 7 * 2 * 3  # every task after every epoch, and before the first
    assert {p.name for p in result.plot(tmp_path / "figures")} >= {"tasks_over_time.png", "accuracy_matrix.png"}
    json.dumps(s, allow_nan=False)
    answer = command("evaluate", str(folder(result.simulator)), "--json")
    assert json.loads(answer.out)["test_accuracy"]["values"] == s["test_accuracy"]["values"]


def test_a_pack_holds_what_single_runs_find() -> None:
    def run(**given: Any) -> Simulator:
        small = {**SMALL, "network.hidden": [8], "data.limit": 96, "dtype": "float64", "probes": [], "run.save": False}
        settings = config.resolve({**small, **given})
        simulator = Simulator(settings, data.load(settings.data, settings.seed_list, 3))
        simulator.run()
        return simulator

    pack = run(seeds=2, **{"run.pack": "2"})
    both = accuracy_matrices(pack.recorder.rows, pack.course, 2)
    for seed in (0, 1):
        single = run(seed=seed)
        np.testing.assert_array_equal(accuracy_matrices(single.recorder.rows, single.course, 1)[0], both[seed])
        for key, value in single.packs[0].world.params.items():
            torch.testing.assert_close(pack.packs[0].world.params[key][seed], value[0], rtol=0, atol=1e-12)


class Told(Silent):
    """Remembers where it was told to be."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def update(self, done: int, text: str) -> None:
        self.places.append(text.split("  ")[0])


def test_progress_names_the_task() -> None:
    told = Told()
    simulate({**SMALL, "network.hidden": [8], "data.limit": 200, "run.save": False, "probes": []}, progress=told)
    tasks = [place.partition(", ")[0] for place in told.places]
    assert tasks == ["task 1 of 3"] * 2 + ["task 2 of 3"] * 2 + ["task 3 of 3"] * 2, told.places


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class InTheThird(Silent):
    """Is killed between two updates of the third task."""

    def update(self, done: int, text: str) -> None:
        if done >= 23:
            raise Killed


@pytest.mark.parametrize("own", [{}, {"network.norm": "batch", "norm_per_task": True}])
def test_killed_within_the_third_task(own: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bioplaus.simulator.REPORT_EVERY", 0.0)
    given = {**SMALL, "run.checkpoint_seconds": 0.0, "plasticity.momentum": 0.5, "fresh_optimiser": True, **own}
    whole, cut = started(given), started(given)
    result = to_the_end(whole)
    cut.progress = InTheThird()
    with pytest.raises(Killed):
        cut.run()
    assert kept(folder(cut)).steps == [22]  # 5 updates an epoch, 10 a task
    again = to_the_end(reopened(folder(cut)))
    check_same(folder(whole), folder(cut))
    assert without_clock(again.summary) == without_clock(result.summary)


def test_kill_9_in_the_third_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["rule=bp", "data=permuted_digits", "tasks=3", "network.hidden=[8]", "epochs=20", "probes=[]", "run.figures=false", "data.limit=200"]
    run = process("simulate", *words, "--json", cwd=tmp_path)
    deadline, stopped = time.monotonic() + 120, None
    while time.monotonic() < deadline and run.poll() is None and stopped is None:
        time.sleep(0.02)
        found = list(tmp_path.glob("runs/*/checkpoints/last.safetensors"))
        try:
            epoch = kept(found[0].parent.parent).epoch if found else 0
        except RunError:  # it was replaced while it was read
            continue
        if epoch >= 41:
            run.send_signal(signal.SIGKILL)
            stopped = found[0].parent.parent
    run.communicate(timeout=60)
    assert stopped is not None and run.returncode == -signal.SIGKILL and 41 <= kept(stopped).epoch < 60
    monkeypatch.chdir(tmp_path)
    resumed = json.loads(command("resume", str(stopped), "--json").out)
    whole = json.loads(command("simulate", *words, "--json").out)
    assert without_clock(resumed) == without_clock(whole)
    check_same(stopped, Path(whole["run_dir"]))


def test_a_seed_that_diverged_has_no_accuracies() -> None:
    given = {"seeds": 2, "rule.lr": [0.1, 1e30], "plasticity.clip": "none", "run.pack": "2", "run.save": False, "probes": []}
    settings = config.resolve({**SMALL, **given, "network.hidden": [8], "data.limit": 96})
    simulator = Simulator(settings, data.load(settings.data, settings.seed_list, 3))
    simulator.run()
    found = accuracy_matrices(simulator.recorder.rows, simulator.course, 2)
    assert np.isfinite(found[0]).all() and np.isnan(found[1, 1:]).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data=digits", "tasks=2"), "data=digits is one task"),
        (("data=permuted_digits", "tasks=2", "iterations=9"), "give epochs"),
        (("data=split_digits", "tasks=4"), "cannot be shared out"),
    ],
)
def test_what_cannot_be_a_sequence_is_refused_in_one_line(words: tuple[str, ...], said: str) -> None:
    answer = command("simulate", "rule=bp", *words)
    assert answer.code == 2 and said in answer.err and answer.err.count("\n") == 1


def test_a_later_task_may_be_smaller_than_a_batch() -> None:
    """One full batch per epoch of each task: 2 x 3 updates, and a summary."""
    keys = {"rule": "vcl_binary", "data": "teacher", "network": "perceptron", "data.N": 31, "data.alpha_later": 0.5, "batch_size": 64}
    result = simulate({**keys, "data.checked": 20, "tasks": 2, "epochs": 3, "seeds": 2, "run.save": False})
    assert result.simulator.packs[0].world.step == 6 and len(result.simulator.feeds.train) == 16
    assert result.summary["flops_per_sample"] > 0 and len(result.summary["accuracy_matrix"]["mean"]) == 2


def test_a_seed_that_stops_counts_nowhere_in_a_sequence() -> None:
    """Rates of 1e30 end the second seed: mean accuracy over tasks is average accuracy, seed by seed."""
    overrides = {**SMALL, "run.save": False, "probes": [], "seeds": 2, "seed_step": 0, "rule.lr": [0.1, 1e30], "plasticity.clip": "none"}
    summary = simulate(overrides).summary
    assert summary["stopped_at"][0] is None and summary["stopped_at"][1] is not None
    values = summary["test_accuracy"]["values"]
    assert values[1] is None and values[0] == pytest.approx(summary["average_accuracy"]["values"][0])
    assert summary["average_accuracy"]["values"][1] is None


def test_a_rate_of_later_tasks_needs_later_tasks() -> None:
    with pytest.raises(ConfigError, match=r"plasticity.later=5 is the rate of later tasks; give tasks=2"):
        simulate({"rule": "bp", "plasticity.later": 5.0, "run.save": False})
