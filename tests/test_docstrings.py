"""The examples in docstrings are executed, and no module is silent about itself."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

#: modules that do something when imported
SCRIPTS = {"bioplaus.__main__"}


def modules() -> list[str]:
    """Return the names of all modules, from the files of the four packages."""
    found = []
    for package in ("bioplaus", "bioplaus.rules", "bioplaus.neurons", "bioplaus.experiments"):
        top = Path(str(importlib.import_module(package).__file__)).parent
        for file in sorted(top.rglob("*.py")):
            if file.parent.name == "notebooks" and file.stem[0].isdigit():  # scripts to be read and executed, no modules
                continue
            parts = file.relative_to(top).with_suffix("").parts
            found.append(".".join((package, *(part for part in parts if part != "__init__"))))
    return [name for name in dict.fromkeys(found) if name not in SCRIPTS]


OURS = modules()


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
