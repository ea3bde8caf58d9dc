"""The rule that the documentation shows is whole: it is audited as a file, and run once it has the entry point that stands there."""

from __future__ import annotations

import importlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import ROOT, TINY_WORDS, command

from bioplaus import registry


def block(page: str, language: str) -> str:
    """The only block of code of a language on a page."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(block("architecture.md", "python"))
    return Path("mine.py")


@pytest.fixture
def installed(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the rule, installed as its page says."""
    ((group, points),) = tomllib.loads(block("architecture.md", "toml"))["project"]["entry-points"].items()
    ((name, target),) = points.items()
    info = Path("elsewhere-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(str(file.parent.resolve()))
    importlib.invalidate_caches()
    for key, value in {"_targets": dict(registry.RULES._targets), "_classes": dict(registry.RULES._classes), "_scanned": False}.items():
        monkeypatch.setattr(registry.RULES, key, value)
    yield name
    sys.modules.pop("mine", None)


def test_both_pages_show_one_rule() -> None:
    assert block("architecture.md", "python") == block("audit.md", "python") and len(block("audit.md", "python").splitlines()) < 20


@pytest.mark.usefixtures("file")
def test_it_is_audited_as_a_file() -> None:
    for name in ("mine.py", "mine.py:Signs", "./mine.py"):
        card = json.loads(command("audit", f"rule={name}", "--json").out)
        assert card["weight_transport"] and card["backward_locking"] and card["phases"] == 2
        assert card["differs"] == ["backward locking = False", "update locking = False", "phases = 1"]  # as the page says


def test_it_runs_by_its_entry_point(installed: str) -> None:
    answer = command("simulate", f"rule={installed}", *TINY_WORDS, "--json")
    assert answer.code == 0 and json.loads(answer.out)["rule"] == installed
    words = [word for word in TINY_WORDS if not word.startswith("run.")]
    answer = command("compare", f"rules={installed}", "seeds=1", "tune=none", "workers=0", *words, "--json")
    assert [row["error"] for row in json.loads(answer.out)["rows"]] == [None, None]


@pytest.mark.parametrize("words", ["simulate rule=mine.py", "show rule=mine.py:Signs", "compare rules=bp,./mine.py:Signs"])
@pytest.mark.usefixtures("file")
def test_other_verbs_say_what_a_file_is_good_for(words: str) -> None:
    answer = command(*words.split())
    assert answer.code == 2 and answer.out == "" and answer.err.count("\n") == 1
    assert "a rule file can be audited" in answer.err and "register an entry point, which bioplaus new-rule NAME writes" in answer.err
