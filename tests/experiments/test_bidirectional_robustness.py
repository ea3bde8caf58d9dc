"""The claim about bidirectional networks under attack: whose runs it reads, which order it asks for, what it does not measure twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from driving import TINY

from bioplaus import config, simulate
from bioplaus.experiments import bidirectional_mnist
from bioplaus.experiments.bidirectional_robustness import PUBLISHED, _attacked, _order, _rows
from bioplaus.stats import summarise


def ends(paper: dict[str, list[float]]) -> dict[str, Any]:
    return {name: {"fgsm_paper": summarise(values), "worst": summarise([0.0] * len(values))} for name, values in paper.items()}


def test_the_order_is_that_of_means_and_counted_by_seed() -> None:
    """BP 4, half 8, BL 40 as published; by hand: the second seed has BL below half, the means stand in order."""
    published = {"BP": 4.0, "BL then BP": 8.0, "BL": 40.0}
    found = _order("FC0", published, ends({"BP": [0.04, 0.02], "BL then BP": [0.08, 0.30], "BL": [0.40, 0.28]}), False)
    assert (found.target, found.mean, found.reached) == ("BP < BL then BP < BL by means", 1, True)
    swapped = _order("FC0", published, ends({"BP": [0.09, 0.09], "BL then BP": [0.08, 0.08], "BL": [0.4, 0.4]}), False)
    assert (swapped.mean, swapped.reached) == (0, False)
    assert _order("FC0", published, ends({"BP": [0.1], "BL then BP": [0.2], "BL": [0.3]}), True).reached is None  # quick


def test_its_networks_are_those_of_the_other_claim() -> None:
    """Every run asked for is one that bidirectional_mnist trains, to the letter of its settings, the control included."""
    trained = {config.to_yaml(config.resolve(row.settings, locate=False)) for row in bidirectional_mnist.rows()}
    wanted = [bidirectional_mnist.settings_of("mnist", network, schedule) for network in PUBLISHED for schedule in PUBLISHED[network]]
    wanted.append(bidirectional_mnist.settings_of("mnist", "fc2", "bp", 0.05))
    assert all(config.to_yaml(config.resolve(settings, locate=False)) in trained for settings in wanted)
    rates = [(one["rule.schedule"], one.get("rule.lr")) for one in wanted[-4:]]
    assert rates == [("bp", 0.003), ("half", None), ("bl", None), ("bp", 0.05)]  # None is the recipe's: 0.05 on MNIST


def test_what_was_asked_before_is_read_and_anything_else_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = simulate({**TINY, "rule": "bp", "network.hidden": [], "epochs": 1, "seeds": 2, "run.root": str(tmp_path)}).run_dir
    asked = {"eps": 0.1, "weights": "final", "figures": False, "data.limit": 20, "steps": 3, "queries": 4}
    first = _attacked(str(run), asked)
    assert {"pgd_margin", "pgd_loss", "pgd_rivals"} <= set(first)
    paper, worst = _rows("FC0 BP", first, {}, 3.97)
    assert paper.target == "3.97 published" and paper.mean == pytest.approx(100 * first["fgsm_paper"]["mean"])
    assert worst.mean == pytest.approx(100 * first["worst"]["mean"]) and "PGD, rivals" in worst.note and "exact worst case" in worst.note

    def again(*_: Any) -> Any:
        raise RuntimeError("measured again")

    monkeypatch.setattr("bioplaus.robustness.run.robustness", again)
    assert _attacked(str(run), asked) == first
    with pytest.raises(RuntimeError, match="measured again"):
        _attacked(str(run), {**asked, "weights": "selected"})
