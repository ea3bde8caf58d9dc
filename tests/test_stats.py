"""Statistics over seeds, against closed forms and the printed t table."""

from __future__ import annotations

import json
import math
import sys
import warnings

import numpy as np
import pytest

from bioplaus.errors import ConfigError
from bioplaus.stats import paired_difference, summarise, t_interval

#: two-sided 95 % points of Student's t, printed tables: degrees of freedom -> t
T_TABLE = {1: 12.706205, 2: 4.302653, 4: 2.776445, 9: 2.262157, 29: 2.045230}


def test_interval_of_one_to_five() -> None:
    found = summarise([1, 2, 3, 4, 5])
    half = 2.776445 * math.sqrt(2.5 / 5)
    assert found["mean"] == 3
    assert found["std"] == pytest.approx(math.sqrt(2.5), rel=1e-14)
    assert found["ci95"] == pytest.approx([3 - half, 3 + half], abs=1e-6)
    assert found["values"] == [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("freedom", T_TABLE)
def test_quantile_is_that_of_the_printed_table(freedom: int) -> None:
    n = freedom + 1
    low, high = summarise([float(i) for i in range(n)])["ci95"]
    error = math.sqrt(n * (n + 1) / 12 / n)  # variance of 0..n-1 is n (n + 1) / 12
    assert (high - low) / 2 / error == pytest.approx(T_TABLE[freedom], rel=1e-6)


def test_interval_covers_the_mean_in_95_of_100_cases() -> None:
    draws = np.random.default_rng(0).normal(2.0, 3.0, (4, 20_000))
    _, _, low, high = t_interval(draws)
    covered = ((low <= 2.0) & (high >= 2.0)).mean()
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 20_000))


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_stopped_seed_stays_visible_and_does_not_count(missing: float | None) -> None:
    found = summarise([1.0, missing, 3.0])
    assert found["values"] == [1.0, None, 3.0]
    assert (found["mean"], found["std"]) == (2.0, pytest.approx(math.sqrt(2)))
    assert found["ci95"] == pytest.approx([2 - 12.706205, 2 + 12.706205], rel=1e-6)


def test_one_value_has_a_mean_and_no_spread() -> None:
    assert summarise([None, 0.5]) == {"values": [None, 0.5], "mean": 0.5, "std": None, "ci95": None}


@pytest.mark.parametrize("values", [[], [None], [None, float("nan")]])
def test_without_values_all_is_none(values: list[float | None]) -> None:
    assert summarise(values) == {"values": [None] * len(values), "mean": None, "std": None, "ci95": None}


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert summarise([0.25] * 4) == {"values": [0.25] * 4, "mean": 0.25, "std": 0.0, "ci95": [0.25, 0.25]}


def test_interval_is_not_clipped_to_the_range_of_an_accuracy() -> None:
    low, high = summarise([0.99, 1.0])["ci95"]
    assert (low, high) == pytest.approx((0.995 - 12.706205 * 0.005, 0.995 + 12.706205 * 0.005), rel=1e-6)
    assert high > 1


def test_huge_losses_do_not_overflow() -> None:
    found = summarise([1e300, 3e300, 5e300])
    json.dumps(found, allow_nan=False)
    assert found["mean"] == pytest.approx(3e300)
    assert found["std"] == pytest.approx(2e300)


def test_result_is_plain_json_and_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = summarise([np.float32(0.5), None, 1])  # type: ignore[list-item]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_columns_are_independent_of_each_other() -> None:
    table = np.array([[1.0, np.nan, np.nan], [3.0, 7.0, np.nan]])
    mean, std, low, high = t_interval(table)
    np.testing.assert_array_equal(mean, [2.0, 7.0, np.nan])
    np.testing.assert_allclose(std, [math.sqrt(2), np.nan, np.nan])
    np.testing.assert_allclose(high - low, [2 * 12.706205, np.nan, np.nan], rtol=1e-6)


def test_paired_difference_by_hand() -> None:
    found = paired_difference([5.0, 7.0, 9.0], [4.0, 5.0, 6.0])  # differences 1, 2, 3
    half = 4.302653 / math.sqrt(3)
    assert found["n"] == 3
    assert (found["mean"], found["std"]) == (2.0, pytest.approx(1.0))
    assert found["ci95"] == pytest.approx([2 - half, 2 + half], rel=1e-6)


def test_pairs_need_both_sides() -> None:
    found = paired_difference([1.0, None, 5.0, 4.0], [0.0, 9.0, float("nan"), 1.0])  # 1 and 3 are left
    assert (found["n"], found["mean"]) == (2, 2.0)
    assert found["std"] == pytest.approx(math.sqrt(2))
    assert paired_difference([1.0], [None]) == {"mean": None, "std": None, "ci95": None, "n": 0}


def test_pairing_removes_what_the_seeds_share() -> None:
    shared = [0.1, 0.5, 0.9, 0.3]
    found = paired_difference([v + 0.02 for v in shared], shared)
    assert found["std"] == pytest.approx(0, abs=1e-15)
    assert found["ci95"] == pytest.approx([0.02, 0.02], abs=1e-12)


def test_unequal_sides_are_refused() -> None:
    with pytest.raises(ConfigError, match="got 2 and 3"):
        paired_difference([1.0, 2.0], [1.0, 2.0, 3.0])


def test_importing_stats_loads_neither_torch_nor_scipy() -> None:
    import subprocess

    code = "import sys, bioplaus.stats; sys.exit(bool({'torch', 'scipy', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
