"""Figures of theories: where they are written, and what they draw, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import asked
from driving import command

from bioplaus.answers.command import solve
from bioplaus.pictures import Panel, Series
from bioplaus.theory import curie_weiss, hopfield

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def drawn(theory: str, given: dict[str, Any]) -> tuple[Panel, dict[str, Series]]:
    """Return the first panel of an answer, and its series by label."""
    panel = solve(theory, given).pictures[0].panels[0]  # type: ignore[union-attr]
    return panel, {series.label: series for series in panel.series}


@pytest.mark.parametrize("theory", ["multitasking", "hopfield", "dense", "curie_weiss"])
def test_written_where_wanted(theory: str, tmp_path: Path) -> None:
    answer = command("theory", theory)
    path = Path("runs/theory") / f"{theory}.png"
    assert answer.code == 0 and answer.out.endswith(f"figure: {path}\n") and path.read_bytes()[:8] == PNG
    assert len(path.read_bytes()) > 10_000, "not blank"
    found = asked(theory, "out=here")
    assert found["figures"] == [str(Path("here") / f"{theory}.png")] and Path(found["figures"][0]).read_bytes()[:8] == PNG
    path.unlink()
    assert "figures" not in asked(theory) and "figure" not in command("theory", theory, "figure=false").out
    assert not path.exists()
    assert asked(theory, "figure=true")["figures"] == [str(path)] and path.exists()


def test_scans_are_written_under_their_own_name() -> None:
    assert asked("dense", "scan=gamma", "points=2", "out=.")["figures"] == ["dense-gamma.png"]


def test_hopfield_draws_the_line_and_the_point() -> None:
    panel, series = drawn("hopfield", {"alpha": 0.1, "mc.N": 100, "mc.samples": 2, "mc.sweeps": 2, "mc.burn_in": 0})
    assert panel.marks == [(pytest.approx(0.1379055665), "alpha_c")]
    line, point, mc = series["retrieval"], series["this load"], series["simulation"]
    assert line.x[0] == 0 and line.x[-1] == pytest.approx(0.1379055665)
    assert line.y[20] == pytest.approx(hopfield.solve(line.x[20], 0.0).m)
    assert (point.x, point.points) == ([0.1], True) and point.y == pytest.approx([0.997999], abs=1e-6)
    assert mc.x == [0.1] and mc.error is not None and len(mc.error) == 1
    panel, series = drawn("hopfield", {"alpha": 0.1, "T": 1.5})
    assert "retrieval" not in series and panel.marks == [] and list(series["this load"].y) == [0.0]


def test_curie_weiss_draws_exact_points_of_the_size_asked_for() -> None:
    _, series = drawn("curie_weiss", {"T": 0.8, "N": 30, "h": 0.1})
    exact, field = series["exact <|m|>, N=30"], series["mean field"]
    assert exact.points and exact.y[4] == curie_weiss.finite_size(30, exact.x[4], 0.1)[0]
    assert field.y[50] == curie_weiss.magnetisation(field.x[50], 0.1) and series["mean field at this T"].x == [0.8]
    _, series = drawn("curie_weiss", {})
    assert sum(label.startswith("exact") for label in series) == 3


def test_multitasking_draws_theory_and_simulation_pattern_by_pattern() -> None:
    answer = solve("multitasking", {"K": 2, "mc.N": 50, "mc.samples": 2, "mc.sweeps": 2, "mc.burn_in": 0})
    theory, simulated = answer.pictures[0].panels[0].series  # type: ignore[union-attr]
    assert list(theory.x) == list(simulated.x) == [1, 2]
    assert list(theory.y) == answer.values["m"] and list(simulated.y) == answer.values["monte_carlo"]["m"]
    assert simulated.error == answer.values["monte_carlo"]["m_se"] and simulated.points


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = command("theory", "dense", "out=file")
    assert answer.code == 1 and answer.err.startswith("bioplaus: ") and answer.err.count("\n") == 1
