"""Claims on binary weights in sequence: when a course counts as rested, and each claim in its quick form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bioplaus.experiments import catalogue
from bioplaus.experiments.continual_convergence import time_of_rest


def test_rest_is_the_first_quiet_window_and_what_comes_after_it_does_not_count() -> None:
    steps = list(range(0, 60, 10))
    assert time_of_rest(steps, [0.4, 0.2, 0.2, 0.2, 0.3, 0.3], window=20, quiet=1e-3) == 20 + 10
    assert time_of_rest(steps, [0.2] * 6, window=50, quiet=1e-3) == 50
    assert time_of_rest(steps, [0.4, 0.3, 0.4, 0.3, 0.4, 0.3], window=20, quiet=1e-3) is None
    # two looks that differ by d have the standard deviation d/2
    assert time_of_rest([0, 10], [0.1, 0.1 + 2.2e-3], window=10, quiet=1e-3) is None
    assert time_of_rest([0, 10], [0.1, 0.1 + 1.8e-3], window=10, quiet=1e-3) == 10


@pytest.mark.parametrize("name", ["continual_perceptron", "continual_two_teachers", "continual_convergence"])
def test_each_claim_runs_in_its_quick_form(name: str, tmp_path: Path) -> None:
    catalogue.reproduce(name, {"quick": True, "out": str(tmp_path)})
    record = json.loads((tmp_path / f"{name}-quick.json").read_text(encoding="utf-8"))
    assert record["quick"] and all(row["mean"] is not None and row["n"] == 3 for row in record["rows"])
    assert (tmp_path / f"{name}-quick.png").is_file()
