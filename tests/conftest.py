"""Settings for all tests: one thread each (workers share the cores), runs in temporary folders."""

from __future__ import annotations

import builtins
import os
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


# the checks of rules are part of the package; their assertions are to be explained as those of tests are
pytest.register_assert_rewrite("bioplaus.testing")

ABSENT, BROKEN = ImportError("No module named 'brian2'"), AttributeError("module 'numpy' has no attribute 'ptp'")


@pytest.fixture(params=[ABSENT, BROKEN], ids=["absent", "broken"])
def without_brian2(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Brian2 be absent, or fall over a NumPy that it does not know."""
    real = builtins.__import__

    def missing(name: str, *args: Any, **more: Any) -> Any:
        if name == "brian2":
            raise request.param
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
