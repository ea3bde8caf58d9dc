"""A rule of another package, installed as packages are, is listed, shown, run, saved and resumed like the built-in ones."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import TINY_WORDS, command

from bioplaus import registry

RULE = '''
"""A rule that lives elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from bioplaus.changes import Dense, Wanted
from bioplaus.fields import ranged, replica
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.view import View


@dataclass
class WanderConfig(RuleConfig):
    """Settings of the walk."""

    name: str = "wander"
    lr: float = replica(0.01)
    spread: float = ranged(1.0, above=0)
    """Standard deviation of a step, > 0."""


class Wander(Rule):
    """Every weight walks at random."""

    Config = WanderConfig
    reference = "nobody 2024"
    plausibility = Plausibility(honoured=("local",), violated=("it learns nothing",))
    recipes = (Recipe({"rule.spread": 0.5}, "elsewhere", data=("digits",)),)
    aliases = {"rule.width": "rule.spread"}

    def learn(self, view: View) -> Learning:
        leaves = plastic_leaves(view.networks["forward"])
        steps = {leaf: Dense(view.streams.normal(f"wander/{leaf}", view.params[leaf].shape[1:]) * self.config.spread) for leaf in leaves}
        yield Wanted("forward", steps)
        return Learned({"loss": torch.zeros(len(view.streams.seeds))})
'''


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the package for one test."""
    site = tmp_path / "site"
    info = site / "elsewhere-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "elsewhere_rules.py").write_text(RULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bioplaus.rules]\nwander = elsewhere_rules:Wander\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.setattr(registry.RULES, "_targets", dict(registry.RULES._targets))
    monkeypatch.setattr(registry.RULES, "_classes", dict(registry.RULES._classes))
    monkeypatch.setattr(registry.RULES, "_scanned", False)
    yield tmp_path
    sys.modules.pop("elsewhere_rules", None)


@pytest.mark.usefixtures("elsewhere")
def test_listed_without_being_imported() -> None:
    answer = command("list", "rules")
    assert [line.split()[0] for line in answer.out.splitlines()][-1] == "wander"
    assert "Every weight walks at random." in answer.out and "elsewhere_rules" not in sys.modules


@pytest.mark.usefixtures("elsewhere")
def test_shown_with_its_settings() -> None:
    text = command("show", "rule=wander").out
    for part in ("nobody 2024", "rule.spread=0.5", "> 0", "elsewhere", "Standard deviation of a step", "+ local", "- it learns nothing"):
        assert part in text
    assert "rule.width for rule.spread" in text


def test_runs_resumes_and_evaluates(elsewhere: Path) -> None:
    answer = command("simulate", "rule=wander", "rule.width=0.25", "seeds=2", *TINY_WORDS, "--json")
    assert answer.code == 0, answer.err
    summary = json.loads(answer.out)
    assert summary["rule"] == "wander" and summary["plausibility"]["violated"][0] == "it learns nothing"
    run = Path(summary["run_dir"])
    assert "spread: 0.25" in (run / "config.yaml").read_text()
    evaluated = json.loads(command("evaluate", str(run), "--json").out)
    assert evaluated["test_accuracy"] == summary["test_accuracy"]
    (run / "summary.json").unlink()
    resumed = json.loads(command("resume", str(run), "--json").out)
    assert resumed["test_accuracy"] == summary["test_accuracy"]


@pytest.mark.usefixtures("elsewhere")
def test_its_mistakes_are_told_like_ours() -> None:
    answer = command("simulate", "rule=wander", "rule.spread=0")
    assert answer.code == 2 and "rule.spread=0.0 is out of range; it must be > 0" in answer.err
    assert "did you mean 'wander'?" in command("simulate", "rule=wandre").err


@pytest.mark.parametrize("target", ["no_such_package:Rule", "no_such.package:Rule", "elsewhere_rules:NoSuchClass", "broken_rules:Rule"])
def test_package_that_is_broken(elsewhere: Path, target: str) -> None:
    site = elsewhere / "site"
    (site / "broken_rules.py").write_text("import no_such_dependency\n")
    (site / "elsewhere-1.0.dist-info" / "entry_points.txt").write_text(f"[bioplaus.rules]\nwander = {target}\n")
    importlib.invalidate_caches()
    assert command("list", "rules").code == 0
    answer = command("simulate", "rule=wander")
    assert answer.code == 2 and answer.err.count("\n") == 1 and f"{target} cannot be imported" in answer.err
    assert command("simulate", "rule=bp", *TINY_WORDS).code == 0
