"""The leaderboard: what a comparison's rows become, and that the committed page is that of the committed results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bioplaus.errors import DataError
from bioplaus.experiments import catalogue, leaderboard, studies


def _record(label: str, mean: float | None, gap: float | None, **changed: Any) -> dict[str, Any]:
    accuracy = {"mean": mean, "ci95": None if mean is None else [mean - 0.01, mean + 0.02], "values": [] if mean is None else [mean, mean]}
    difference = {"mean": gap, "ci95": None if gap is None else [gap - 0.005, gap + 0.005], "p_holm": 0.25}
    base = {"comparison": "digits, small", "data": "digits", "network": "mlp", "reference": "bp", "epochs": 3, "label": label, "rule": label,
            "neuron": "elu", "error": None, "accuracy": accuracy, "difference": difference, "lr": 0.5, "edge": "", "flops": 2.5e6,
            "seconds_per_epoch": 0.1,
            "audit": "local", "untrained_seeds": 0, "command": "c", "claim": "compare_a", "date": "d"}  # fmt: skip
    return base | changed


def test_rows_stand_in_the_order_of_their_difference_and_backprop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [
        _record("bp", 0.9, 0.0),
        _record("worse", 0.8, -0.1, edge="high"),
        _record("better", 0.95, 0.05),
        _record("bp", 0.9, 0.0, claim="compare_b"),
        _record("broken", None, None, error="it stopped", claim="compare_b"),
        _record("lazy", 0.85, -0.05, untrained_seeds=1, claim="compare_b"),
    ]
    monkeypatch.setattr(leaderboard, "records", lambda: kept)
    text = leaderboard.page()
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| `")]
    assert rows == ["`better`", "`bp`", "`lazy`", "`worse`"]
    assert "| `worse` | 80.00 [79.00, 82.00] | -10.00 [-10.50, -9.50] | 0.25 | 2.5 | 0.5 (high end) | local |" in text
    assert "| `bp` | 90.00 [89.00, 92.00] | - | - |" in text
    assert "`broken` has no row: it stopped" in text and "`lazy`: the untrained weights were tested in 1 seeds" in text
    assert text.count("bioplaus reproduce compare_") == 2


def test_the_figure_has_each_rule_at_its_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    gaps = {"d": -0.4, "a": 0.01, "c": -0.1, "b": -0.001}
    kept = [_record("bp", 0.9, 0.0), *(_record(name, 0.9 + gap, gap) for name, gap in gaps.items())]
    monkeypatch.setattr(leaderboard, "records", lambda: [*kept, _record("e", 0.9, -0.1, comparison="of one rule")])
    (ax,) = leaderboard.figure().axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c", "d"] and ax.yaxis_inverted()
    points = {tuple(line.get_xydata()[0]) for line in ax.lines if line.get_marker() == "o"}
    assert points == {(1.0, 0.0), (-0.1, 1.0), (-10.0, 2.0), (-40.0, 3.0)}
    ends = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() == "None" and line.get_ydata()[0] == 2]
    assert ends == [pytest.approx((-10.5, -9.5))]


def test_the_page_is_current() -> None:
    if not leaderboard.PAGE.is_file():
        pytest.skip("the page is in the checkout only")
    assert leaderboard.PAGE.read_text(encoding="utf-8") == leaderboard.page()


def test_a_study_compares_and_keeps_what_the_leaderboard_needs(tmp_path: Path) -> None:
    claim = studies.study("compare_x", "Two rules", {"digits, tiny": {"rules": "top", "network.hidden": [4]}}, source="s", cost="c")
    report = claim.run(True, str(tmp_path))
    made = {record["rule"]: record for record in report.records}
    assert list(made) == ["bp", "top"] and [row.n for row in report.rows] == [2, 2]
    own, other = (made[rule]["accuracy"]["values"] for rule in ("bp", "top"))
    assert made["top"]["difference"]["mean"] == pytest.approx(sum(b - a for a, b in zip(own, other)) / 2)
    assert made["top"]["flops"] < made["bp"]["flops"]
    json.dumps(report.records, allow_nan=False)
    assert "points from bp" in report.rows[1].note and "points from bp" not in report.rows[0].note


@pytest.mark.parametrize("name", [name for name in catalogue.MODULES if name.startswith("compare_")])
def test_every_rule_of_a_study_is_registered_and_its_keys_resolve(name: str) -> None:
    from bioplaus.comparison.plan import make_plan

    catalogue.claim(name)
    for keys in studies.COMPARISONS[name].values():
        try:
            plan, _ = make_plan(keys)
        except DataError as missing:
            pytest.skip(str(missing))
        assert not [row.error for row in plan.rows if row.error]
