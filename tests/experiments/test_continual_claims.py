"""The claim on a binary perceptron and its teacher in its quick form."""

from __future__ import annotations

import json
from pathlib import Path

from bioplaus.experiments import catalogue


def test_the_claim_runs_in_its_quick_form(tmp_path: Path) -> None:
    name = "continual_perceptron"
    catalogue.reproduce(name, {"quick": True, "out": str(tmp_path)})
    record = json.loads((tmp_path / f"{name}-quick.json").read_text(encoding="utf-8"))
    assert record["quick"] and all(row["mean"] is not None and row["n"] == 3 for row in record["rows"])
    assert (tmp_path / f"{name}-quick.png").is_file()
