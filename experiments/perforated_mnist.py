"""MNIST by 784-16-10: up to two dendrites per neuron, beside all controls."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Report

__all__ = ["CLAIM"]

SETTINGS: dict[str, Any] = {
    "rule": "perforated", "data": "mnist", "seeds": 3, "epochs": 44, "rule.n_epochs_max": 12, "rule.p_epochs": 4, "probes": [],
}  # fmt: skip
_QUICK: dict[str, Any] = {"seeds": 2, "data.limit": 1000, "epochs": 10, "rule.n_epochs_max": 2, "rule.p_epochs": 2, "rule.n_epochs_to_switch": 1}


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.perforated_arms import arm_rows, arms, cycle_rows, difference_row, of_cycle, picture

    settings = {**SETTINGS, **(_QUICK if quick else {})}
    found = arms(settings, folder)
    own, continued = found["perforated"], found["continued"]
    rows = [
        *cycle_rows(own, settings),
        difference_row("K = 2 less continued training for as long, points", of_cycle(own, 2), of_cycle(continued, 2), settings),
        difference_row("K = 2 less K = 0, points", of_cycle(own, 2), of_cycle(own, 0), settings),
        *arm_rows(found, settings),
    ]
    remarks = (
        "Batches of 128 under Adam, rate .002, tanh; a neuron phase lasts 12 epochs at most, a dendrite phase 4. Nothing was tuned. Test scores "
        "are those of the epoch that validation selects. Three seeds: intervals are wide.",
    )
    return Report("see the row", tuple(rows), picture(found, "MNIST, 784-16-10: dendrites and their controls"), remarks)


CLAIM = Claim(
    name="perforated_mnist",
    title="Perforated dendrites on MNIST, 784-16-10, two cycles, all controls",
    source="no published target exists for this network",
    target="a table with intervals; nothing to reach",
    cost="12 min on one core",
    quick_cost="15 s",
    run=_run,
)
