"""What is said while nothing has come yet."""

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
