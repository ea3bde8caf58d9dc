"""The claims on multitasking and Hopfield networks: how rows are judged, what their figures are made of, and each in its quick form."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from bioplaus.experiments import catalogue
from bioplaus.experiments.beside_theory import allowed, compared, exact, worst
from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

RESULTS = Path(catalogue.__file__).resolve().parent / "results"
CLAIMS = (
    "multitasking_hierarchy",
    "multitasking_phases",
    "multitasking_learning",
    "multitasking_loss",
    "hopfield_learning",
    "hopfield_capacity",
)
SETTINGS = {"N": 10_000, "d": 0.5}


def test_a_mean_may_differ_by_four_standard_errors_or_the_noise_of_one_sample() -> None:
    values = [0.1, 0.3, 0.2, 0.4]  # standard deviation sqrt(.05/3), of the mean half of that
    assert allowed(values, 10**8) == pytest.approx(2 * math.sqrt(0.05 / 3))
    assert allowed([0.2, 0.2], 10_000, 0.5) == pytest.approx(0.08)  # 4/sqrt(N) in m is twice that in m/(1-d)


def test_a_row_beside_theory_is_reached_inside_what_is_allowed_only() -> None:
    values = [0.29, 0.31]
    inside, outside = compared("a", 0.37, values, SETTINGS), compared("a", 0.39, values, SETTINGS)
    assert (inside.reached, outside.reached) == (True, False)
    assert (inside.mean, inside.n, inside.target) == (pytest.approx(0.3), 2, "0.3700 +- 0.0800")
    half = 12.706204736 * 0.01  # Student's t of one degree of freedom
    assert inside.ci95 == pytest.approx((0.3 - half, 0.3 + half))
    assert compared("a", 0.9, values, SETTINGS, strong=False).reached is None
    assert compared("a", 0.32, values, SETTINGS, room=0.01).reached is False


def test_a_computed_row_must_agree_to_its_last_printed_digit() -> None:
    assert exact("a", 0.3333, 1 / 3, 4).reached
    assert not exact("a", 0.3333, 0.33339, 4).reached


def test_the_worst_row_is_told_in_standard_errors() -> None:
    off = compared("a", 0.27, [0.29, 0.31], SETTINGS)  # mean .30, standard error .01
    near = compared("b", 0.305, [0.29, 0.31], SETTINGS)
    unasserted = compared("c", 9.0, [0.29, 0.31], SETTINGS, strong=False)
    text = worst([off, near, unasserted])
    assert text == "Of 2 asserted means 1 lie within 2 standard errors of theory; the furthest is off by +3.0."


def test_a_figure_and_remarks_of_a_report_stand_beside_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Series("line", [0.0, 1.0], [0.0, 1.0])
    picture = Curves("", "What is drawn", [Panel("x", "y", [line])])
    rows = (Measurement("a", "0.5000", 0.50004, (0.4, 0.6), 4),)
    report = Report("m", rows, picture, ("This holds for all rows.",), digits=4)
    made = Claim("drawn", "title", "source", "target", "1 s", "1 s", lambda quick, folder: report)
    monkeypatch.setattr(catalogue, "claim", lambda name: made)
    catalogue.reproduce("drawn", {"quick": True, "out": str(tmp_path)})
    text = (tmp_path / "drawn-quick.md").read_text(encoding="utf-8")
    assert "![What is drawn](drawn-quick.png)" in text and (tmp_path / "drawn-quick.png").is_file()
    assert "| a | 0.5000 [0.4000, 0.6000] | 4 |" in text and "\n- This holds for all rows." in text


@pytest.mark.parametrize("name", CLAIMS)
def test_the_quick_form_is_reached_and_drawn(name: str, tmp_path: Path) -> None:
    catalogue.reproduce(name, {"quick": True, "out": str(tmp_path)})
    record = json.loads((tmp_path / f"{name}-quick.json").read_text(encoding="utf-8"))
    verdicts = [row["reached"] for row in record["rows"]]
    assert True in verdicts and False not in verdicts
    assert (tmp_path / f"{name}-quick.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", CLAIMS)
def test_the_committed_table_shows_its_figure(name: str) -> None:
    if not (RESULTS / f"{name}.md").is_file():
        pytest.skip("committed results are in the checkout only")
    assert f"]({name}.png)" in (RESULTS / f"{name}.md").read_text(encoding="utf-8")
    assert 10_000 < (RESULTS / f"{name}.png").stat().st_size < 150_000
    record = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    assert not [row["name"] for row in record["rows"] if row["reached"] is False]


def test_phases_are_told_whatever_order_and_signs_disorder_chose() -> None:
    from bioplaus.experiments.phase_diagram import _phase

    assert _phase([[0.9, 0.3, 0.0], [0.0, -0.9, 0.3]], 0.1) == "hierarchy"
    assert _phase([[0.05, -0.9, 0.02]], 0.1) == "one pattern"
    assert _phase([[0.5, -0.45, 0.52]], 0.1) == "all alike"
    assert _phase([[0.05, -0.04, 0.02]], 0.1) == "none"


def test_the_border_of_the_parallel_region_is_where_stability_changes() -> None:
    from bioplaus.experiments.phase_diagram import _parallel_line
    from bioplaus.theory.multitasking import parallel_onset, solve

    d, T = (np.array(part) for part in _parallel_line(2))
    assert (d[-1], T[-1]) == (pytest.approx(2 / 3), 1.0) and d.min() < 0.61  # with T_c, and left of 2/3
    upper = [i for i in range(len(d) - 1) if d[i] < 0.66 and parallel_onset(d[i], 2) < T[i] - 0.1]
    assert upper
    for i in upper[:: len(upper) // 3]:
        below, above = (solve(2, d[i], T[i] + step, start="parallel").verdict for step in (-0.005, 0.005))
        assert (below, above) == ("stable", "unstable")


def test_the_simulated_end_of_the_hierarchy_lies_between_the_last_and_the_first_state() -> None:
    from bioplaus.experiments.multitasking_hierarchy import _end

    hierarchy = [[1.0, d, d * d] for d in (0.5, 0.6)]
    vote = [[(1 + 2 * d - d * d) / 2, (1 + d * d) / 2, (1 - 2 * d + 3 * d * d) / 2] for d in (0.64, 0.7)]
    assert _end((0.5, 0.6, 0.64, 0.7), hierarchy + vote).mean == pytest.approx(0.62)


@pytest.mark.parametrize("learning", ["storing", "supervised", "unsupervised"])
def test_loss_and_energy_of_a_trace_are_those_of_plain_sums(learning: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bioplaus.experiments import multitasking_loss

    monkeypatch.setattr(multitasking_loss, "SETTINGS", {**multitasking_loss.SETTINGS, "N": 30, "M": 3})
    vectors, coupling, state = multitasking_loss._vectors(learning, 5)
    rows = {"storing": 3, "supervised": 3, "unsupervised": 9}[learning]
    R, g = 0.25 + 0.75 / 3, 1 / 0.7
    assert vectors.shape == (rows, 30)
    assert coupling == pytest.approx({"storing": g, "supervised": g / R, "unsupervised": g / (3 * R)}[learning])
    trace = multitasking_loss._trace(learning, 5, 2)
    w, s = vectors.astype(float), state.astype(float)
    pairs = sum(w[p, i] * w[p, j] * s[i] * s[j] for p in range(rows) for i in range(30) for j in range(30))
    assert trace.energy[0] == pytest.approx(-coupling * pairs / (2 * 30**2))
    errors = [((w[p] + s) @ (w[p] + s)) * ((w[p] - s) @ (w[p] - s)) / 60**2 for p in range(rows)]
    assert trace.loss[0] == pytest.approx(coupling / 2 * sum(errors))
    assert len(trace.energy) == len(trace.loss) == 3


def test_learning_under_the_normal_law_knows_entropy_alone() -> None:
    from bioplaus.experiments.multitasking_learning import _normal
    from bioplaus.theory.multitasking import entropy, solve

    found = solve(2, 0.3, 0.1, M=40, r=0.3, learning="supervised", law="gaussian").m
    assert list(_normal(entropy(40, 0.3))) == pytest.approx(found, abs=1e-10)
