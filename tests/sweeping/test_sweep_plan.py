"""What a sweep refuses before anything runs, each in one line that names the cell or the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from driving import command
from sweeping_kit import SMALL, words_of

from bioplaus.errors import ConfigError, RunError
from bioplaus.sweeping.grammar import parse
from bioplaus.sweeping.plan import FILE, Plan, make_plan, open_plan


def words_with(*words: str) -> list[str]:
    """The words of a small sweep, less those that are given anew."""
    given = {word.partition("=")[0] for word in words}
    return [*words_of({key: value for key, value in SMALL.items() if key not in given}), *words]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plan(*words: str) -> Plan:
    return make_plan(parse(words_with(*words)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rule=ccl,fa", "rule.lrr=1"], "rule=ccl: unknown key 'rule.lrr', did you mean 'rule.lr'"),
        (["rule=ccl,fa", "worker=3"], "unknown key 'worker', did you mean 'workers'?"),
        (["rule=ccl,nothing"], "rule=nothing: unknown rule 'nothing'"),
        (["rule=bp", "rule.lr=0.1,0.2,-1"], "rule.lr=-1: rule.lr=-1.0 is out of range"),
        (["rule=bp", "rule.lr=0.1,fast"], "rule.lr=fast: rule.lr=fast is not a number"),
        (["rule=ccl,fa", "rule.lr_feedback=1,2"], "rule=fa rule.lr_feedback=1: unknown key"),
        (["rule=bp", "rule.lr=0.1,1,0.10"], "rule.lr=0.1 is in the sweep twice; keep one"),
        (["rule=bp", "rule.lr=1,1.0"], "rule.lr=1.0 is in the sweep twice, as rule.lr=1; keep one"),
        (["rule=bp", "network.hidden=[8],[4],[8]"], r"network.hidden=\[8\] is in the sweep twice"),
        (["rule=bp", "seed=1,2,1"], "seed=1 is in the sweep twice"),
        (["rule=bp", "seed=1,2", "seeds=2"], "seed=1,2 names the seeds and seeds=2 counts them"),
        (["rule=bp", "seeds=2,3"], "seeds=2,3 has several values; it is a setting of the sweep itself, give one, or name seeds by seed=2,3"),
        (["rule=bp", "seeds=0"], "seeds=0 is not a whole number >= 1"),
        (["rule=bp", "seed=a"], "seed=a is not a whole number >= 0"),
        (["rule=bp", "seed_step=2"], "sweep takes no seed_step"),
        (["rule=bp", "run.save=false"], "sweep takes no run.save"),
        (["rule=bp", "workers=-1"], "workers=-1 must be auto or a number"),
        (["rule=bp", "executor=ray"], "executor=ray is not known; choose one of local, dask"),
        (["rule=bp", "scheduler=tcp://host:1"], "is for Dask; add executor=dask"),
        (["rule=bp", "workers=0", "executor=dask"], "leave one out"),
        (["rule=bp", "timeout=0"], "timeout=0 must be a number of seconds > 0"),
        (["rule=bp", "trials=3"], "add sampler=tpe"),
        (["rule=bp", "rule.lr=log(0.1,1)"], "is an interval; list points of it"),
        (["rule=bp", "rule.lr=log(0.1,1)", "sampler=tpe"], "add trials=20"),
        (["rule=bp", "sampler=tpe", "trials=3"], "nothing to search"),
        (["rule=bp", "rule.lr=0.1,0.2", "sampler=tpe", "trials=2"], "would try cells twice"),
        (["rule=bp", "rule.lr=log(0.1,1)", "sampler=tpe", "trials=0"], "trials=0 must be a whole number >= 1"),
        (["rule=bp", "rule.lr=uniform(-1,1)", "sampler=random", "trials=3"], "rule.lr=-1: rule.lr=-1.0 is out of range"),
        (["rule=bp", "rule.lr=log(0.1,1)", "sampler=tpe", "trials=3", "data.validation=0"], "data.validation=0 leaves none"),
        (["rule=bp", "rule.lr=log(0.1,1)", "sampler=tpe", "trials=3", "seed=0,1,5"], "equal distances"),
        (["rule=bp", "data=mnist,digits", "data.root=nowhere"], "data=mnist: "),
        (["rule=bp,multitasking"], "rule=multitasking: "),
    ],
)
def test_refused(words: list[str], message: str) -> None:
    answer = command("sweep", *words_with(*words))
    assert answer.code == 2 and answer.out == "" and not Path("runs").exists()
    assert answer.err.startswith("bioplaus: ") and answer.err.count("\n") == 1
    with pytest.raises(Exception, match=message):
        plan(*words)


def test_a_plan_is_read_back_as_it_was_written_and_from_where_it_lies_now() -> None:
    made = plan("rule=ccl,fa", "rule.lr=0.1,0.2", "seeds=3", "workers=2")
    assert Plan.of(made.as_dict()) == made
    moved = Path("elsewhere/renamed")
    moved.mkdir(parents=True)
    (moved / FILE).write_text(json.dumps(made.as_dict()))
    found = open_plan(moved)
    assert found.path == moved.resolve() and found.packs == made.packs and found.cells == made.cells
    (moved / FILE).write_text("{}")
    with pytest.raises(RunError, match="is corrupt"):
        open_plan(moved)
    with pytest.raises(RunError, match="is not a sweep"):
        open_plan("elsewhere")


def test_the_same_sweep_has_the_same_directory_and_another_one_another() -> None:
    first = plan("rule=ccl", "rule.lr=0.1,1", "workers=1")
    assert plan("rule=ccl", "rule.lr=log(0.1,1,2)", "workers=2", "executor=dask").name == first.name
    others: list[dict[str, Any]] = [{"rule.lr": "0.1,2"}, {"rule.lr": "0.1,1", "seeds": 2}, {"rule.lr": "0.1,1", "epochs": 3}]
    names = {make_plan(parse(words_of({**SMALL, "rule": "ccl", **other}))).name for other in others}
    assert len(names) == 3 and first.name not in names


def test_resume_takes_who_runs_it_and_nothing_else() -> None:
    made = plan("rule=bp")
    made.path.mkdir(parents=True)
    (made.path / FILE).write_text(json.dumps(made.as_dict()))
    answer = command("resume", str(made.path), "rule.lr=1")
    assert answer.code == 2 and "rule.lr is no setting of a sweep itself" in answer.err
    answer = command("evaluate", str(made.path))
    assert answer.code == 1 and "is a sweep, not a run" in answer.err


def test_a_missing_package_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from bioplaus.sweeping.optional import needed

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r'sampler=tpe needs optuna.*pip install "bioplaus\[sweep\]"'):
        plan("rule=bp", "rule.lr=log(0.1,1)", "sampler=tpe", "trials=3")
    with pytest.raises(ConfigError, match="executor=dask needs no_such_package"):
        needed("no_such_package", "executor=dask")
