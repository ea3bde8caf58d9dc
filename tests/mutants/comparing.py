"""Defects of a comparison: statistics, the choice of rates, what is equal for all rows, what is run again."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["COMPARING"]

_STATS = ("test_resampling.py",)
_PLAN = ("comparison/test_plan.py",)
_WHOLE = ("comparison/test_compare.py",)

COMPARING = (
    # statistics
    Defect(
        "sign flips are one-sided",
        "bioplaus/resampling.py",
        "np.abs((1 - 2 * patterns) @ d)",
        "(1 - 2 * patterns) @ d",
        _STATS,
    ),
    Defect(
        "the observed signs do not count among random ones",
        "bioplaus/resampling.py",
        "np.zeros((1, n), dtype",
        "np.zeros((0, n), dtype",
        _STATS,
    ),
    Defect(
        "ties are told apart by rounding",
        "bioplaus/resampling.py",
        "DECIMALS = 12",
        "DECIMALS = 30",
        _STATS,
    ),
    Defect(
        "holm multiplies by the number of all tests",
        "bioplaus/resampling.py",
        "(len(there) - rank) * p",
        "len(there) * p",
        _STATS,
    ),
    Defect(
        "holm is not made monotone",
        "bioplaus/resampling.py",
        "worst = max(worst, min(",
        "worst = max(0.0, min(",
        _STATS,
    ),
    Defect(
        "unpaired seeds count as zero differences",
        "bioplaus/stats.py",
        "return as_array(a) - as_array(b)",
        "return np.nan_to_num(as_array(a) - as_array(b))",
        _STATS,
    ),
    Defect(
        "the bootstrap is a percentile bootstrap",
        "bioplaus/resampling.py",
        '("BCa", "percentile")',
        '("percentile",)',
        _STATS,
    ),
    # rates
    Defect(
        "the worst of equal rates is taken",
        "bioplaus/comparison/tuning.py",
        "0.0), value, i)",
        "0.0), -value, i)",
        _PLAN,
    ),
    Defect(
        "rates are chosen by loss alone",
        "bioplaus/comparison/tuning.py",
        "(-(a if a is not None else 0.0), value",
        "(0.0, value",
        _PLAN,
    ),
    Defect(
        "rates are tuned on the first seed of the table",
        "bioplaus/comparison/tuning.py",
        '"seed": TUNING_SEED',
        '"seed": plan.seeds[0]',
        _WHOLE,
    ),
    Defect(
        "every rate is tried on a seed of its own",
        "bioplaus/comparison/tuning.py",
        '"seed_step": 0',
        '"seed_step": 1',
        _WHOLE,
    ),
    Defect(
        "a rate that diverged counts with what it was before",
        "bioplaus/comparison/tuning.py",
        "if column and not gone",
        "if column",
        _WHOLE,
    ),
    Defect(
        "the untrained network counts among a rate's epochs",
        "bioplaus/comparison/tuning.py",
        "curves[1:] if len(curves) > 1 else curves",
        "curves",
        _WHOLE,
    ),
    Defect(
        "the chosen rate is not used",
        "bioplaus/comparison/row.py",
        'settings["rule.lr"] = choice.lr',
        "pass",
        _WHOLE,
    ),
    # conditions and columns
    Defect(
        "a recipe's epochs overrule the comparison's",
        "bioplaus/comparison/plan.py",
        '("epochs", "batch_size", "seeds"',
        '("batch_size", "seeds"',
        _PLAN,
    ),
    Defect(
        "seconds per epoch are of all seeds",
        "bioplaus/comparison/columns.py",
        'all_seeds / len(summary["seeds"])',
        "all_seeds",
        ("comparison/test_columns.py",),
    ),
    Defect(
        "angles at the end are those of the start",
        "bioplaus/comparison/columns.py",
        "values[:, -1]",
        "values[:, 0]",
        ("comparison/test_columns.py",),
    ),
    # directory and page
    Defect(
        "finished rows are run again",
        "bioplaus/comparison/pool.py",
        "if done is not None:",
        "if done is not None and False:",
        _WHOLE,
    ),
    Defect(
        "texts of the page are not escaped",
        "bioplaus/comparison/report.py",
        '{escape(row["error"])}',
        '{row["error"]}',
        _WHOLE,
    ),
)
