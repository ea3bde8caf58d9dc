"""The table of a sweep from records made by hand."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bioplaus.sweeping.cells import Cell
from bioplaus.sweeping.figures import draw
from bioplaus.sweeping.report import page
from bioplaus.sweeping.results import judge, write_parquet
from bioplaus.sweeping.table import sweep_text

SEEDS = (3, 4, 5)


def record(cell: int, seed: int, accuracy: float | None, loss: float | None, test: float | None, error: str = "") -> dict[str, Any]:
    scores = {"validation_accuracy": accuracy, "validation_loss": loss, "test_accuracy": test, "test_loss": None if test is None else 1 - test}
    return {"cell": cell, "seed": seed, "error": error or None, **scores, "selected_epoch": 1, "seconds": 0.5}


def result(*records: dict[str, Any], pruned: int | None = None) -> dict[str, Any]:
    return {"records": list(records), "run": "packs/0000/run/x", "pruned": pruned, "error": ""}


CELLS = [Cell({"rule": rule, "rule.lr": lr}, {"rule": rule, "rule.lr": lr}) for rule in ("fa", "<b>") for lr in (0.1, 1, 10.0)]
#: mean accuracies 0.8, 0.8 (of lower loss), 0.9 but one seed stopped, 0.7, broken off, 0.1 of the lowest loss and the best test score
VALUES = [
    [(0.7, 0.5), (0.8, 0.5), (0.9, 0.5)],
    [(0.8, 0.4), (0.8, 0.4), (0.8, 0.4)],
    [(0.9, 0.1), (None, None), (0.9, 0.1)],
    [(0.7, 0.6), (0.7, 0.6), (0.7, 0.6)],
    [(None, None)] * 3,
    [(0.1, 0.01), (0.1, 0.01), (0.1, 0.01)],
]


def found(by: str = "accuracy") -> dict[str, Any]:
    results = []
    for cell, values in enumerate(VALUES):
        test = 0.99 if cell == 5 else 0.5
        lines = [
            record(cell, seed, accuracy, loss, None if loss is None else test, "stopped at step 7" if loss is None and cell == 2 else "")
            for seed, (accuracy, loss) in zip(SEEDS, values)
        ]
        results.append(result(*lines, pruned=2 if cell == 4 else None))
    return {**judge(CELLS, SEEDS, results, by), "shared": {}, "command": "bioplaus resume X"}


def test_ranked_by_validation_ties_by_loss_incomplete_ones_last_the_test_set_nowhere() -> None:
    by_accuracy, by_loss = found(), found("loss")
    assert [row["cell"] for row in by_accuracy["cells"]] == [1, 0, 3, 5, 2, 4]
    assert [row["cell"] for row in by_loss["cells"]] == [5, 1, 0, 3, 2, 4]
    assert by_accuracy["best"]["cell"] == 1 and [row["place"] for row in by_accuracy["cells"]] == [1, 2, 3, 4, 5, 6]


def test_intervals_are_of_student() -> None:
    """Of 0.7, 0.8, 0.9: s = 0.1, t with 2 degrees of freedom 4.302653."""
    (row,) = (row for row in found()["cells"] if row["cell"] == 0)
    half = 4.302653 * 0.1 / 3**0.5
    assert row["validation_accuracy"]["mean"] == pytest.approx(0.8)
    assert row["validation_accuracy"]["ci95"] == pytest.approx([0.8 - half, 0.8 + half], abs=1e-6)


def test_without_accuracy_or_validation() -> None:
    cells = [Cell({"rule.lr": lr}, {}) for lr in (1, 2)]
    by_loss = judge(cells, (0,), [result(record(0, 0, None, 0.5, 0.1)), result(record(1, 0, None, 0.4, 0.1))], "accuracy")
    assert by_loss["score"] == "loss" and by_loss["best"]["cell"] == 1
    none = judge(cells, (0,), [result(record(0, 0, None, None, 0.1)), result(record(1, 0, None, None, 0.2))], "accuracy")
    assert none["best"] is None and [row["cell"] for row in none["cells"]] == [0, 1]
    assert "nothing is ranked" in sweep_text(none)


def test_text_says_what_is_best_and_what_has_no_value() -> None:
    text = sweep_text(found())
    assert "Best by validation: rule=fa rule.lr=1, validation 80.00, test 50.00" in text
    assert "1 of 3 seeds:" in text and "1 of 6 cells was broken off" in text
    assert "flatters" in text and "nan" not in text.lower()


def test_parquet_has_a_line_per_cell_and_seed(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", found())
    lines = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [(line["cell"], line["seed"]) for line in lines] == [(cell, seed) for cell in range(6) for seed in SEEDS]
    for line in lines:
        accuracy, loss = VALUES[line["cell"]][SEEDS.index(line["seed"])]
        assert (line["validation_accuracy"], line["validation_loss"]) == (accuracy, loss)
        assert line["rule"] == CELLS[line["cell"]].swept["rule"] and line["rule.lr"] == CELLS[line["cell"]].swept["rule.lr"]
    assert [line["error"] for line in lines if line["cell"] == 2] == [None, "stopped at step 7", None]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_report_needs_nothing_beside_itself(tmp_path: Path) -> None:
    paths = draw(found(), tmp_path)
    assert {path.name for path in paths} == {"rule.lr.png"}  # one numeric key: no map
    tags = _Tags()
    tags.feed(page(found(), paths))
    names = [tag for tag, _ in tags.found]
    assert "b" not in names and names.count("tr") == 7 and names.count("img") == 1
    sources = [attributes[key] for _, attributes in tags.found for key in ("src", "href") if key in attributes]
    assert sources and all(source is not None and source.startswith("data:image/png;base64,") for source in sources)


def test_two_numeric_keys_have_a_map_and_each_field_its_cell(tmp_path: Path) -> None:
    from bioplaus.sweeping import figures

    cells = [Cell({"a": a, "b": b}, {}) for a in (1, 2) for b in (0.1, 10.0)]
    scores = [0.1, 0.2, 0.3, 0.4]
    two = judge(cells, (0,), [result(record(i, 0, score, 1 - score, 0.5)) for i, score in enumerate(scores)], "accuracy")
    assert {path.name for path in draw(two, tmp_path)} == {"a.png", "b.png", "map.png"}
    drawn = figures.heat_map(["a", "b"], two["cells"], two)
    fields = {tuple(map(round, text.get_position())): text.get_text() for text in drawn.axes[0].texts}
    assert fields == {(0, 0): "10.0", (1, 0): "20.0", (0, 1): "30.0", (1, 1): "40.0"}
    line = figures.against("b", two["cells"], two)
    assert line.axes[0].get_xscale() == "log" and figures.against("a", two["cells"], two).axes[0].get_xscale() == "linear"
