"""The list of planted defects does not rot: every one can still be planted, and the tests that should notice it exist."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from mutants import DEFECTS, EQUIVALENT, Defect, Equivalent

ROOT = Path(__file__).resolve().parent.parent


def source(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: d.name)
def test_a_defect_can_be_planted(defect: Defect) -> None:
    text = source(defect.file)
    assert text.count(defect.old) == 1, f"mend tests/mutants: {defect.old!r} in {defect.file}"
    planted = text.replace(defect.old, defect.new)
    assert ast.dump(ast.parse(planted)) != ast.dump(ast.parse(text))
    assert defect.tests
    for name in defect.tests:
        assert (ROOT / "tests" / name).is_file(), name


def test_defects_have_names_of_their_own() -> None:
    assert len({d.name for d in DEFECTS}) == len(DEFECTS) >= 28


@pytest.mark.parametrize("change", EQUIVALENT, ids=lambda c: f"{c.file}: {c.old[:30]}")
def test_what_is_left_out_as_equivalent_still_stands_there(change: Equivalent) -> None:
    text = source(change.file)
    assert text.count(change.old) == 1 and change.reason
    assert ast.dump(ast.parse(text.replace(change.old, change.new))) != ast.dump(ast.parse(text))
