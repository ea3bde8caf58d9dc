"""The catalogue of claims: its tables, its committed results, and rows that survive."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bioplaus.errors import ConfigError
from bioplaus.experiments import catalogue
from bioplaus.experiments.claims import Claim, Measurement, Report

ROOT = Path(catalogue.__file__).resolve().parent


def _claim() -> Claim:
    return Claim("c", "title", "source", "target", "1 s", "1 s", lambda quick, folder: Report("%", ()))


def test_table_prints_misses_and_unrun_rows_as_such() -> None:
    rows = (
        Measurement("a", ">= 9", 10.0, (9.5, 10.5), 3, True),
        Measurement("b", ">= 9", 8.0, (7.5, 8.5), 3, False),
        Measurement("c", "", None, note="not run: 3 h on a GPU"),
    )
    text = catalogue.table(_claim(), Report("%", rows))
    assert "| a | 10.00 [9.50, 10.50] | 3 | >= 9 | reached |" in text
    assert "| b | 8.00 [7.50, 8.50] | 3 | >= 9 | **not reached** |" in text
    assert "| c | not run: 3 h on a GPU |" in text
    assert "reached" not in catalogue.table(_claim(), Report("%", rows), quick=True)


def test_unknown_claim_and_option_get_one_line() -> None:
    with pytest.raises(ConfigError, match=r"unknown claim 'ccl_mnits', did you mean 'ccl_mnist'"):
        catalogue.claim("ccl_mnits")
    with pytest.raises(ConfigError, match="not seeds"):
        catalogue.reproduce("ccl_flops", {"seeds": 3})


@pytest.mark.parametrize("name", catalogue.MODULES)
def test_every_claim_has_a_committed_table_with_command_versions_and_seeds(name: str) -> None:
    if not (ROOT / "results").is_dir():
        pytest.skip("committed results are in the checkout only")
    record = json.loads((ROOT / "results" / f"{name}.json").read_text(encoding="utf-8"))
    assert record["command"] == f"bioplaus reproduce {name}" and not record["quick"]
    assert {"bioplaus", "torch", "numpy"} <= record["versions"].keys()
    seeds = [row["settings"].get("seeds", row["settings"].get("samples")) for row in record["rows"]]
    assert all(row["n"] is None or row["n"] == asked for row, asked in zip(record["rows"], seeds))


def test_readme_is_current() -> None:
    readme = ROOT / "README.md"
    if not readme.is_file():
        pytest.skip("the generated README is in the checkout only")
    assert readme.read_text(encoding="utf-8") == catalogue.readme()


def test_flops_claim_reaches_the_published_counts(tmp_path: Path) -> None:
    text = catalogue.reproduce("ccl_flops", {"out": str(tmp_path)})
    assert len(re.findall(r"\| reached \|", text)) == 4
    record = json.loads((tmp_path / "ccl_flops.json").read_text(encoding="utf-8"))
    assert [row["mean"] for row in record["rows"]] == [2.39104, 2.551552, 25.227264, 27.88608]


def test_a_finished_row_is_read_again_and_an_interrupted_one_resumed(tmp_path: Path) -> None:
    from bioplaus.experiments.rows import measure

    settings = {"rule": "bp", "data": "digits", "network.hidden": [8], "epochs": 2, "probes": []}
    first = measure(settings, str(tmp_path))
    assert measure(settings, str(tmp_path))["run_dir"] == first["run_dir"]
    (Path(first["run_dir"]) / "summary.json").unlink()
    again = measure(settings, str(tmp_path))
    assert again["run_dir"] == first["run_dir"] and again["test_accuracy"] == first["test_accuracy"]
    assert measure({**settings, "seed": 1}, str(tmp_path))["run_dir"] != first["run_dir"]


def test_tuning_takes_the_lowest_validation_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bioplaus.experiments import rows

    losses = {0.1: 0.9, 0.2: 0.3, 0.4: None}

    def fake(settings: dict[str, object], folder: str) -> dict[str, object]:
        # test figures point the other way: they must not choose
        loss = losses[settings["rule.lr"]]  # type: ignore[index]
        return {"validation_loss": {"mean": loss}, "test_accuracy": {"mean": 1 - (loss or 0.0)}}

    monkeypatch.setattr(rows, "measure", fake)
    chosen, note = rows.tuned({"rule": "bp"}, [{"rule.lr": lr} for lr in losses], str(tmp_path))
    assert chosen["rule.lr"] == 0.2 and "0.3000" in note
