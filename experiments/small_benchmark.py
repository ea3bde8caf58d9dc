"""The small synthetic benchmark (teacher of 8 features, 4 classes): the order of rules, in seconds and without data files."""

from __future__ import annotations

from bioplaus.experiments.claims import Claim, Report

__all__ = ["CLAIM"]

#: name, overrides, mean of 3 seeds of an independent implementation (None: not measured there)
ROWS: tuple[tuple[str, dict[str, object], float | None], ...] = (
    ("bp, lr 0.2", {"rule": "bp", "rule.lr": 0.2}, 89.78),
    ("dfa, lr 0.1", {"rule": "dfa", "rule.lr": 0.1}, 88.93),
    ("ccl raw, lr 0.5", {"rule": "ccl", "rule.lr": 0.5}, 86.55),
    ("usf, lr 0.1", {"rule": "usf", "rule.lr": 0.1}, 86.40),
    ("ccl raw, lr 0.2", {"rule": "ccl", "rule.lr": 0.2}, 85.62),
    ("ccl raw, lr 0.2, feedback frozen", {"rule": "ccl", "rule.lr": 0.2, "rule.lr_feedback": 0.0}, 84.08),
    ("fa, lr 0.1", {"rule": "fa", "rule.lr": 0.1}, 83.65),
    ("readout, lr 0.5 (local readouts, no chain)", {"rule": "readout", "rule.lr": 0.5}, None),
    ("top, lr 0.2", {"rule": "top", "rule.lr": 0.2}, 75.12),
)


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import accuracy_row

    # the benchmark trains on all 4,000 rows for 40 epochs and reports the last one: no validation, no selection
    common = {"data": "synthetic", "data.validation": 0.0, "seeds": 1 if quick else 3, "epochs": 5 if quick else 40}
    rows = [
        accuracy_row(name, {**common, **own, "probes": []}, folder, "")
        if target is None
        else accuracy_row(name, {**common, **own, "probes": []}, folder, f"{target} +- 2", low=target - 2, high=target + 2)
        for name, own, target in ROWS
    ]
    return Report("% test accuracy", tuple(rows))


CLAIM = Claim(
    name="small_benchmark",
    title="Synthetic benchmark, 20-64-64-64-4",
    source="independent implementation, 3 seeds",
    target="BP 89.78, DFA 88.93, CCL 86.55 / 85.62, uSF 86.40, frozen feedback 84.08, FA 83.65, top 75.12, each +- 2",
    cost="1 min",
    quick_cost="5 s",
    run=_run,
)
