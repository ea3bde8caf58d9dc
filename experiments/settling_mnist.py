"""Forward-Forward, predictive coding and equilibrium propagation on MNIST: at least 96 % in minutes on a CPU, one seed, stated settings."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Report

__all__ = ["CLAIM"]

#: rule and what differs from its recipe; rates and widths were chosen on validation samples
ROWS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("ff, recipe but predicted by its softmax readout", "ff", {"rule.predict": "softmax"}),
    ("ff, recipe (hard negatives, predicted by goodness)", "ff", {}),
    (
        "pc, 784-256-256-10, cosine",
        "pc",
        {"network.hidden": [256, 256], "rule.lr": 0.3, "batch_size": 64, "plasticity.schedule": "cosine", "epochs": 6},
    ),
    ("ep, recipe (784-500-10)", "ep", {}),
)


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import accuracy_row

    rows = []
    for name, rule, own in ROWS:
        small: dict[str, Any] = {"data.limit": 1000, "epochs": 1} if quick else {}
        settings = {"rule": rule, "data": "mnist", "seeds": 1, "probes": [], "threads": 1, **own, **small}
        rows.append(accuracy_row(name, settings, folder, ">= 96", low=96.0))
    return Report("% test accuracy", tuple(rows))


CLAIM = Claim(
    name="settling_mnist",
    title="FF, PC and EP on MNIST, one seed",
    source="our own bar",
    target="each at least 96 %",
    cost="8 min on one core",
    quick_cost="20 s",
    run=_run,
)
