"""What stands in and under the tables, from rows made by hand."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from bioplaus.audit import card_of
from bioplaus.comparison.plan import make_plan
from bioplaus.comparison.report import page
from bioplaus.comparison.table import cells, comparison_text
from bioplaus.comparison.verdict import judge

TUNED = {"seconds": 1.0, "improved": True, "edge": "", "rates": [1.0], "accuracy": [0.5], "loss": [1.0]}
COLUMNS = {
    "epochs_to_95": 1.0, "epochs_to_95_values": [1.0, 1.0], "seconds_to_95": 0.5, "seconds_per_epoch": 0.5, "flops_per_sample": 2e6,
    "parameters": 9,
    "angle_to_bp_start": [None, 90.0], "angle_to_bp": [None, -1e-9], "feedback_cosine_start": [None, -0.04], "feedback_cosine": [None, -0.001],
}  # fmt: skip


def judged(accuracies: dict[str, list[float]], *, keys: dict[str, Any] | None = None, **changes: dict[str, Any]) -> dict[str, Any]:
    """The comparison of rows with these test accuracies, one per seed; changes are of a row's summary (or of its tuning)."""
    seeds = list(range(len(accuracies["bp"])))
    rules = ",".join(accuracies)
    plan, _ = make_plan({"rules": rules, "seeds": len(seeds), "published": False, "epochs": 1, "grid": [1, 4], **(keys or {})})
    results = []
    for name, values in accuracies.items():
        summary = {
            "test_accuracy": {"values": values}, "test_loss": {"values": [1.0] * len(seeds)}, "seeds": seeds, "stopped_at": None,
            "neuron": "elu",
            "selected_epoch": [1] * len(seeds), "seconds": {"total": 1.0}, "train_samples": 5, "device": "cpu", "data_note": "",
        }  # fmt: skip
        changed = changes.get(name, {})
        tuning = {**TUNED, **{key: changed[key] for key in TUNED.keys() & changed.keys()}}
        results.append({"error": "", "lr": 1.0, "tuning": tuning, "columns": COLUMNS, "audit": None, "summary": {**summary, **changed}})
    return judge(plan, results)


def text_of(found: dict[str, Any]) -> str:
    return " ".join(" ".join(found["notes"]).split())


def test_untrained_weights_are_named() -> None:
    found = judged({"bp": [0.9, 0.8], "ff": [0.1, 0.2], "fa": [0.1, 0.2]}, ff={"selected_epoch": [0, 0]}, fa={"selected_epoch": [3, 0]})
    text = text_of(found)
    assert "ff: the tested weights of seeds 0, 1 are the untrained ones." in text
    assert "fa: the tested weights of seed 1 are the untrained ones." in text
    assert [row["untrained_seeds"] for row in found["rows"]] == [[], [0, 1], [1]]
    # a seed that diverged before its first epoch has no result at all, and is named as stopped
    stopped = judged({"bp": [0.9, 0.8], "ff": [0.1, 0.2]}, ff={"selected_epoch": [0, 2], "stopped_at": [7, None]})
    assert stopped["rows"][1]["untrained_seeds"] == [] and "ff: seed 0 stopped: numbers no longer finite." in text_of(stopped)


def test_equal_differences_have_no_interval() -> None:
    """0.3 - 0.1 and 0.6 - 0.4 differ by rounding alone."""
    found = judged({"bp": [0.1, 0.4, 0.7], "fa": [0.3, 0.6, 0.9], "top": [0.5, 0.5, 0.5]})
    _, fa, top = (cells(row, "accuracy") for row in found["rows"])
    assert (fa["difference"], fa["difference_interval"]) == ("+20.00", "-") and fa["interval"] != "-"
    assert top["interval"] == "-" and top["difference_interval"] != "-"
    text = text_of(found)
    assert "fa: all differences to bp are equal, so there is no interval." in text
    assert "top: all seeds have one accuracy, so there is no interval." in text


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (2, "with 2 seeds it is just the two values"),
        (3, "with 3 seeds it holds the mean in about 72 of 100"),
        (5, "with 5 seeds it holds the mean in about 84 of 100"),
        (9, "with 9 seeds it holds the mean in about 89 of 100"),
    ],
)
def test_the_caveat_is_that_of_the_seeds_in_use(seeds: int, words: str) -> None:
    text = text_of(judged({"bp": [0.1 * i for i in range(seeds)]}))
    assert words in text and "bootstrap (BCa)" in text and "Student's t" in text and text.count("of 100") == (seeds > 2)


def test_two_values_are_their_interval() -> None:
    (bp,) = judged({"bp": [0.25, 0.75]})["rows"]
    assert bp["accuracy"]["ci95"] == [0.25, 0.75]


def test_what_holds_for_several_rows_is_said_once() -> None:
    low = {"edge": "low"}
    other: dict[str, Any] = {"improved": False, "neuron": "tanh"}
    found = judged({"bp": [0.9, 0.8], "ff": [0.1, 0.2], "fa": [0.1, 0.2]}, ff=low, fa={**low, "neuron": "tanh"}, bp=other)
    text = text_of(found)
    assert text.count("lowest tried") == 1 and "ff, fa: the best rate is the lowest tried" in text
    assert "bp: no rate improved on the untrained network." in text
    assert text.count("published=false") == 1 and "bp, fa: the neuron of the published results" in text


def test_which_weights_are_tested() -> None:
    rows = {"bp": [0.9, 0.8]}
    assert "lowest validation loss" in text_of(judged(rows))
    assert "last epoch" in text_of(judged(rows, keys={"data.validation": 0, "tune": "none"}))


def test_numbers_can_be_read() -> None:
    found = judged({"bp": [0.9, 0.8, 0.7], "top": [0.9, 0.8, 0.7000001]})
    top = cells(found["rows"][1], "accuracy")
    assert (top["difference"], top["angles"], top["cosines"]) == ("+0.00", "n/a 90\nn/a 0", "n/a -0.04\nn/a 0.00")
    below = judged({"bp": [0.9, 0.8, 0.7], "top": [0.9, 0.8, 0.6999999]})["rows"][1]
    assert cells(below, "accuracy")["difference"] == "+0.00"
    text, report = " ".join(comparison_text(found).split()), page(found, [])
    for shown in (text, report):
        assert "1 epochs" not in shown and "1 epoch" in shown and "vs bp" in shown and "by bootstrap" in shown


def test_the_report_answers_every_question_of_a_card() -> None:
    found = judged({"bp": [0.9, 0.8], "oja": [0.5, 0.4]})
    for row in found["rows"]:
        card = card_of(rule=row["rule"])
        row["audit"] = {"short": card.short(), "card": card.as_dict()}
    table = page(found, []).partition('<table class="card">')[2].partition("</table>")[0]
    cells = [[re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", line)] for line in table.split("</tr>") if line.strip()]
    head, bp, oja = (dict(zip(cells[0], line)) for line in cells[:3])
    asked = {"weight transport", "backward locking", "update locking", "settles", "needs labels", "phases", "global signals", "stored"}
    assert asked <= set(head)
    assert bp["weight transport"] == bp["backward locking"] == "yes" and bp["phases"] == "2"
    assert unescape(oja["weight transport"]) == "neighbours' weights" and oja["update locking"] == "no"
    assert "forward/0 reads forward/2" in page(found, [])
