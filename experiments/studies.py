"""Comparisons with backprop as claims: a family of rules, a call of `bioplaus.compare` per network, records for the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.experiments.costly import words
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["COMPARISONS", "study"]

#: what a quick run changes, which shows that the command works and nothing else
QUICK: dict[str, Any] = {"data.limit": 200, "epochs": 2, "tune_epochs": 1, "seeds": 2, "grid": [1.0, 4.0]}

#: keys of the comparisons of every study made so far, by its name
COMPARISONS: dict[str, Mapping[str, Mapping[str, Any]]] = {}


def study(name: str, family: str, comparisons: Mapping[str, Mapping[str, Any]], *, source: str, cost: str, few: str = "") -> Claim:
    """Return the claim that compares a family of rules with backprop.

    Parameters
    ----------
    name, family
        Of the claim, and what its rules have in common.
    comparisons
        Title of each comparison -> keys of `bioplaus.compare`.
    source, cost
        Papers of the rules; what the full run takes.
    few
        Rules of the quick run, in place of all.
    """

    def run(quick: bool, folder: str) -> Report:
        from bioplaus import compare

        rows: list[Measurement] = []
        records: list[dict[str, Any]] = []
        panels: list[Panel] = []
        for title, keys in comparisons.items():
            own = {**keys, **(QUICK | ({"rules": few} if few else {}) if quick else {})}
            found = compare({**own, "run.root": folder, "workers": 1}, progress=True).found
            command = f"bioplaus compare {words(own)}"
            made = [_record(row, found, title, command) for row in found["rows"]]
            rows += [_measurement(record) for record in made]
            records += made
            panels.append(_panel(title, made, "below" if len(comparisons) == 1 else "best"))
        remarks = (
            "each rule, backprop too, at the rate of highest validation accuracy of six multiples of its recipe's, on a seed that no row uses.",
            "intervals: 95 % bootstrap of the mean over seeds; differences within seeds.",
        )
        picture = Curves("", f"{family}: what is reached for what it costs", panels, "Bars: one standard error over seeds.", shared=False)
        return Report("% test accuracy", tuple(rows), picture=picture, remarks=remarks, records=tuple(records))

    COMPARISONS[name] = comparisons
    return Claim(
        name=name,
        title=f"{family}, beside backprop",
        source=source,
        target="a table with intervals and paired differences; nothing to reach",
        cost=cost,
        quick_cost="30 s",
        run=run,
    )


def _record(row: Mapping[str, Any], found: Mapping[str, Any], title: str, command: str) -> dict[str, Any]:
    """Return what the leaderboard needs of a row, as plain data."""
    accuracy, gap, search = row["accuracy"] or {}, row["difference_to_bp"] or {}, row["tuning"] or {}
    return {
        "comparison": title,
        "data": found["data"],
        "network": found["network"],
        "reference": found["reference"],
        "epochs": found["epochs"],
        "label": row["rule"],
        "rule": row["name"],
        "neuron": row["neuron"],
        "error": row["error"],
        "accuracy": {key: accuracy.get(key) for key in ("mean", "ci95", "values")},
        "difference": {key: gap.get(key) for key in ("mean", "ci95", "p_holm")},
        "lr": row["lr"],
        "edge": search.get("edge") or "",
        "flops": row["flops_per_sample"],
        "seconds_per_epoch": row["seconds_per_epoch"],
        "audit": (row["audit"] or {}).get("short") or "not audited",
        "untrained_seeds": len(row["untrained_seeds"] or []),
        "command": command,
    }


def _measurement(record: Mapping[str, Any]) -> Measurement:
    label = f"{record['comparison']}: {record['label']}"
    mean, ci95, values = (record["accuracy"][key] for key in ("mean", "ci95", "values"))
    settings = {"rule": record["rule"], "rule.lr": record["lr"], "seeds": len(values or ()), "command": record["command"]}
    if record["error"] or mean is None:
        return Measurement(label, "", None, settings=settings, note=record["error"] or "no value")
    gap, notes = record["difference"], []
    if record["lr"] is not None:
        notes.append(f"rate {record['lr']:g}" + (f", at the {record['edge']} end of the grid" if record["edge"] else ""))
    if record["rule"] != record["reference"] and gap["mean"] is not None:
        ends = f" [{100 * gap['ci95'][0]:+.2f}, {100 * gap['ci95'][1]:+.2f}]" if gap["ci95"] else ""
        notes.append(f"{100 * gap['mean']:+.2f} points from {record['reference']}{ends}")
    if record["untrained_seeds"]:
        notes.append(f"{record['untrained_seeds']} seeds never below the loss of the untrained network, whose weights were tested")
    notes.append(record["audit"])
    ends95 = (100 * ci95[0], 100 * ci95[1]) if ci95 else None
    n = sum(value is not None for value in values)
    return Measurement(label, "", 100 * mean, ends95, n, None, settings, "; ".join(notes))


def _panel(title: str, records: list[dict[str, Any]], legend: str) -> Panel:
    """Return accuracy against the operations of one training step: a point per row. One legend below would be that of the first panel."""
    from statistics import mean, stdev

    series = []
    shown = [r for r in records if r["accuracy"]["mean"] is not None and r["flops"]]
    unit, size = ("kFLOP", 1e3) if max((r["flops"] for r in shown), default=1e6) < 1e5 else ("MFLOP", 1e6)
    for colour, record in enumerate(shown):
        values = [100 * value for value in record["accuracy"]["values"] if value is not None]
        error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
        series.append(Series(record["label"], [record["flops"] / size], [mean(values)], [error], points=True, colour=colour, size=6.0))
    return Panel(f"{unit} per sample and training step", "test accuracy, %", series, title, log_x=True, legend=legend)
