"""Rules that go forward in time beside backpropagation through time, on one network: e-prop (random, symmetric feedback) and DECOLLE."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report

__all__ = ["CLAIM"]

NETWORK: dict[str, Any] = {"data": "mnist", "neuron.steps": 25, "epochs": 1, "probes": [], "threads": 1}
ROWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("backpropagation through time", {"rule": "surrogate"}),
    ("e-prop, symmetric", {"rule": "eprop", "rule.feedback": "symmetric", "rule.reg": 0.0, "rule.rate": 0.01}),
    ("e-prop, random, rates not regularised", {"rule": "eprop", "rule.feedback": "random", "rule.reg": 0.0, "rule.rate": 0.01}),
    ("e-prop, random, rates regularised", {"rule": "eprop", "rule.feedback": "random", "rule.reg": 1.0, "rule.rate": 0.05}),
    ("DECOLLE", {"rule": "decolle"}),
)
#: rates that validation chooses from, the same for every rule, at full length: shorter runs ask for larger rates, at which units fall silent
RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3)
SEEDS = 3
BAR = "above 90 %; within 3 points of backpropagation through time"


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import accuracy_row, tuned

    small: dict[str, Any] = {"data.limit": 600, "network.hidden": [40], "neuron.steps": 10} if quick else {}
    rates, seeds = (RATES[4:], 2) if quick else (RATES, SEEDS)
    rows: list[Measurement] = []
    for name, own in ROWS:
        settings = {**NETWORK, **own, **small}
        grid = [{"rule.lr": rate} for rate in rates]
        chosen, how = tuned(settings, grid, folder, by="accuracy")
        final = {**settings, "rule.lr": chosen["rule.lr"], "seeds": seeds}
        low = None
        if rows and not quick and rows[0].mean is not None and "symmetric" not in name:
            low = max(90.0, rows[0].mean - 3)
        elif not quick:
            low = 90.0
        rows.append(accuracy_row(name, final, folder, BAR if rows else "above 90 %", low=low, note=how))
    remarks = tuple(_gap(rows[0], row) for row in rows[1:])
    return Report("% test accuracy", tuple(rows), remarks=remarks)


def _gap(reference: Measurement, row: Measurement) -> str:
    if reference.mean is None or row.mean is None:
        return f"{row.name}: no gap, a mean is missing."
    gap = reference.mean - row.mean
    return f"{row.name}: {abs(gap):.2f} points {'below' if gap >= 0 else 'above'} backpropagation through time."


CLAIM = Claim(
    name="spiking_online",
    title="Forward in time on MNIST, 784-1000-10 LIF, T=25, one epoch: e-prop and DECOLLE",
    source="Bellec et al. 2020, Nat. Commun. 11:3625; Kaiser, Mostafa & Neftci 2020, Front. Neurosci. 14:424 (rules; comparison ours)",
    target="above 90 %, within 3 points of backpropagation through time",
    cost="90 min on one core",
    quick_cost="30 s",
    run=_run,
)
