"""The project's first figures, run for real: seconds each, bands from an independent implementation (see experiments/small_benchmark.py)."""

from __future__ import annotations

from bioplaus import simulate
from bioplaus.experiments.small_benchmark import ROWS


def _accuracy(seeds: int, **settings: object) -> float:
    keys = {key.replace("__", "."): value for key, value in settings.items()}
    summary = simulate({**keys, "run.save": False, "probes": [], "seeds": seeds}).summary
    return 100 * summary["test_accuracy"]["mean"]


def test_small_benchmark_rows_and_their_order() -> None:
    found = {}
    for name, own, target in ROWS:
        if target is not None:
            mean = _accuracy(3, data="synthetic", data__validation=0.0, epochs=40, **own)
            assert abs(mean - target) <= 2, f"{name}: {mean:.2f} against {target}"
            found[name] = mean
    assert len(found) == 8
    bp, ccl, slow, frozen, top = (mean for name, mean in found.items() if name.startswith(("bp", "ccl", "top")))
    assert bp > ccl > frozen > top and min(ccl, slow) > 82.75  # a least-squares linear classifier


def test_digits_defaults() -> None:
    bp, ccl = (_accuracy(5, rule=rule, data="digits") for rule in ("bp", "ccl"))
    top = _accuracy(5, rule="top", data="digits", rule__lr=0.2)
    assert bp >= 96.5 and ccl >= 95.5 and ccl >= top + 2
