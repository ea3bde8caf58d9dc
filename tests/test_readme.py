"""The README: its Python runs as it stands, its commands exist, its table of rules is the registry's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from driving import ROOT, command

from bioplaus import registry
from bioplaus.readme import renewed, rules_table

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_python_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [body for language, body in BLOCKS if language == "python"]
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    weights = names["weights"]
    assert isinstance(weights, dict) and weights["forward/0/weight"].shape == (256, 64)
    assert all(isinstance(value, np.ndarray) for value in weights.values())
    assert names["again"].summary == names["result"].summary  # type: ignore[attr-defined]
    assert len(names["result"].summary["test_accuracy"]["values"]) == 3  # type: ignore[attr-defined]
    assert names["result"].summary["test_accuracy"]["mean"] > 0.9  # type: ignore[attr-defined]


def test_table_of_rules_is_current() -> None:
    assert renewed(TEXT) == TEXT, "run: python -m bioplaus.readme"


def test_table_of_rules_is_complete_and_where_it_belongs() -> None:
    rows = rules_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == registry.RULES.names()
    assert all(row.count("|") == 5 for row in rows)
    stale = TEXT.replace(rules_table(), "| old |")
    assert stale != TEXT and renewed(stale) == TEXT


def commands() -> list[str]:
    lines = [line for _, body in BLOCKS for line in body.splitlines()]
    parts = [part.partition("#")[0].strip() for line in lines for part in line.split(";")]
    return [part for part in parts if part.startswith("bioplaus ")]


def test_commands_are_understood() -> None:
    """Nothing is run: settings are resolved without data, other verbs must exist."""
    assert len(commands()) >= 8
    for line in commands():
        verb, *words = shlex.split(line)[1:]
        if verb == "simulate":
            assert command("show", *words).code == 0, line
        elif verb in ("list", "show"):
            assert command(verb, *words).code == 0, line
        else:
            assert command(verb, "--help").code == 0, line


def test_links_lead_somewhere() -> None:
    links = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in target]
    assert links and all((ROOT / target).exists() for target in links), links


def test_keys_that_are_named_exist() -> None:
    assert command("show", "data.root=DIR", "data.download=true", "device=auto").code == 0
