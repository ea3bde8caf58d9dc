"""The printed result: every number in its place."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.table import Table

from bioplaus.tables import as_text, plausibility_text, result_table


def scores(values: list[float | None], mean: float | None, std: float | None, ci95: Any) -> dict[str, Any]:
    return {"values": values, "mean": mean, "std": std, "ci95": ci95}


@pytest.fixture
def summary() -> dict[str, Any]:
    return {
        "rule": "ccl",
        "data": "mnist",
        "network": "mlp",
        "plasticity": "sgd",
        "neuron": "elu",
        "seeds": [3, 4],
        "epochs": 100,
        "test_accuracy": scores([0.98126, 0.5], 0.74063, 0.34, [0.1234, 1.2]),
        "validation_accuracy": scores([0.979, 0.9], 0.9395, 0.0559, [0.4, 1.1]),
        "test_loss": scores([0.05914, 12.5], 6.28, 8.8, [-2.0, 3.0]),
        "validation_loss": scores([0.07, 0.08], 0.075, 0.007, [0.01, 0.14]),
        "selected_epoch": [97, 12],
        "stopped_at": None,
        "flops_per_sample": 2391040.0,
        "parameters": 269322,
        "train_samples": 54000,
        "seconds": {"total": 312.42, "per_epoch": 3.12, "training_per_epoch": 2.044},
        "device": "cpu",
        "data_note": "pixels standardised",
    }


def rows(text: str) -> list[list[str]]:
    """Return the cells of each line: what two blanks or more keep apart."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip()]


def test_rows_per_seed_then_mean_and_interval(summary: dict[str, Any]) -> None:
    found = rows(as_text(result_table(summary)))
    assert found[0] == ["ccl on mnist, network mlp"]
    assert found[1] == ["seed", "selected epoch", "validation accuracy", "test accuracy"]
    assert found[3:8] == [
        ["3", "97", "97.90 %", "98.13 %"],
        ["4", "12", "90.00 %", "50.00 %"],
        ["mean", "93.95 %", "74.06 %"],
        ["standard deviation", "5.59 %", "34.00 %"],
        ["95 % interval (Student's t)", "40.00 to 110.00 %", "12.34 to 120.00 %"],
    ]


def test_cost_and_note_stand_below(summary: dict[str, Any]) -> None:
    text = " ".join(as_text(result_table(summary)).split())
    for words in (
        "pixels standardised",
        "54,000 training samples",
        "100 epochs",
        "269,322 parameters",
        "on cpu",
    ):
        assert words in text
    assert "2.391 MFLOP per sample" in text
    assert "312.4 s in all, 2.04 s of updates per epoch" in text


def test_task_without_accuracy_shows_losses_with_four_digits(summary: dict[str, Any]) -> None:
    summary["test_accuracy"] = summary["validation_accuracy"] = None
    found = rows(as_text(result_table(summary)))
    assert found[1] == ["seed", "selected epoch", "validation loss", "test loss"]
    assert found[3] == ["3", "97", "0.07000", "0.05914"]
    assert found[4] == ["4", "12", "0.08000", "12.50"]
    assert found[7][2] == "-2.000 to 3.000"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.000"), (2.302585, "2.303"), (-0.5, "-0.5000"), (1e-7, "1.000e-07"), (12345.6, "1.235e+04")],
)
def test_losses_of_any_size(summary: dict[str, Any], value: float, text: str) -> None:
    summary["test_accuracy"] = summary["validation_accuracy"] = None
    summary["test_loss"]["values"][0] = value
    assert rows(as_text(result_table(summary)))[3][-1] == text


def test_stopped_seed_says_where_and_does_not_count(summary: dict[str, Any]) -> None:
    summary["stopped_at"] = [None, 1234]
    summary["test_accuracy"] = scores([0.98126, None], 0.98126, None, None)
    found = rows(as_text(result_table(summary)))
    assert found[4] == ["4 (stopped at update 1234)", "12", "90.00 %", "-"]
    assert found[5] == ["mean of 1 of 2 seeds", "93.95 %", "98.13 %"]
    assert found[7][-1] == "-"


def test_one_seed_without_validation_set_or_flops(summary: dict[str, Any]) -> None:
    summary.update(seeds=[0], epochs=1, selected_epoch=[1], flops_per_sample=None, validation_accuracy=None)
    summary["test_accuracy"] = scores([0.5], 0.5, None, None)
    summary["seconds"] = {"total": 1.0, "per_epoch": None, "training_per_epoch": None}
    text = as_text(result_table(summary))
    assert rows(text)[3] == ["0", "1", "-", "50.00 %"]
    assert "one seed" in text
    assert "1 epoch," in text
    assert "None" not in text


def test_brackets_are_text_not_markup(summary: dict[str, Any]) -> None:
    summary.update(network="mlp [bold] [256, 256]", data_note="[red]held out[/red]")
    text = as_text(result_table(summary))
    assert "mlp [bold] [256, 256]" in text
    assert "[red]held out[/red]" in text


@pytest.mark.parametrize("width", [60, 100])
def test_text_is_plain_and_fits(summary: dict[str, Any], width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "300")
    summary["data_note"] = "long words " * 30
    text = as_text(result_table(summary), width)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= width
    assert text == text.strip("\n")
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_plausibility_names_every_point_under_its_head() -> None:
    long = "the error mixes " + "products " * 20
    lines = plausibility_text(["local losses", "one phase"], [long.strip()]).splitlines()
    assert lines[:4] == ["honoured:", "  + local losses", "  + one phase", "not honoured:"]
    assert lines[4].startswith("  - the error mixes")
    assert all(line.startswith("    ") and len(line) <= 100 for line in lines[5:])
    assert " ".join(" ".join(lines[4:]).split()) == "- " + long.strip()


def test_plausibility_of_a_rule_that_states_nothing() -> None:
    assert plausibility_text([], []).count("nothing stated") == 2


def test_untrained_weights_are_called_so(summary: dict[str, Any]) -> None:
    summary["selected_epoch"] = [0, 12]
    assert [line[1] for line in rows(as_text(result_table(summary)))[3:5]] == ["0 (untrained)", "12"]


def test_in_a_notebook_a_table_made_into_text_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *given: shown.append(given))
    table = Table("a", box=None)
    table.add_row("1")
    assert as_text(table).split() == ["a", "1"]
    assert shown == []
