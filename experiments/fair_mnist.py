"""The fair table: rules on one MNIST network with ELU, every rule at its own tuned rate, beside the two controls."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report

__all__ = ["CLAIM"]

RULES = "bp,fa,dfa,usf,ccl,readout,top,kp,drtp"


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.comparison.run import compare

    small = {"data.limit": 2000, "epochs": 2, "tune_epochs": 1, "seeds": 2} if quick else {"epochs": 20, "tune_epochs": 4, "seeds": 3}
    rules = "bp,ccl,top" if quick else RULES
    keys: dict[str, Any] = {"rules": rules, "data": "mnist", "neuron": "elu", "published": False, "workers": 1, **small}
    made = compare({**keys, "run.root": folder}, progress=True)
    command = "bioplaus compare " + " ".join(f"{key}={str(value).lower()}" for key, value in keys.items() if key != "workers")
    return Report("% test accuracy", tuple(_row(row, keys["seeds"], command) for row in made.rows))


def _row(row: dict[str, Any], seeds: int, command: str) -> Measurement:
    found, settings = row["accuracy"] or {}, {"rule": row["rule"], "rule.lr": row["lr"], "seeds": seeds, "command": command}
    if row["error"] or found.get("mean") is None:
        return Measurement(row["rule"], "", None, settings=settings, note=row["error"] or "no value")
    gap, search = row["difference_to_bp"], row["tuning"] or {}
    notes = [f"rate {row['lr']:g}" + (f", at the {search['edge']} end of the grid" if search.get("edge") else "")]
    if row["rule"] != "bp" and gap and gap["mean"] is not None:
        notes.append(f"{100 * gap['mean']:+.2f} points from bp [{100 * gap['ci95'][0]:+.2f}, {100 * gap['ci95'][1]:+.2f}]")
    angles = [f"{a:.0f}" if a is not None else "-" for a in row["angle_to_bp"] or []]
    notes += [f"angles to bp at the end {' '.join(angles)}"] if angles else []
    notes += [(row["audit"] or {}).get("short") or "not audited"]
    ci = tuple(100 * v for v in found["ci95"]) if found["ci95"] else None
    return Measurement(row["rule"], "", 100 * found["mean"], ci, seeds, None, settings, "; ".join(notes))  # type: ignore[arg-type]


CLAIM = Claim(
    name="fair_mnist",
    title="Rules on MNIST, 784-256x5-10, ELU, own tuned rates, 20 epochs",
    source="our own bar: no figure is published for it",
    target="a table with intervals; nothing to reach",
    cost="35 min on one core",
    quick_cost="30 s",
    run=_run,
)
