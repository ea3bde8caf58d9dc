"""Defects of a sweep: what its keys mean, which runs a pack holds, what ranks, what a job does twice, what a search is told."""

from __future__ import annotations

from mutants.defect import Defect

__all__ = ["SWEEPING"]

_GRAMMAR = ("sweeping/test_grammar.py",)
_PACKING = ("sweeping/test_packing.py",)
_RESULTS = ("sweeping/test_results.py",)
_JOBS = ("sweeping/test_killed.py",)
_SEARCH = ("sweeping/test_search.py",)

SWEEPING = (
    Defect("commas within brackets split", "bioplaus/sweeping/grammar.py", 'letter == "," and not open_', 'letter == ","', _GRAMMAR),
    Defect("log() leaves its end out", "bioplaus/sweeping/grammar.py", "last = int(numbers[2]) - 1", "last = int(numbers[2])", _GRAMMAR),
    Defect("the end of range() is part of it", "bioplaus/sweeping/grammar.py", "count = math.ceil(", "count = 1 + math.floor(", _GRAMMAR),
    Defect(
        "equal cells are both run",
        "bioplaus/sweeping/cells.py",
        "if text in known:",
        "if text in known and False:",
        ("sweeping/test_sweep_plan.py",),
    ),
    Defect(
        "runs of other settings share a pack",
        "bioplaus/sweeping/packing.py",
        'tree[section][name] = "per replica"',
        "tree.clear()",
        _PACKING,
    ),
    Defect("the cells of a pack have seeds of their own", "bioplaus/sweeping/packing.py", '{"seed_step": 0}', "{}", _PACKING),
    Defect(
        "the test set ranks",
        "bioplaus/sweeping/results.py",
        'accuracy, loss = row["validation_accuracy"]',
        'accuracy, loss = row["test_accuracy"]',
        _RESULTS,
    ),
    Defect(
        "a cell without all seeds may be best",
        "bioplaus/sweeping/results.py",
        'return not row["complete"], first',
        "return False, first",
        _RESULTS,
    ),
    Defect("a finished job is run again", "bioplaus/sweeping/job.py", "if found is not None:", "if found is not None and False:", _JOBS),
    Defect("two may hold one folder", "bioplaus/claim.py", "fcntl.flock(file, fcntl.LOCK_EX)", "pass", _JOBS),
    Defect(
        "a search minimises accuracy",
        "bioplaus/sweeping/search.py",
        "return 1.0 - float(accuracy)",
        "return float(accuracy)",
        _SEARCH,
    ),
    Defect(
        "every trial of a search draws from one seed",
        "bioplaus/sweeping/search.py",
        "[self._plan.options.sampler_seed, number]",
        "[self._plan.options.sampler_seed]",
        _SEARCH,
    ),
)
