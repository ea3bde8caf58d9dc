"""Comparisons from end to end: what is printed and written, what fails alone, what is never run again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from comparing import files
from driving import TINY, command

import bioplaus
from bioplaus import registry
from bioplaus.comparison import row as row_module
from bioplaus.comparison.plan import make_plan
from bioplaus.comparison.table import comparison_text
from bioplaus.comparison.tuning import Choice, tune
from bioplaus.plots.series import series
from bioplaus.progress import Silent
from bioplaus.recorder import Recorder
from bioplaus.rules.top import TopLayer

WORDS = ("data.limit=160", "batch_size=32", "network.hidden=[8]", "epochs=2", "workers=0", "grid=[0.25,1]")
SMALL: dict[str, Any] = {"data.limit": 160, "batch_size": 32, "network.hidden": [8], "epochs": 2, "workers": 0, "grid": [0.25, 1]}
PROMISED = {"rule", "accuracy", "difference_to_bp", "lr", "seconds_per_epoch", "flops_per_sample", "peak_memory_mb", "angle_to_bp"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_json_holds_what_is_promised_and_equals_single_runs() -> None:
    answer = command("compare", "rules=bp,ccl,top", "seeds=3", *WORDS, "--json")
    assert answer.code == 0 and answer.out.count("\n") == 1, answer.err
    found = json.loads(answer.out, parse_constant=lambda word: pytest.fail(f"{word} in the output"))
    rows = {row["rule"]: row for row in found["rows"]}
    assert list(rows) == ["bp", "ccl", "top"] and all(row.keys() >= PROMISED for row in rows.values())
    for name, row in rows.items():
        assert set(row["accuracy"]) == {"mean", "std", "ci95", "values"} and len(row["accuracy"]["values"]) == 3
        assert {"mean", "ci95", "p"} <= set(row["difference_to_bp"])
        assert len(row["angle_to_bp"]) == 2 and row["lr"] in row["tuning"]["rates"]
        # the row is the plain run with the rate that was chosen, and the rate the one that validates best on seed 1000
        keys = {**TINY, "epochs": 2, "rule": name}
        alone = bioplaus.simulate({**keys, "seeds": 3, "rule.lr": row["lr"], "run.save": False})
        assert alone.summary["test_accuracy"]["values"] == row["accuracy"]["values"]
        tried = [bioplaus.simulate({**keys, "seed": 1000, "rule.lr": lr, "run.save": False}).metrics for lr in row["tuning"]["rates"]]
        curves = {score: [series(table, score, "validation")[1][0] for table in tried] for score in ("accuracy", "loss")}
        assert [c[1:].max() for c in curves["accuracy"]] == pytest.approx(row["tuning"]["accuracy"], abs=1e-9)
        assert [c[1:].min() for c in curves["loss"]] == pytest.approx(row["tuning"]["loss"], rel=1e-4)
        assert curves["accuracy"][0][0] == pytest.approx(row["tuning"]["untrained_accuracy"], abs=1e-9)
    gap = np.subtract(rows["ccl"]["accuracy"]["values"], rows["bp"]["accuracy"]["values"])
    assert rows["ccl"]["difference_to_bp"]["mean"] == pytest.approx(gap.mean())
    assert rows["bp"]["difference_to_bp"]["p"] is None and rows["bp"]["angle_to_bp"] == pytest.approx([0, 0], abs=1e-3)
    assert rows["top"]["angle_to_bp"][0] is None and rows["top"]["angle_to_bp"][1] == pytest.approx(0, abs=1e-3)
    path = Path(found["directory"])
    assert json.loads((path / "comparison.json").read_text()) == found
    table = __import__("pyarrow.parquet").parquet.read_table(path / "comparison.parquet").to_pylist()
    assert [line["accuracy"] for line in table if line["rule"] == "ccl"] == rows["ccl"]["accuracy"]["values"]
    assert {p.name for p in (path / "figures").iterdir()} == {"curves.png", "compute.png", "angles.png"}
    check_page((path / "report.html").read_text())
    text = comparison_text(found)
    assert max(map(len, text.splitlines())) <= 110 and "8 networks" not in text
    assert "no p can be below 0.25" in text and "seed 1000" in text


class _Page(HTMLParser):
    """Collects what a page would fetch, and checks that tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_page(text: str) -> None:
    """Assert that a page is whole and fetches nothing."""
    page = _Page()
    page.feed(text)
    assert page.open == [] and page.tags.count("img") == 3 and not {"script", "link", "iframe"} & set(page.tags)
    assert all(where.startswith("data:image/png;base64,") for where in page.fetched)
    assert "url(" not in text and "@import" not in text and 'name="viewport"' in text


class Explosive(TopLayer):
    """Fails with a message that would be markup."""

    def learn(self, view: Any) -> Any:
        raise ValueError("<script>[red] & such")
        yield


def test_a_failing_row_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.RULES._classes, "top", Explosive)
    answer = command("compare", "rules=ccl,top", "seeds=2", "tune=none", *WORDS[:-1])
    assert answer.code == 0 and "top has no result: ValueError: <script>[red] & such" in answer.err
    assert "top: no result: ValueError: <script>[red] & such" in answer.out.replace("\n  ", " ")
    path = Path(re.findall("directory: (.*)", answer.out)[0])
    page = (path / "report.html").read_text()
    assert "<script" not in page and "&lt;script&gt;[red] &amp; such" in page
    rows = {row["rule"]: row for row in json.loads((path / "comparison.json").read_text())["rows"]}
    assert rows["top"]["accuracy"]["mean"] is None and rows["top"]["difference_to_bp"]["n"] == 0 and rows["top"]["angle_to_bp"] == []
    assert rows["ccl"]["difference_to_bp"]["p_holm"] == rows["ccl"]["difference_to_bp"]["p"]  # one test, nothing to correct
    monkeypatch.undo()
    monkeypatch.chdir(path.parent.parent)
    assert "has no result" not in command("resume", str(path)).err  # mended, it is tried again


def test_a_row_that_diverges_or_cannot_run_says_so() -> None:
    found = bioplaus.compare({**SMALL, "ccl.rule.loss": "maps", "top.rule.lr": 1e39, "plasticity.clip": "none", "seeds": 2}, rules="ccl,top")
    bp, ccl, top = found.rows
    assert bp["error"] is None and "rule.loss=maps" in ccl["error"] and "stopped being finite" in top["error"]


def test_no_row_at_all_is_a_failed_command() -> None:
    answer = command("compare", "rules=top", "rule.lr=1e39", "plasticity.clip=none", "seeds=2", *WORDS[:-1])
    assert answer.code == 1 and answer.out == "" and "no row has a result; bp: every seed's numbers" in answer.err


def test_one_seed_has_no_interval_and_says_so() -> None:
    answer = command("compare", "rules=bp", "seeds=1", "tune=none", *WORDS[:-1])
    assert answer.code == 0 and "One seed: no interval" in answer.out and "±" not in answer.out


def test_a_rate_that_diverges_is_not_chosen_and_an_edge_is_named() -> None:
    found = bioplaus.compare({**SMALL, "grid": [1, 1e39], "plasticity.clip": "none", "seeds": 2}, rules="top")
    for row in found.rows:
        assert row["tuning"]["accuracy"][1] is None and row["lr"] == row["tuning"]["recipe_lr"] and row["tuning"]["edge"] == "low"
        assert "bp, top: the best rate is the lowest tried" in "\n".join(found.found["notes"])


def chosen(monkeypatch: pytest.MonkeyPatch, folder: Path, accuracy: Any, loss: Any, stopped: Any = None) -> Choice:
    """The choice between two rates whose scores on the validation samples are these, epoch by epoch."""
    recorder = Recorder()
    for epoch, values in enumerate(zip(accuracy, loss)):
        scores = {name: torch.tensor(value, dtype=torch.float64) for name, value in zip(("accuracy", "loss"), values)}
        recorder.add(epoch, 5 * epoch, (1000, 1000), "validation", scores)
    recorder.write(folder / "metrics.parquet")
    summary = {"run_dir": str(folder), "validation_loss": {}, "stopped_at": stopped, "seconds": {"total": 1.0}}
    monkeypatch.setattr("bioplaus.comparison.tuning.measure", lambda *_: summary)
    plan, _ = make_plan({**SMALL, "rules": "bp"})
    return tune(plan.rows[0], plan, folder, Silent())


def test_a_rate_that_falls_after_its_best_epoch_is_not_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a rate reached before its numbers stopped being finite does not speak for it, however good."""
    choice = chosen(monkeypatch, tmp_path, [(0.1, 0.1), (0.5, 0.9)], [(2.0, 2.0), (1.0, 0.1)], [None, 7])
    assert choice.lr == choice.rates[0] and choice.accuracy == (0.5, None) and choice.loss == (1.0, None)


def test_a_rate_is_judged_by_what_it_learnt_even_if_its_loss_only_rose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in Forward-Forward: no loss falls below that of the untrained network, and the best epoch is not the last."""
    rising = [(1.0, 1.0), (3.0, 4.0), (5.0, 6.0)]
    choice = chosen(monkeypatch, tmp_path, [(0.215, 0.215), (0.21, 0.45), (0.2, 0.3)], rising)
    assert choice.lr == choice.rates[1] and choice.accuracy == (0.21, 0.45) and choice.loss == (3.0, 4.0)
    assert choice.improved and choice.edge == "high" and choice.untrained_accuracy == 0.215


def test_no_rate_improved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    choice = chosen(monkeypatch, tmp_path, [(0.2, 0.2), (0.2, 0.1)], [(1.0, 1.0), (0.5, 0.7)])
    assert not choice.improved and choice.edge == "" and choice.lr == choice.rates[0]
    found = bioplaus.compare({**SMALL, "grid": [1e-9, 2e-9], "seeds": 1}, rules="bp").found
    assert "bp: no rate improved on the untrained network." in found["notes"] and "lowest tried" not in " ".join(found["notes"])


def test_the_chosen_rate_is_the_one_that_runs() -> None:
    """Neither rate is the recipe's, and the lower one moves nothing in two epochs."""
    (row,) = bioplaus.compare({**SMALL, "grid": [1e-4, 0.25], "seeds": 2}, rules="bp").rows
    assert row["lr"] == row["tuning"]["rates"][1] == 0.25 * row["tuning"]["recipe_lr"]
    alone = bioplaus.simulate({**TINY, "epochs": 2, "rule": "bp", "seeds": 2, "rule.lr": row["lr"], "run.save": False})
    assert alone.summary["test_accuracy"]["values"] == row["accuracy"]["values"]


def test_finished_rows_are_read_and_never_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = bioplaus.compare(SMALL, rules="ccl,top", seeds=2)
    kept = files(first.path)
    assert len(kept) > 20
    (first.path / "rows" / "top" / "row.json").write_text("{")  # the row was cut off in writing; its runs are there
    calls: list[str] = []
    run = row_module.run_row
    monkeypatch.setattr("bioplaus.comparison.pool.run_row", lambda plan, row, *rest: calls.append(row.label) or run(plan, row, *rest))
    again = bioplaus.compare(SMALL, rules="ccl,top", seeds=2)
    assert calls == ["top"] and files(first.path) == kept
    for verb in ("plot", "evaluate"):
        answer = command(verb, str(first.path))
        assert answer.code == 1 and answer.err.count("\n") == 1 and "is a comparison, not a run" in answer.err
        run = answer.err.rpartition(" ")[2].strip()  # the one it names is one
        assert command(verb, run).code == 0
    assert [row["accuracy"] for row in again.rows] == [row["accuracy"] for row in first.rows]


def test_a_worker_that_dies_is_a_row_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is there no more and has written nothing."""

    def dead(plan: Any, number: int) -> subprocess.Popen[str]:
        code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    monkeypatch.setattr("bioplaus.comparison.pool._start", dead)
    answer = command("compare", "rules=bp", "seeds=2", "tune=none", "data.limit=160", "workers=2")
    assert answer.code == 1 and "was ended by SIGKILL; it may have run out of memory, try workers=1" in answer.err


def test_tasks_without_accuracy_are_compared_by_loss() -> None:
    from bioplaus.comparison.plan import make_plan
    from bioplaus.comparison.verdict import judge

    plan, _ = make_plan({"rules": "top", "seeds": 2, "tune": "none"})
    seconds = {"total": 1.0, "training_per_epoch": 0.1}
    summary = {"test_accuracy": None, "seeds": [0, 1], "stopped_at": None, "neuron": "elu", "selected_epoch": [1, 1], "seconds": seconds}
    summary |= {"train_samples": 5, "device": "cpu", "data_note": ""}
    losses = ([1.0, 2.0], [1.5, 3.0])
    results = [{"error": "", "lr": 1.0, "summary": {**summary, "test_loss": {"values": one}}} for one in losses]
    found = judge(plan, results)
    assert found["score"] == "loss" and "lower is better" in " ".join(found["notes"])
    assert found["rows"][1]["difference_to_bp"]["mean"] == 0.75 and found["rows"][1]["accuracy"]["mean"] is None
    assert "1.5000" in comparison_text(found)


def test_open_what_is_no_comparison(tmp_path: Path) -> None:
    from bioplaus.comparison.pool import open_plan
    from bioplaus.errors import RunError

    with pytest.raises(RunError, match=r"no plan\.json"):
        open_plan(tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    assert "plan.json is corrupt" in command("resume", str(tmp_path)).err
