"""Statistics that assume no distribution: bootstrap intervals, permutation and rank tests of paired differences, correction for many rules.

Like `bioplaus.stats`: a seed without a value (None or NaN) is left out, and what is undefined is None.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from bioplaus.stats import LEVEL, Array, Values, as_array, differences, paired_difference, summarise

__all__ = ["bootstrap_interval", "coverage", "difference", "holm", "over_seeds", "sign_flip_p", "smallest_p", "wilcoxon_p"]

RESAMPLES = 9999
#: times in 100 that the interval of so many normal values held their mean, measured on 2000 samples each
COVERAGE = {3: 72, 4: 79, 5: 84, 6: 85, 7: 86, 8: 89, 10: 90, 15: 92, 20: 93}
#: differences up to which all sign patterns are enumerated; more are sampled
MOST_EXACT = 14
#: decimals kept in a difference: what rounding tells apart is a tie to the tests
DECIMALS = 12


def bootstrap_interval(values: Values | Array) -> list[float] | None:
    """Return the 95 % bootstrap interval of the mean, always the same one for the same values.

    Bias-corrected and accelerated (BCa; Efron 1987, J. Am. Stat. Assoc. 82:171), by percentiles where the acceleration is undefined.
    With a handful of values it is too narrow, as bootstrap intervals are (`coverage`); of two values it is the two themselves.

    Returns
    -------
    [low, high]
        Never beyond the smallest and the largest value; None with fewer than two values.
    """
    from scipy import stats

    x = _finite(values)
    if len(x) < 2:
        return None
    if np.ptp(x) == 0:
        return [float(x[0]), float(x[0])]
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of degenerate resamples, which the next method answers
            made = stats.bootstrap(
                (x,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method=method, random_state=np.random.default_rng(0)
            )
        low, high = made.confidence_interval
        if np.isfinite(low) and np.isfinite(high):
            break
    return [float(low), float(high)]


def coverage(count: int) -> int:
    """Return in how many of 100 cases `bootstrap_interval` holds the mean of so many normal values, at least 3.

    For a number that was not measured, of the next smaller one that was.
    """
    return COVERAGE[max(n for n in COVERAGE if n <= count)]


def sign_flip_p(gaps: Values | Array) -> float | None:
    """Return the two-sided p of a mean difference under random signs.

    If neither side were better, each difference would be as likely with the other sign: ``p`` is the share of sign patterns whose mean is at
    least as far from 0 as the observed one. All ``2^n`` patterns up to n = 14, else 9999 random ones and the observed one.

    Returns
    -------
    float
        Not below ``2 / 2^n`` (`smallest_p`); None without any difference.
    """
    d = np.round(_finite(gaps), DECIMALS)
    n = len(d)
    if n == 0:
        return None
    if n <= MOST_EXACT:
        patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        patterns = np.random.default_rng(0).integers(0, 2, (RESAMPLES, n))
        patterns = np.concatenate([np.zeros((1, n), dtype=patterns.dtype), patterns])
    sums = np.abs((1 - 2 * patterns) @ d)
    return float(np.mean(sums >= abs(d.sum()) - 1e-12 * np.abs(d).sum()))


def wilcoxon_p(gaps: Values | Array) -> float | None:
    """Return the two-sided p of Wilcoxon's signed-rank test (Wilcoxon 1945); differences of 0 are left out, ties share ranks.

    Returns
    -------
    float
        Exact up to n = 14, ties included; 1 if all differences are 0, None without any.
    """
    from scipy import stats

    d = np.round(_finite(gaps), DECIMALS)
    if len(d) == 0:
        return None
    d = d[d != 0]
    if len(d) == 0:
        return 1.0
    ranks = stats.rankdata(np.abs(d)) * np.sign(d)
    # the signed ranks under random signs: the exact law of the statistic, for ties as well
    return sign_flip_p(ranks.tolist()) if len(d) <= MOST_EXACT else float(stats.wilcoxon(d).pvalue)


def smallest_p(pairs: int) -> float:
    """Return the smallest p that a two-sided test of signs can give with so many pairs: ``2 / 2^n``."""
    return min(1.0, 2.0 ** (1 - pairs))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Return p values corrected for their number (Holm 1979, Scand. J. Stat. 6:65): the family is wrong at most at the level read off.

    ``p'_(i) = max_{j <= i} min(1, (m - j + 1) p_(j))`` over the m values that are there, in rising order.

    Examples
    --------
    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    there = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    found: list[float | None] = [None] * len(ps)
    worst = 0.0
    for rank, (p, i) in enumerate(there):
        worst = max(worst, min(1.0, (len(there) - rank) * p))
        found[i] = worst
    return found


def over_seeds(values: Values) -> dict[str, Any]:
    """Return values, mean and standard deviation as `bioplaus.stats.summarise` does, with the bootstrap interval as ``ci95``."""
    return {**summarise(values), "ci95": bootstrap_interval(values)}


def difference(a: Values, b: Values) -> dict[str, Any]:
    """Return ``a - b`` over the seeds that have both: mean, std, ci95 (bootstrap), n, p (signs), p_wilcoxon.

    Raises
    ------
    ConfigError
        If the two sides are not equally long.
    """
    gaps = differences(a, b)
    ours = {"ci95": bootstrap_interval(gaps), "p": sign_flip_p(gaps), "p_wilcoxon": wilcoxon_p(gaps)}
    return {**paired_difference(a, b), **ours}


def _finite(values: Values | Array) -> Array:
    x = as_array(values)
    return x[np.isfinite(x)]
