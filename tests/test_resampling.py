"""Resampling statistics, against enumeration, closed forms, published examples and scipy's own routines."""

from __future__ import annotations

import itertools
import json
import warnings

import numpy as np
import pytest
from scipy import stats

from bioplaus.errors import ConfigError
from bioplaus.resampling import (
    bootstrap_interval,
    coverage,
    difference,
    holm,
    over_seeds,
    sign_flip_p,
    smallest_p,
    wilcoxon_p,
)

DRAWS = np.random.default_rng(3)
SAMPLES = [DRAWS.normal(0.4, 1.0, n).tolist() for n in (2, 3, 5, 8, 11)] + [[0.01, 0.01, -0.02, 0.03, 0.01], [1.0, 0.0, 2.0, -1.0]]


@pytest.mark.parametrize("d", SAMPLES, ids=len)
def test_sign_flips_are_enumerated(d: list[float]) -> None:
    means = [abs(sum(s * x for s, x in zip(signs, d))) for signs in itertools.product((1, -1), repeat=len(d))]
    expected = sum(m >= abs(sum(d)) - 1e-9 for m in means) / len(means)
    assert sign_flip_p(d) == expected
    theirs = stats.permutation_test((np.array(d),), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip_p(d) == pytest.approx(theirs)


@pytest.mark.parametrize("n", range(1, 13))
def test_differences_of_one_sign_give_the_smallest_p(n: int) -> None:
    assert sign_flip_p([0.1 * (i + 1) for i in range(n)]) == 2 / 2**n == smallest_p(n)
    assert wilcoxon_p([0.1 * (i + 1) for i in range(n)]) == smallest_p(n)
    assert sign_flip_p([-0.3] * n) == smallest_p(n)


def test_no_difference_and_no_values() -> None:
    assert (sign_flip_p([0.0] * 5), wilcoxon_p([0.0] * 5), sign_flip_p([0.2, -0.2])) == (1.0, 1.0, 1.0)
    assert (sign_flip_p([]), wilcoxon_p([None, float("nan")]), bootstrap_interval([0.5]), bootstrap_interval([])) == (None,) * 4


def test_many_differences_are_sampled_near_the_normal_law() -> None:
    d = np.random.default_rng(1).normal(0.3, 1.0, 40)
    z = abs(d.sum()) / np.sqrt((d**2).sum())  # variance of the sum under random signs
    assert sign_flip_p(d.tolist()) == pytest.approx(2 * stats.norm.sf(z), abs=0.01)
    assert sign_flip_p([1.0] * 40) == 1 / 10_000  # the observed pattern is one of those counted


def test_wilcoxon_without_ties_is_scipys_exact_test() -> None:
    for n in (3, 6, 10):
        d = np.random.default_rng(n).normal(0.5, 1.0, n)
        assert wilcoxon_p(d.tolist()) == pytest.approx(stats.wilcoxon(d, method="exact").pvalue)


def test_wilcoxon_with_ties_by_hand() -> None:
    """Differences 1, 1, -1, 2 have ranks 2, 2, 2, 4: the signed sum is 6; 6 of 16 patterns reach +-6: 10, 6 (three) and their mirrors."""
    assert wilcoxon_p([1.0, 1.0, -1.0, 2.0]) == 8 / 16
    # rounding must not tell 0.3 - 0.2 from 0.1, and 0 does not count: four ranks of 2.5, the signed sum 5 is reached by 10 of 16 patterns
    assert wilcoxon_p([0.1, 0.1, 0.1, -(0.3 - 0.2), 0.0]) == 10 / 16


def test_holm_on_a_published_style_example() -> None:
    """Worked example: 0.005, 0.01, 0.03, 0.04 become 0.02, 0.03, 0.06, 0.06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0] and holm([]) == []


def test_bootstrap_percentiles_of_two_values_are_the_values() -> None:
    """Half of the resamples of two values are one of them twice: the 2.5 and 97.5 % quantiles are the values themselves."""
    assert bootstrap_interval([1.0, 3.0]) == [1.0, 3.0]


def test_bootstrap_of_many_values_is_the_normal_interval() -> None:
    x = np.random.default_rng(0).normal(5.0, 2.0, 400)
    half = 1.959964 * x.std() / 20
    assert bootstrap_interval(x.tolist()) == pytest.approx([x.mean() - half, x.mean() + half], abs=0.1 * half)


def test_bootstrap_is_skewed_as_the_sample_is_and_always_the_same() -> None:
    x = [1.0, 1.1, 1.2, 1.3, 4.0]
    low, high = bootstrap_interval(x) or [0, 0]
    assert high - np.mean(x) > np.mean(x) - low > 0 and 1.0 <= low < high <= 4.0
    assert bootstrap_interval(x) == [low, high] == bootstrap_interval([None, *x, float("nan")])
    theirs = stats.bootstrap((x,), np.mean, n_resamples=9999, method="BCa", random_state=np.random.default_rng(7)).confidence_interval
    assert [low, high] == pytest.approx(list(theirs), abs=0.06)


def test_equal_values_have_an_interval_of_no_width() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bootstrap_interval([0.25] * 4) == [0.25, 0.25]


def test_over_seeds_and_difference_are_plain_json() -> None:
    found = difference([0.5, None, 0.75, 1.0], [0.25, 0.5, 0.25, float("nan")])
    assert (found["n"], found["mean"], found["p"], found["p_wilcoxon"]) == (2, 0.375, 0.5, 0.5)
    assert found["ci95"] == [0.25, 0.5] and "values" not in found
    json.dumps([found, over_seeds([1, None, 3])], allow_nan=False)
    assert over_seeds([1, None, 3]) == {"values": [1.0, None, 3.0], "mean": 2.0, "std": pytest.approx(2**0.5), "ci95": [1.0, 3.0]}
    none = difference([None], [1.0])
    assert (none["n"], none["mean"], none["ci95"], none["p"]) == (0, None, None, None)


def test_unequal_sides_are_refused() -> None:
    with pytest.raises(ConfigError, match="got 2 and 3"):
        difference([1.0, 2.0], [1.0, 2.0, 3.0])


def test_the_bootstrap_interval_is_too_narrow_by_as_much_as_is_said() -> None:
    """Of five normal values, against the draws themselves; 150 cases have a standard error of 3 in 100."""
    draws = np.random.default_rng(11).normal(size=(150, 5))
    held = [low <= 0 <= high for low, high in map(bootstrap_interval, draws)]  # type: ignore[misc]
    assert 100 * np.mean(held) == pytest.approx(coverage(5), abs=9)
    assert (coverage(5), coverage(12), coverage(500)) == (84, 90, 93)
