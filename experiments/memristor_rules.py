"""Which rules tolerate which devices: four rules on six devices, one network, every cell at its own tuned rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Heatmap

__all__ = ["CLAIM", "DEVICES", "RULES"]

RULES = ("bp", "fa", "dfa", "ccl")
#: device -> why it is here
DEVICES = {
    "epiram": "64 levels, almost linear",
    "hzo_fefet": "32 levels, depression slow first",
    "ag_asi": "100 levels, strongly nonlinear",
    "ecram": "1,000 fine steps, little noise",
    "reram_sb": "2,000 fine steps, noise of four steps per pulse, soft bounds",
    "pcm": "steps up alone: pairs with a refresh",
}
REFERENCE = "sgd"
SIZES = (784, 256, 256, 10)
RATES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
TUNE_EPOCHS = 2
#: a drop that is small beside what devices do to accuracy, in points
TOLERABLE = 1.0
_RUN: dict[str, Any] = {"data": "mnist", "network.hidden": list(SIZES[1:-1]), "batch_size": 256, "epochs": 10, "seeds": 3, "probes": []}
_QUICK = {"data.limit": 2000, "epochs": 1, "seeds": 2}

Cells = Mapping[str, Mapping[str, float]]


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.on_devices import device, drop, measurement, points, spent
    from bioplaus.experiments.rows import measure, tuned_together

    rules, names = (("bp", "ccl"), ("epiram", "pcm")) if quick else (RULES, tuple(DEVICES))
    rates, tune_epochs = ((0.25, 1.0), 1) if quick else (RATES, TUNE_EPOCHS)
    rows: list[Measurement] = []
    drops: dict[str, dict[str, float]] = {rule: {} for rule in rules}
    for rule in rules:
        base = {"rule": rule, **_RUN, **(_QUICK if quick else {})}
        reference: Mapping[str, Any] = {}
        for name in (REFERENCE, *names):
            settings, note = tuned_together({**base, **({} if name == REFERENCE else device(name))}, rates, folder, epochs=tune_epochs)
            summary = measure(settings, folder)
            if name == REFERENCE:
                reference = summary
            else:
                lost = drop(summary, reference)
                drops[rule][name] = float("nan") if lost["mean"] is None else lost["mean"]
                note = f"{points(lost, f'{rule} with plain sgd')}; {note}; {spent(summary, SIZES)}"
            rows.append(measurement(f"{rule}, {name}", settings, summary, note=note))
    note = "Mean over seeds of the differences seed by seed; each field at its own rate."
    columns = [name.replace("_", " ") for name in names]
    shown = [[drops[rule][name] for name in names] for rule in rules]
    picture = Heatmap("", "Test accuracy lost to devices, in points below plain sgd", rules, columns, shown, "points lost", (0.0, 15.0), note)
    return Report("% test accuracy", tuple(rows), picture=picture, remarks=(_protocol(tune_epochs), *_found(drops)))


def _protocol(tune_epochs: int) -> str:
    return (
        "one network, activation (elu), batch size and clipping (norm of a network's change at most 1) for all; pair cells at their defaults, "
        f"unidirectional with a refresh for pcm. Each row has the rate of highest validation accuracy after {tune_epochs} of 10 epochs, from "
        "one grid. A row's settings run alone with `bioplaus simulate`. Devices: "
        + "; ".join(f"{name}: {why}" for name, why in DEVICES.items())
        + "."
    )


def _found(drops: Cells) -> tuple[str, ...]:
    """Say which rules and devices go together, from the drops alone."""
    rules, names = list(drops), list(next(iter(drops.values())))
    fine = {rule: [name for name in names if drops[rule][name] < TOLERABLE] for rule in rules}
    mean = {rule: sum(drops[rule].values()) / len(names) for rule in rules}
    device = {name: sum(drops[rule][name] for rule in rules) / len(rules) for name in names}
    kept = "; ".join(f"{rule}: {', '.join(found) or 'none'}" for rule, found in fine.items())
    return (
        f"devices on which a rule loses less than {TOLERABLE:g} point: {kept}",
        "mean drop over devices, in points: " + ", ".join(f"{rule} {mean[rule]:.1f}" for rule in sorted(rules, key=mean.__getitem__)),
        "mean drop over rules, in points: " + ", ".join(f"{name} {device[name]:.1f}" for name in sorted(names, key=device.__getitem__)),
    )


CLAIM = Claim(
    name="memristor_rules",
    title="Rules on memristive devices: four rules, six devices, MNIST, 784-256-256-10",
    source="our own bar: no figure is published for it",
    target="a table with intervals; nothing to reach",
    cost="100 min on one core",
    quick_cost="15 s",
    run=_run,
)
