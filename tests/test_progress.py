"""What is said while nothing has come yet, and along a long way."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bioplaus import progress
from bioplaus.progress import Progress


@pytest.mark.parametrize(("module", "said"), [("numba.core.compiler", 1), ("numbat.core", 0)])
def test_a_first_update_that_waits_for_the_compiler_is_explained_once(
    module: str, said: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.02)
    place: dict[str, Any] = {"__name__": module, "sleep": time.sleep}
    exec("def work(): sleep(0.3)", place)
    shown = Progress()
    shown.start(10, 0, "title")
    place["work"]()
    shown.update(1, "epoch 1")
    assert capsys.readouterr().err.count("compiling loops, once per installation") == said
    place["work"]()
    shown.stop()
    assert "compiling" not in capsys.readouterr().err


def test_a_long_run_says_every_minute_how_much_is_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    shown = Progress()
    shown.start(1000, 100, "title")  # goes on after 100 updates: only what is done now tells the speed
    for done, at in ((120, 20.0), (160, 60.0), (170, 70.0), (200, 100.0), (300, 160.0), (1000, 900.0)):
        now[0] = at
        shown.update(done, "epoch")
    shown.stop()
    assert capsys.readouterr().err.splitlines()[1:] == [
        "   16 %    60.0 s  epoch  about 14 min left",  # 60 updates a minute, 840 to go
        "   30 %   160.0 s  epoch  about 9 min left",  # 200 in 160 s, 700 to go: 560 s
        "  100 %   900.0 s  epoch",
    ]
