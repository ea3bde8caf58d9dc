"""The examples in docstrings are executed, and no module is silent about itself."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import bioplaus

#: modules that run something when imported
SCRIPTS = {"bioplaus.__main__"}
NAMES = sorted(m.name for m in pkgutil.walk_packages(bioplaus.__path__, "bioplaus.") if m.name not in SCRIPTS and ".tests" not in m.name)
OURS = [name for name in NAMES if not name.startswith(("bioplaus.bioplaus", "bioplaus.benchmarks", "bioplaus.tests", "bioplaus.docs"))]


def test_modules_are_found() -> None:
    assert {"bioplaus.cli", "bioplaus.rules.ccl", "bioplaus.neurons.smooth", "bioplaus.experiments.catalogue"} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_module_and_its_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    assert module.__doc__ and module.__doc__.strip()
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    count = sum(len(test.examples) for name in ("bioplaus.api", "bioplaus.stats") for test in finder.find(importlib.import_module(name)))
    assert count >= 3
