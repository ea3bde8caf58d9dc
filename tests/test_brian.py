"""Brian2 as a guest: which target it runs on, and that it leaves things as it found them."""

from __future__ import annotations

import shutil

import pytest

from bioplaus import brian


def test_short_runs_are_interpreted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(brian, "compiles", lambda: True)
    assert [brian.target_of("auto", s) for s in (0.1, 4.99, 5.0, 1e4)] == ["numpy", "numpy", "cython", "cython"]
    assert brian.target_of("numpy", 1e4) == "numpy" and brian.target_of("cython", 0.1) == "cython"
    assert capsys.readouterr().err == ""


def test_without_a_compiler_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert brian.target_of("auto", 1e4) == brian.target_of("cython", 0.1) == "numpy"
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and all(line.startswith("bioplaus: Brian2 finds no C++ compiler") for line in said)


def test_preferences_come_back() -> None:
    b = pytest.importorskip("brian2")
    kept = b.prefs.codegen.target, b.prefs.core.stop_on_keyboard_interrupt
    with pytest.raises(KeyError), brian.using(b, "numpy"):
        assert b.prefs.codegen.target == "numpy" and not b.prefs.core.stop_on_keyboard_interrupt
        raise KeyError
    assert (b.prefs.codegen.target, b.prefs.core.stop_on_keyboard_interrupt) == kept
