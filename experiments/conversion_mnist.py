"""From rates to spikes: 784-1200-1200-10 of relu units without biases, trained, converted, and run for 100 steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

SETTINGS: dict[str, Any] = {
    "rule": "bp",
    "data": "mnist",
    "neuron": "relu",
    "network.hidden": [1200, 1200],
    "data.standardise": "none",
    "batch_size": 128,
    "plasticity": "adam",
    "rule.lr": 1e-3,
    "epochs": 8,
    "seeds": 3,
    "probes": [],
}


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.kept import measure
    from bioplaus.spiking.convert_run import convert_run

    small: dict[str, Any] = {"data.limit": 1000, "network.hidden": [60], "epochs": 2, "seeds": 2} if quick else {}
    summary = measure({**SETTINGS, **small}, folder)
    level = summary["test_accuracy"]
    own = {**SETTINGS, **small}
    head = ("relu network", "98.6 (Diehl et al. 2015, with dropout)")
    rows = [Measurement(*head, 100 * level["mean"], _percent(level), len(level["values"]), settings=own)]
    for steps in (20,) if quick else (20, 100):
        found = convert_run(summary["run_dir"], steps, out=f"{folder}/conversion-{steps}").values
        for balance, one in found["balances"].items():
            gap, at_end = 100 * one["gap"], steps == 100
            rows.append(
                Measurement(
                    f"spiking, {balance}, T={steps}",
                    "within .5 point of its network" if at_end else "",
                    100 * one["accuracy"]["mean"],
                    _percent(one["accuracy"]),
                    len(one["accuracy"]["values"]),
                    abs(gap) <= 0.5 if at_end else None,
                    settings={**own, "steps": steps, "balance": balance},
                    note=f"{_gap(gap)} its network; spikes per unit and step {', '.join(f'{r:.3f}' for r in one['firing_rate'])}",
                )
            )
    return Report("% test accuracy", tuple(rows), _picture(found, 100 * level["mean"]))


def _picture(found: dict[str, Any], level: float) -> Curves:
    from bioplaus.spiking.convert_run import curves, spread

    series = curves(found)
    panels = [
        Panel("time steps T", "test accuracy, %", series, title="from the first step"),
        Panel("time steps T", "test accuracy, %", [_late(one, level) for one in series], title="within three points"),
    ]
    return Curves("", "Accuracy of the converted network against time", panels, spread(found))


def _late(series: Series, level: float) -> Series:
    """Return the part of a curve that lies within three points of the relu network."""
    kept = [i for i, y in enumerate(series.y) if y > level - 3]
    error = series.error and [series.error[i] for i in kept]
    return replace(series, x=[series.x[i] for i in kept], y=[series.y[i] for i in kept], error=error)


def _gap(points: float) -> str:
    return f"{abs(points):.2f} points {'below' if points >= 0 else 'above'}"


def _percent(found: dict[str, Any]) -> tuple[float, float] | None:
    return tuple(100 * v for v in found["ci95"]) if found["ci95"] else None  # type: ignore[return-value]


CLAIM = Claim(
    name="conversion_mnist",
    title="Conversion on MNIST, 784-1200-1200-10",
    source="Diehl et al. 2015, IJCNN; Rueckauer et al. 2017, Front. Neurosci. 11:682",
    target="the spiking network within .5 point of its relu network at T=100",
    cost="10 min on one core",
    quick_cost="20 s",
    run=_run,
)
