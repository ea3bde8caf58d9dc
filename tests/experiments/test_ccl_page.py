"""The page on counter-current learning: its tables are those of committed results, its sentences follow from intervals."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bioplaus.experiments import ccl_answers, ccl_page, kept_results
from bioplaus.experiments.ccl_answers import QUESTIONS, answers, sorted_by_interval
from bioplaus.experiments.ccl_page import SECTIONS, renewed

PAGE = Path(ccl_page.__file__).resolve().parent.parent / "docs" / "ccl.md"
ROW = {"target": "", "mean": None, "ci95": None, "n": None, "reached": None, "settings": {}, "note": "", "seconds": None}


@pytest.fixture
def text() -> str:
    if not PAGE.is_file():
        pytest.skip("the page is in the checkout only")
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept_results, "RESULTS", tmp_path)
    return tmp_path


def keep(folder: Path, claim: str, *rows: dict[str, Any], remarks: tuple[str, ...] = (), records: tuple[dict[str, Any], ...] = ()) -> None:
    record = {"command": f"bioplaus reproduce {claim}", "date": "2026-01-01", "unit": "%", "digits": 2, "rows": [{**ROW, **row} for row in rows]}
    (folder / f"{claim}.json").write_text(json.dumps({**record, "remarks": remarks, "records": records}), encoding="utf-8")


def test_page_is_current(text: str) -> None:
    assert renewed(text) == text, "run: python -m bioplaus.experiments.ccl_page"


def test_links_and_figures_are_there(text: str) -> None:
    links = [target for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert len(links) >= 5 and all((PAGE.parent / target).exists() for target in links), links


def test_what_is_not_there_says_so_with_its_command(text: str, folder: Path) -> None:
    bare = renewed(text)
    for name in SECTIONS:
        part = bare.split(f"<!-- {name}: generated")[1].split("<!-- end -->")[0]
        assert "Not run here: cost. `bioplaus reproduce ccl_" in part or name == "fair", name
        assert not re.search(r"\d\d\.\d\d \[", part), f"{name} has a number from nowhere"
    assert len(re.findall("Not run here", answers())) == len(QUESTIONS)


def test_a_number_on_the_page_is_that_of_the_result(folder: Path) -> None:
    missed = {"name": "bp, mnist", "mean": 1.25, "target": "2.39", "reached": False}
    keep(folder, "ccl_flops", missed, {"name": "x", "note": "not run: 3 h; why"})
    table = SECTIONS["cost"]()
    assert "| bp, mnist | 1.25 |  | 2.39 | **not reached** |" in table and "| x | not run: 3 h |" in table
    assert QUESTIONS["Does a step cost what table 2 says?"]().startswith("No: bp, mnist 1.25")


def test_figure_7_is_a_grid_with_the_printed_values(folder: Path) -> None:
    cells = [
        {"name": f"feedback {down}, forward {up}: test accuracy, %", "mean": 90 + value, "n": 1, "target": f"{95 + value:.2f} (100 epochs)"}
        for value, (down, up) in enumerate([("0", "0.05"), ("0", "0.8"), ("0.1", "0.05"), ("0.1", "0.8")])
    ]
    keep(folder, "ccl_rates", {"name": "frozen feedback: lowest", "mean": 50.0, "n": 1, "reached": True}, *reversed(cells))
    lines = SECTIONS["rates"]().splitlines()
    assert "| **0** | 90.00 (95.00) | 91.00 (96.00) |" in lines and "| **0.1** | 92.00 (97.00) | 93.00 (98.00) |" in lines
    assert sum("frozen feedback" in line for line in lines) == 1 and not any("test accuracy, %" in line for line in lines[:6])


def test_targets_are_told_with_what_was_found(folder: Path) -> None:
    held = {"name": "raw loss: layer 6 aligns first (seeds that show it)", "mean": 3.0, "target": "3 of 3", "reached": True}
    lost = {"name": "raw loss: layer 1 aligns first (seeds that show it)", "mean": 0.0, "target": "3 of 3", "reached": False}
    missed = {"name": "accuracy", "mean": 80.0, "ci95": [79.0, 81.0], "n": 3, "target": "88 +- 3", "reached": False}
    keep(folder, "ccl_dynamics", held, missed, lost, {"name": "far", "note": "not run: 3 h", "reached": None})
    said = QUESTIONS["Do layers align as reported?"]()
    assert "ours, **reached**: *raw loss*: layer 6 aligns first in 3 of 3 seeds. **not reached**: " in said
    assert "accuracy 80.00 [79.00, 81.00], asked 88 +- 3; *raw loss*: layer 1 aligns first in 0 of 3 seeds. **not run**: far." in said


def _arm(name: str, gap: float, low: float, high: float) -> dict[str, Any]:
    return {"name": name, "difference": gap, "ci95": [low, high], "flops": 2.04e6, "updates": 4220}


def test_arms_are_sorted_by_what_their_interval_shows() -> None:
    arms = [_arm("a", 0.2, -0.1, 0.5), _arm("b", 1.0, 0.5, 1.5), _arm("c", -3.0, -3.5, -2.5), _arm("d", 2.0, 1.5, 2.5), _arm("e", 0, 0, 0)]
    above, below, neither, same = sorted_by_interval(arms)
    assert [one.split()[0] for one in above] == ["d", "b"]
    assert below == ["c -3.00 [-3.50, -2.50]"] and neither == ["a +0.20 [-0.10, +0.50]"] and same == ["e"]


def test_ablations_keep_their_differences(folder: Path) -> None:
    arms = (_arm("published settings", 0, 0, 0), _arm("normalised loss", 1.5, 1.0, 2.0), _arm("top", -7, -8, -6))
    rows = [{"name": one["name"], "mean": 96 + one["difference"], "ci95": [95.0, 97.0], "n": 3} for one in arms]
    rows[1]["settings"] = {"rule.lr": 9.0}
    stopped = {"name": "clip none", "note": "every seed stopped; try"}
    keep(folder, "ccl_ablations", *rows, {"name": "tanh", "note": "not run: cost; why"}, stopped, records=arms)
    table = SECTIONS["ablations"]()
    assert "| loss and feedback | normalised loss | 9 | 97.50 [95.00, 97.00] | +1.50 [+1.00, +2.00] | 2.04 | 4220 |" in table
    assert "|  | published settings | 1 | 96.00 [95.00, 97.00] |  | 2.04 | 4220 |" in table
    assert "| neuron | tanh |  | not run: cost |  |  |  |" in table
    assert "| clip | clip none |  | no value | every seed stopped |  |  |" in table
    parts = QUESTIONS["And the others?"]()
    assert "Better than the published settings: normalised loss +1.50 [+1.00, +2.00]." in parts and "top" not in parts
    assert parts.endswith("No finite numbers: clip none.")
    assert "Not run here" in answers(), "no arm with frozen feedback"


def test_an_unpaired_interval_adds_half_widths_in_squares() -> None:
    a, b = {**ROW, "mean": 98.0, "ci95": [97.7, 98.3]}, {**ROW, "mean": 97.5, "ci95": [97.1, 97.9]}
    gap, (low, high) = kept_results.unpaired(a, b)
    assert (gap, low, high) == pytest.approx((0.5, 0.0, 1.0))  # .3, .4 -> .5


def test_the_verdict_beside_backprop_is_that_of_the_claim(folder: Path) -> None:
    remark = "Does counter-current learning beat backprop here? bp, tanh: yes, by 3.00 points; bp, ELU: no, it is 1.00 points below."
    keep(folder, "ccl_cifar", {"name": "ccl less bp, tanh, points, paired by seed", "mean": 3.0, "ci95": [2.0, 4.0], "n": 3}, remarks=(remark,))
    said = ccl_answers.QUESTIONS["Does it beat backprop on CIFAR-10?"]()
    assert said.startswith("bp, tanh: yes") and "ccl less bp, tanh +3.00 [+2.00, +4.00] points" in said


def test_what_is_reached_on_photographs_is_told_with_the_seeds_that_fall_apart(folder: Path) -> None:
    own = {"name": "ccl, own rate", "mean": 51.0, "ci95": [50.0, 52.0], "n": 3, "reached": True, "note": "rate 0.4 - the highest tried (...)"}
    note = "losses of the hidden pairs in the last epoch 0.03, 5, 5; layers without any activity have 0.037: 2 of 3 seeds fell apart"
    start = {"name": "ccl, rate 1, no warm-up, 5 epochs", "mean": 30.0, "ci95": [20.0, 40.0], "n": 3, "note": note}
    keep(folder, "ccl_cifar", own, start)
    said = ccl_answers.QUESTIONS["And CIFAR-10, by a perceptron?"]()
    assert said.startswith("51.00 [50.00, 52.00] % after 100 epochs at its own rate 0.4 (") and "reached." in said
    assert said.endswith("At the published rate 1, after 5 epochs: no warm-up: 2 of 3 seeds fell apart.")
