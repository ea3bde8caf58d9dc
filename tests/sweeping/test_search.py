"""A search: what it is told, what it breaks off, and that a kill does not change where it goes."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sweeping_kit import SMALL, results

from bioplaus.simulator import Interrupted
from bioplaus.sweeping import local
from bioplaus.sweeping.grammar import spaces
from bioplaus.sweeping.plan import make_plan, open_plan
from bioplaus.sweeping.run import Sweep, resume, run_plan
from bioplaus.sweeping.study import open_study

pytest.importorskip("optuna")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def search(**keys: Any) -> Sweep:
    words = {"rule.lr": "log(0.001,2)", "sampler": "tpe", "trials": 4, "prune": "none", "workers": 0, "rule": "bp"}
    return run_plan(make_plan(spaces({**SMALL, **words, **{key.replace("__", "."): value for key, value in keys.items()}})))


def trials(path: Path) -> list[Any]:
    return list(open_study(path, "none").trials)


def summaries(path: Path) -> list[dict[str, Any]]:
    """Return the summaries of all trials' runs, in order, as the simulator wrote them."""
    return [json.loads(file.read_text()) for file in sorted(path.glob("packs/*/run/*/summary.json"))]


@pytest.mark.parametrize(("by", "sampler"), [("accuracy", "tpe"), ("loss", "random")])
def test_a_trial_is_told_the_mean_validation_score_and_the_best_one_is_shown(by: str, sampler: str) -> None:
    found = search(by=by, sampler=sampler, seeds=2, rule="bp,top", network__hidden=([4], [6]), batch_size="range(16,33,16)")
    told, ran = trials(found.path), summaries(found.path)
    assert len(told) == len(ran) == len(found.cells) == 4
    for trial, summary in zip(told, ran):
        validation = summary["validation_accuracy" if by == "accuracy" else "validation_loss"]["values"]
        expected = statistics.mean(1 - v if by == "accuracy" else v for v in validation)
        assert trial.value == pytest.approx(expected, abs=1e-12)
        assert summary["rule"] == trial.params["rule"] and summary["seeds"] == [0, 1]
        assert 0.001 <= trial.params["rule.lr"] <= 2 and trial.params["batch_size"] in (16, 32)
        assert trial.params["network.hidden"] in ("[4]", "[6]")
    best = min(told, key=lambda trial: trial.value)
    assert found.best is not None and trials(found.path)[found.best["cell"]].value == best.value
    tested = ran[found.best["cell"]]["test_accuracy"]["values"]
    assert found.best["test_accuracy"]["values"] == tested


def test_a_search_that_is_interrupted_goes_where_it_would_have_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial under way is finished, the ones told before are not run again, and the next ones are the same."""
    whole = search(run__root="whole", trials=13)  # TPE draws from what it was told from the eleventh on
    assert len({trial.params["rule.lr"] for trial in trials(whole.path)}) == 13  # each draws from a seed of its own
    true, count = local.run_job, 0

    def cut(job: Any, tell: Callable[[float], None]) -> dict[str, Any]:
        nonlocal count
        count += 1
        if count == 12:
            raise KeyboardInterrupt
        return true(job, tell)

    monkeypatch.setattr(local, "run_job", cut)
    with pytest.raises(Interrupted, match="go on with: bioplaus resume"):
        search(trials=13)
    (path,) = Path("runs").iterdir()
    before = results(path)
    assert len(before) == 11 and len(trials(path)) == 12
    again = resume(path)
    assert [trial.params for trial in trials(path)] == [trial.params for trial in trials(whole.path)]
    assert {name: value for name, value in results(path).items() if name in before} == before
    assert [row["name"] for row in again.cells] == [row["name"] for row in whole.cells]


def test_more_trials_go_on_with_the_same_search() -> None:
    first = search(trials=2)
    before = [trial.params for trial in trials(first.path)]
    more = search(trials=3)
    assert more.path == first.path and [trial.params for trial in trials(first.path)][:2] == before and len(more.cells) == 3
    assert open_plan(first.path).options.trials == 3


def test_broken_off_is_who_is_worse_than_the_median_at_that_epoch() -> None:
    """Optuna's rule, worked out again from what was reported: the best so far against the median of the finished ones there, after five."""
    found = search(prune="median", by="loss", trials=12, epochs=4, rule__lr="log(0.0001,2)")
    told = trials(found.path)
    broken = [trial for trial in told if trial.state.name == "PRUNED"]
    assert broken and {row["cell"] for row in found.cells if row["pruned"] is not None} == {trial.number for trial in broken}
    for trial in told:
        complete = [other for other in told[: trial.number] if other.state.name == "COMPLETE"]
        worse = None
        for epoch in sorted(trial.intermediate_values) if len(complete) >= 5 else ():
            best = min(value for at, value in trial.intermediate_values.items() if at <= epoch)
            if best > statistics.median(other.intermediate_values[epoch] for other in complete):
                worse = epoch
                break
        assert (trial.state.name == "PRUNED") == (worse is not None)
        if worse is not None:
            assert max(trial.intermediate_values) == worse == found_pruned(found, trial.number)
    for number, summary in zip((t.number for t in told if t.state.name == "COMPLETE"), summaries(found.path)):
        assert min(told[number].intermediate_values.values()) == pytest.approx(summary["validation_loss"]["values"][0], rel=1e-6)
    assert found.best is not None and found.best["pruned"] is None


def found_pruned(found: Sweep, number: int) -> int:
    return int(next(row["pruned"] for row in found.cells if row["cell"] == number))
