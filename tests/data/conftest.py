"""No test here may see the data or the cache of whoever runs it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_surrounding_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Data folder and cache of the user are out of sight."""
    monkeypatch.delenv("BIOPLAUS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
