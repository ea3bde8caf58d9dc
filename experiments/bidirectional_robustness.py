"""Bidirectional learning under attack: the published FGSM protocol beside attacks that no saturated softmax can hide from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from bioplaus.experiments.bidirectional_mnist import CONTROL_RATE, QUICK, SCHEDULES, called, settings_of
from bioplaus.experiments.claims import Claim, Measurement, Report

__all__ = ["CLAIM"]

#: network -> published % of test images right under one signed step of 0.3 against the network's own answer, by schedule
PUBLISHED: dict[str, dict[str, float]] = {
    "fc0": {"bp": 3.97, "half": 7.81, "bl": 40.18},
    "fc0_nobias": {"bp": 4.17, "half": 4.50, "bl": 60.14},
    "fc1": {"bp": 3.14, "half": 9.49, "bl": 11.48},
    "fc1_nobias": {"bp": 3.18, "half": 6.00, "bl": 8.14},
    "fc2": {"bp": 5.06, "half": 34.76, "bl": 22.11},
}
ATTACK: dict[str, Any] = {"eps": 0.3, "weights": "final", "figures": False}
_ATTACK_QUICK: dict[str, Any] = {"data.limit": 100, "steps": 5, "queries": 20}
#: columns of the figure, and what they are called there; the right label from the fourth on
COLUMNS = (
    ("clean", "clean"),
    ("noise", "noise"),
    ("fgsm_paper", "published\nFGSM"),
    ("fgsm_true64", "FGSM,\nfloat64"),
    ("fgsm_margin", "FGSM,\nmargin"),
    ("pgd_margin", "PGD,\nmargin"),
    ("pgd_loss", "PGD,\nloss"),
    ("pgd_rivals", "PGD,\nrivals"),
    ("gradient_free", "squares"),
    ("worst", "worst"),
)


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import measure

    runs = str(Path(folder).parent / "bidirectional_mnist")  # the networks are those of that claim, and are trained once
    attack = {**ATTACK, **(_ATTACK_QUICK if quick else {})}
    found: list[Measurement] = []
    table: dict[str, dict[str, Any]] = {}
    for network, published in PUBLISHED.items():
        wanted: list[tuple[str, dict[str, Any], float | None]] = []
        wanted += [(SCHEDULES[schedule], settings_of("mnist", network, schedule), figure) for schedule, figure in published.items()]
        if network in CONTROL_RATE:
            rate = CONTROL_RATE[network]
            wanted.append((f"BP at BL's rate {rate:g}", settings_of("mnist", network, "bp", rate), None))
        ends: dict[str, dict[str, Any]] = {}
        for schedule, own, figure in wanted:
            settings = {**own, **(QUICK if quick else {})}
            one = _attacked(measure(settings, runs)["run_dir"], attack)
            ends[schedule] = table[f"{called(network)} {schedule}"] = one
            found += _rows(f"{called(network)} {schedule}", one, settings, figure)
        found.append(_order(called(network), {SCHEDULES[key]: figure for key, figure in published.items()}, ends, quick))
    remarks = (
        "Weights are those of the last update, a fixed number of them; published are those of the look at the test set with the highest clean "
        "accuracy, of one seed. All 10,000 test images, eps 0.3, L-infinity.",
        "Published FGSM: one step against the network's own answer, in single precision. Worst: the share of images that are right as they are "
        "and under every attack (docs/robustness.md); with one layer that is exact. All attacks but the published one know the right label and "
        "compute in double precision.",
        "What is held against the published figures is the order of the schedules, by means over seeds.",
    )
    return Report("% of test images right", tuple(found), _picture(table), remarks)


def _attacked(run: str, attack: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `bioplaus robustness` finds, from the run's folder if the same was asked there before; columns of PGD by what they climb."""
    from bioplaus.robustness.run import robustness

    kept = Path(run) / "robustness" / "robustness.json"
    try:
        values = json.loads(kept.read_text(encoding="utf-8"))
        same = values["asked"] == dict(attack)
    except (OSError, ValueError, KeyError):
        same = False
    if not same:
        values = robustness(run, attack).values
    return {key.replace(f"pgd{values['steps']}_", "pgd_"): value for key, value in values.items()}


def _rows(name: str, one: Mapping[str, Any], settings: dict[str, Any], published: float | None) -> list[Measurement]:
    """Return two rows: the published protocol, and the worst with all other columns in its note."""
    beside = "; ".join(f"{_line(what)} {100 * one[key]['mean']:.2f}" for key, what in COLUMNS if key not in ("fgsm_paper", "worst"))
    exact = "" if one["exact_worst_case"] is None else f"; exact worst case {100 * one['exact_worst_case']['mean']:.2f}"
    static = f"static {one['static_sigmoid']['mean']:.3g} (sigmoid), {one['static_softmax']['mean']:.3g} (softmax)"
    zero = f"gradient 0 in the published protocol for {100 * one['zero_gradient_fraction']['mean']:.2f} % of the images"
    figure = "no figure" if published is None else f"{published:.2f} published"
    return [
        _row(f"{name}: published FGSM", figure, one["fgsm_paper"], settings),
        _row(f"{name}: worst", "no figure", one["worst"], settings, f"{beside}{exact}; {static}; {zero}"),
    ]


def _line(name: str) -> str:
    """Return the name of a column in one line."""
    return name.replace("\n", " ")


def _row(name: str, target: str, found: Mapping[str, Any], settings: dict[str, Any], note: str = "") -> Measurement:
    interval = tuple(100 * end for end in found["ci95"]) if found["ci95"] else None
    return Measurement(name, target, 100 * found["mean"], interval, len(found["values"]), None, settings, note)  # type: ignore[arg-type]


def _order(name: str, published: Mapping[str, float], ends: Mapping[str, Mapping[str, Any]], quick: bool) -> Measurement:
    """Return in how many seeds the schedules stand in the published order under the published protocol; the order of means is the target."""
    order = sorted(published, key=lambda schedule: published[schedule])
    values = [ends[schedule]["fgsm_paper"]["values"] for schedule in order]
    held = sum(all(a < b for a, b in pairwise(seed)) for seed in zip(*values))
    means = [ends[schedule]["fgsm_paper"]["mean"] for schedule in order]
    worst = ", ".join(f"{schedule} {100 * ends[schedule]['worst']['mean']:.2f}" for schedule in order)
    return Measurement(
        f"{name}: seeds in the published order of that protocol",
        " < ".join(order) + " by means",
        held,
        reached=None if quick else all(a < b for a, b in pairwise(means)),
        note=f"worst in the same order: {worst}",
    )


def _picture(table: Mapping[str, Mapping[str, Any]]) -> Any:
    from bioplaus.pictures import Heatmap

    values = [[100 * one[key]["mean"] for key, _ in COLUMNS] for one in table.values()]
    columns = [what for _, what in COLUMNS]
    note = "Means over seeds; L-infinity, eps 0.3; last weights."
    return Heatmap("", "MNIST test images still right, %", list(table), columns, values, "% of test images", (0.0, 100.0), note)


CLAIM = Claim(
    name="bidirectional_robustness",
    title="Bidirectional learning under attack: the published protocol, and what it hides",
    source="Pontes-Filho & Liwicki 2018, arXiv:1805.08006, appendix",
    target="the published order of BP, BL then BP, and BL under FGSM in single precision against the network's own answer",
    cost="10 min on one core after bidirectional_mnist, 25 min without",
    quick_cost="1 min",
    run=_run,
)
