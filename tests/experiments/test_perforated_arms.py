"""Rows of the claims about perforated dendrites: paired differences in points, what they are held against, and what they say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from bioplaus.experiments.perforated_arms import arm_rows, difference_row, of_cycle

#: Student's t for two degrees of freedom, 97.5 %
T2 = 4.302652729911275


def test_a_difference_is_paired_and_says_where_its_interval_reaches_0() -> None:
    """Differences 1, 2, 3 points: mean 2, deviation 1, interval 2 -+ T2/sqrt(3) = [-0.484, 4.484]."""
    row = difference_row("d", [0.91, 0.72, 0.83], [0.90, 0.70, 0.80], {}, least=1.0, note="more")
    half = T2 / 3**0.5
    assert row.mean == pytest.approx(2.0) and row.ci95 == pytest.approx((2 - half, 2 + half)) and row.n == 3
    assert row.reached is False and row.note == "the interval reaches 0: no difference is shown; more"


@pytest.mark.parametrize(("least", "reached"), [(None, None), (1.9, True), (2.1, False)])
def test_a_target_wants_its_mean_and_an_interval_above_0(least: float | None, reached: bool | None) -> None:
    row = difference_row("d", [0.919, 0.72, 0.821], [0.90, 0.70, 0.80], {}, least=least)
    assert row.reached is reached and row.note == ""


def summary(values: list[float | None], loss: float) -> dict[str, Any]:
    from bioplaus.stats import summarise

    cycle = {"parameters": 10, "train_loss": loss}
    return {"test_accuracy": summarise(values), "cycles": [cycle], "seeds": [0, 1, 2], "cycle_values": [{"test_accuracy": values}]}


def test_arms_stand_beside_the_run_and_a_missing_one_is_named() -> None:
    found = {"perforated": summary([0.5, 0.6, 0.7], 0.1), "width_matched": summary([0.6, 0.71, 0.79], 0.2)}
    rows = arm_rows(found, {"seeds": 3})
    assert [row.name.split(" ")[0].rstrip(":") for row in rows] == ["perforated", "continued", "random", "gd", "no_perforation", "width_matched"]
    assert [row.note for row in rows[1:5]] == ["not run"] * 4 and rows[1].mean is None
    assert rows[0].mean == pytest.approx(60.0) and rows[5].mean == pytest.approx(70.0)
    assert "perforated less this -10.00 [" in rows[5].note and "reaches 0" not in rows[5].note


def test_a_cycle_that_nobody_reached_has_no_values() -> None:
    assert of_cycle(summary([0.5, None, 0.7], 0.1), 0) == [0.5, None, 0.7]
    assert of_cycle(summary([0.5, 0.6, 0.7], 0.1), 3) == [None] * 3
