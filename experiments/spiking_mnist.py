"""Surrogate gradients on MNIST: one hidden layer of 1000 leaky integrate-and-fire units, 25 steps, constant input (snnTorch's tutorial 5)."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Report

__all__ = ["CLAIM", "report"]

#: name, settings, what is to be reached in % test accuracy
ROWS: tuple[tuple[str, dict[str, Any], str, float], ...] = (
    ("1 epoch", {"epochs": 1}, "93.4 or more; 93.87 in one published run", 93.4),
    ("10 epochs", {"epochs": 10}, "97.5 or more", 97.5),
    ("10 epochs, falling rate", {"epochs": 10, "plasticity.schedule": "cosine"}, "97.5 or more", 97.5),
)
SEEDS = 3


def _run(quick: bool, folder: str) -> Report:
    return report(ROWS, quick, folder)


def report(chosen: tuple[tuple[str, dict[str, Any], str, float], ...], quick: bool, folder: str) -> Report:
    """Return the rows with these settings on top of the tutorial's, and the curves of those of ten epochs."""
    from bioplaus.experiments.curves_of_runs import accuracy_curves
    from bioplaus.experiments.rows import accuracy_row, measure

    rows = []
    small: dict[str, Any] = {"data.limit": 1000, "network.hidden": [50], "seeds": 2} if quick else {}
    for name, own, target, low in chosen[:1] if quick else chosen:
        settings: dict[str, Any] = {"rule": "surrogate", "data": "mnist", "neuron.steps": 25, **own, "seeds": SEEDS}
        rows.append(accuracy_row(name, settings | {"probes": [], "threads": 1, **small}, folder, target, low=low))
    runs = [(row.name, measure(row.settings, folder)["run_dir"]) for row in rows if quick or "10" in row.name]
    picture = accuracy_curves(runs, "784-1000-10 LIF units on MNIST, T = 25")
    return Report("% test accuracy", tuple(rows), picture)


CLAIM = Claim(
    name="spiking_mnist",
    title="Surrogate gradients on MNIST, 784-1000-10 LIF, T=25",
    source="snnTorch 1.0, tutorial 5 (one epoch, one run)",
    target="93.87 % after one epoch; our bars 93.4 and, after ten epochs, 97.5",
    cost="45 min on one core",
    quick_cost="10 s",
    run=_run,
)
