"""Two spirals by 2-8-8-2: dendrites of all three layers beside all controls. A demonstration, and not a gate: the base has not converged."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Report

__all__ = ["CLAIM"]

SETTINGS: dict[str, Any] = {"rule": "perforated", "data": "two_spirals", "seeds": 5, "probes": []}
_QUICK: dict[str, Any] = {"seeds": 2, "epochs": 150, "rule.fixed_switch_num": 25, "rule.p_epochs": 10}


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.perforated_arms import arm_rows, arms, cycle_rows, difference_row, of_cycle, picture

    settings = {**SETTINGS, **(_QUICK if quick else {})}
    found = arms(settings, folder)
    own, continued = found["perforated"], found["continued"]
    last = len(own["cycles"]) - 1
    rows = [
        *cycle_rows(own, settings),
        difference_row(f"K = {last} less continued training for as long, points", of_cycle(own, last), of_cycle(continued, last), settings),
        *arm_rows(found, settings),
    ]
    remarks = (
        "Two outputs under cross-entropy. Adam on all 194 points; a neuron phase lasts 1,200 epochs, a dendrite phase 150. The base has not "
        "converged after its phase, and seeds differ much: a table of what each part does, nothing more.",
    )
    return Report("see the row", tuple(rows), picture(found, "Two spirals, 2-8-8-2: dendrites and their controls"), remarks)


CLAIM = Claim(
    name="perforated_spirals",
    title="Perforated dendrites on two spirals, 2-8-8-2, three cycles, all controls",
    source="our own reference runs",
    target="a table of what each part does; nothing to reach",
    cost="3 min on one core",
    quick_cost="15 s",
    run=_run,
)
