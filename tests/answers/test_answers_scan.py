"""Scans: each row is what the single question answers, simulations stand at some of the rows, trouble at a row stays there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from asking import asked
from driving import command

from bioplaus.answers.command import solve
from bioplaus.answers.curie_weiss import CurieWeiss
from bioplaus.answers.dense import Dense
from bioplaus.errors import SolverError

SCANS = [
    ("multitasking", "d", 0.1, 0.7, ("K=2", "T=0.1", "mc.samples=0")),
    ("multitasking", "T", 0.1, 0.9, ("K=3", "d=0.8", "mc.samples=0")),
    ("multitasking", "r", 0.2, 0.9, ("K=1", "d=0", "M=9", "learning=supervised", "mc.samples=0")),
    ("hopfield", "alpha", 0.0, 0.15, ("T=0",)),
    ("hopfield", "T", 0.0, 0.8, ("alpha=0.05", "M=9", "r=0.7", "learning=unsupervised")),
    ("dense", "gamma", 0.01, 0.13, ("P=3",)),
    ("dense", "T", 0.0, 0.9, ("P=4",)),
    ("curie_weiss", "T", 0.3, 1.3, ("N=12",)),
    ("curie_weiss", "h", -0.4, 0.4, ("T=0.7", "N=12")),
]


@pytest.mark.parametrize(("theory", "name", "low", "high", "words"), SCANS, ids=lambda v: v if isinstance(v, str) else None)
def test_rows_are_single_answers(theory: str, name: str, low: float, high: float, words: tuple[str, ...]) -> None:
    found = asked(theory, *words, f"scan={name}", f"from={low}", f"to={high}", "points=3")
    assert found["scan"] == name and found["monte_carlo"] == []
    assert [row[name] for row in found["points"]] == pytest.approx([low, (low + high) / 2, high])
    for row in found["points"]:
        single = asked(theory, *words, f"{name}={row[name]!r}")
        shared = [key for key in row if key != "note"]
        assert len(shared) > 3 and row["note"] == ""
        assert {key: row[key] for key in shared} == {key: single[key] for key in shared}


@pytest.mark.parametrize(
    ("theory", "name", "words"),
    [
        ("multitasking", "d", ("K=2",)),
        ("hopfield", "alpha", ("T=0.2",)),
        ("curie_weiss", "T", ()),
    ],
)
def test_simulated_rows_are_single_answers(theory: str, name: str, words: tuple[str, ...]) -> None:
    more = (*words, "mc.N=60", "mc.samples=2", "mc.sweeps=5", "mc.burn_in=2")
    found = asked(theory, *more, f"scan={name}", "from=0.05", "to=0.35", "points=25")
    assert [row[name] for row in found["monte_carlo"]] == [row[name] for row in found["points"]][::2]
    row = found["monte_carlo"][3]
    single = asked(theory, *more, f"{name}={row[name]!r}")["monte_carlo"]
    assert {**single, "seconds": 0} == {key: value for key, value in ({**row, "seconds": 0}).items() if key != name}


@pytest.mark.parametrize(
    ("theory", "words", "marks"),
    [
        ("multitasking", ("scan=d", "K=3"), {"d_c": (math.sqrt(5) - 1) / 2}),
        ("multitasking", ("scan=T", "d=0.25", "normalise=false"), {"T_c": 0.75}),
        ("multitasking", ("scan=d", "T=0.1"), {}),
        ("hopfield", ("scan=alpha",), {"alpha_c": 0.1379055665, "crossing": 0.0518543}),
        ("hopfield", ("scan=T", "alpha=0.05"), {"T_M": 0.542255, "T_g": 1 + math.sqrt(0.05)}),
        ("dense", ("scan=gamma", "P=4"), {"gamma_c": 0.03297669}),
        ("curie_weiss", ("scan=T",), {"T_c": 1.0}),
        ("curie_weiss", ("scan=h",), {}),
    ],
)
def test_marks(theory: str, words: tuple[str, ...], marks: dict[str, float]) -> None:
    samples = () if theory == "dense" else ("mc.samples=0",)
    found = asked(theory, *words, "points=2", *samples)
    assert found["marks"] == pytest.approx(marks, abs=6e-7)
    first, last = (row[found["scan"]] for row in found["points"])
    assert all(first < x < last for x in marks.values() if x != marks.get("T_g")), "the ends show what is marked"


def test_multitasking_is_simulated_unasked() -> None:
    found = asked("multitasking", "scan=d", "points=2", "mc.samples=1", "mc.sweeps=1", "mc.burn_in=0")
    assert [row["N"] for row in found["monte_carlo"]] == [4000, 4000]


@dataclass
class Broken:
    """Solves up to x = 0.5."""

    real: Any

    def __call__(self, config: Any) -> Any:
        if 0.5 < config.T < 0.8:
            raise SolverError("residual 1e-3; try another T")
        return self.real(config)


def test_a_row_that_is_not_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dense, "solved", staticmethod(Broken(lambda config: Dense.unbroken(Dense(), config))))
    monkeypatch.setattr(Dense, "unbroken", UNBROKEN, raising=False)
    words = ("scan=T", "from=0.1", "to=0.9", "points=3", "P=3")
    found = asked("dense", *words)
    assert [row["m"] is None for row in found["points"]] == [False, False, False], "0.5 itself is solved"
    found = asked("dense", *words[:-2], "points=5", "P=3")
    broken = found["points"][3]
    assert broken == {"T": pytest.approx(0.7), "m": None, "x": None, "q": None, "phase": None, "note": "residual 1e-3; try another T"}
    assert [row["note"] for row in found["points"] if row is not broken] == [""] * 4
    text = command("theory", "dense", *words[:-2], "points=5", "P=3", "figure=false")
    assert text.code == 0 and "nan" in text.out and "not solved: residual 1e-3; try another T" in text.out
    series = solve("dense", {"scan": "T", "from": 0.1, "to": 0.9, "points": 5, "P": 3}).pictures[0].panels[0].series[0]  # type: ignore[union-attr]
    assert [math.isnan(y) for x, y in zip(series.x, series.y) if abs(x - 0.7) < 0.01][-1]


UNBROKEN = Dense.solved


def test_a_jump_is_no_line() -> None:
    def gaps(theory: str, given: dict[str, Any]) -> list[float]:
        series = solve(theory, {**given, "points": 9}).pictures[0].panels[0].series  # type: ignore[union-attr]
        line = next(one for one in series if one.label in ("m", "mean field"))
        return [x for x, y in zip(line.x, line.y) if math.isnan(y)]

    assert gaps("hopfield", {"scan": "alpha", "to": 0.16}) == pytest.approx([0.14])  # the first load beyond 0.1379
    assert len(gaps("curie_weiss", {"scan": "h", "T": 0.5, "from": -0.8, "to": 0.8})) == 1
    assert gaps("curie_weiss", {"scan": "T"}) == [], "a continuous transition"
    assert CurieWeiss().jumps({"magnetisation": -0.9}, {"magnetisation": 0.7})
