"""What each part of counter-current learning contributes: one thing changed at a time, MNIST, 784-256x5-10, 20 epochs, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bioplaus.errors import RunError
from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["ARMS", "BASE", "BASELINE", "CLAIM", "Arm"]

#: published settings, but 20 epochs in place of 100
BASE: dict[str, Any] = {
    "rule": "ccl", "data": "mnist", "network.hidden": [256] * 5, "epochs": 20, "seeds": 3, "probes": [], "threads": 1,
}  # fmt: skip
_QUICK: dict[str, Any] = {"data.limit": 1000, "epochs": 1, "seeds": 2}
TUNE_EPOCHS = 3
BASELINE = "published settings"
_NORMALISED = {"rule.loss": "normalised", "rule.lambda_cross": 1.0}
_AROUND = (0.5, 1.0, 2.0)
_ABOVE = (1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Arm:
    """One change to the baseline: what is overridden, the rates it may choose from (none: the published rate), its word in the figure."""

    name: str
    group: str
    short: str
    change: Mapping[str, Any] = field(default_factory=dict)
    rates: Sequence[float] = ()


#: in the order of the table; the groups are the panels of the figure
ARMS = (
    Arm(BASELINE, "", "published"),
    Arm("own rate", "loss and feedback", "own\nrate", {}, _AROUND),
    Arm("V frozen", "loss and feedback", "V\nfrozen", {"rule.lr_feedback": 0.0}),
    Arm("normalised loss", "loss and feedback", "norm.", _NORMALISED, (1.0, 3.0, 9.0)),
    Arm("normalised loss, self terms", "loss and feedback", "norm.\n+ self", {**_NORMALISED, "rule.lambda_self": 0.5}, (3.0, 9.0, 27.0)),
    Arm("bp", "other rules", "bp", {"rule": "bp"}, _AROUND),
    Arm("readout, cross-entropy", "other rules", "readout", {"rule": "readout"}, _AROUND),
    Arm(
        "readout, squared (the pair loss without its chain)", "other rules", "readout\nsquared",
        {"rule": "readout", "rule.loss": "squared", "rule.gain": 0.5}, (0.25, 0.5, 1.0),
    ),
    Arm("top", "other rules", "top", {"rule": "top"}, (10.0, 30.0, 90.0)),
    Arm("clip none", "clip", "none", {"plasticity.clip": "none"}),
    Arm("clip per layer", "clip", "per\nlayer", {"plasticity.clip": "per_layer"}),
    Arm("tanh", "neuron", "tanh", {"neuron": "tanh"}, _AROUND),
    Arm("relu", "neuron", "relu", {"neuron": "relu"}, _AROUND),
    *(
        Arm(f"{n} weight layers", "weight layers", str(n), {"network.hidden": [256] * (n - 1)}, _ABOVE if n > 6 else _AROUND)
        for n in (2, 3, 4, 8)
    ),
    Arm("batch 1024", "batch", "1024", {"batch_size": 1024}, _ABOVE),
    Arm("batch 64", "batch", "64", {"batch_size": 64}, (0.25, 0.5, 1.0)),
)  # fmt: skip
#: the quick form's: one of each kind
_FEW = (BASELINE, "V frozen", "normalised loss, self terms", "bp", "clip per layer", "2 weight layers", "batch 64")
#: where the baseline stands among the arms of its group
_SELF = {"clip": "per\nnetwork", "neuron": "elu", "weight layers": "6", "batch": "256"}


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import measure, tuned_together

    base = {**BASE, **(_QUICK if quick else {})}
    found: dict[str, Mapping[str, Any]] = {}
    made: list[tuple[Arm, dict[str, Any], str]] = []
    for arm in (arm for arm in ARMS if not quick or arm.name in _FEW):
        settings, note = {**base, **arm.change}, ""
        if arm.rates:
            rates = arm.rates[:2] if quick else arm.rates
            settings, note = tuned_together(settings, rates, folder, epochs=1 if quick else TUNE_EPOCHS)
        try:
            found[arm.name] = measure(settings, folder)
        except RunError as error:  # that no seed stays finite is what the arm shows
            if "finite" not in str(error):
                raise
            note = "the numbers of every seed stop being finite before the end"
        made.append((arm, settings, note))
    beside = {arm.name: _record(arm, found, settings) for arm, settings, _ in made if arm.name in found}
    rows = tuple(
        _row(arm, found[arm.name], beside[arm.name], settings, note)
        if arm.name in found
        else Measurement(arm.name, "", None, settings=settings, note=note)
        for arm, settings, note in made
    )
    records = tuple(beside.values())
    return Report("% test accuracy", rows, _picture(records), _remarks(records), records=records)


def _record(arm: Arm, found: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an arm is above the baseline in the same seeds, in points, what a step costs, and how many there are."""
    from bioplaus.experiments.perforated_arms import in_points
    from bioplaus.stats import paired_difference

    summary = found[arm.name]
    gap, interval = in_points(paired_difference(summary["test_accuracy"]["values"], found[BASELINE]["test_accuracy"]["values"]))
    return {
        "name": arm.name,
        "difference": gap,
        "ci95": list(interval) if interval else None,
        "flops": summary["flops_per_sample"],
        "updates": settings["epochs"] * -(-summary["train_samples"] // settings.get("batch_size", 256)),
    }


def _row(arm: Arm, summary: Mapping[str, Any], record: Mapping[str, Any], settings: Mapping[str, Any], note: str) -> Measurement:
    from bioplaus.experiments.perforated_arms import in_points

    gap, interval = record["difference"], record["ci95"]
    said = [] if arm.name == BASELINE or gap is None or interval is None else [difference(gap, interval)]
    said += [note] if note else []
    said += [f"{record['flops'] / 1e6:.3f} MFLOP per sample and step, {record['updates']} steps"]
    test = summary["test_accuracy"]
    n = sum(value is not None for value in test["values"])
    mean, ci95 = in_points(test)
    return Measurement(arm.name, "", mean, ci95, n, None, dict(settings), "; ".join(said), summary["seconds"]["total"])


def difference(mean: float, ci95: Sequence[float]) -> str:
    """Return a paired difference to the baseline in words."""
    if ci95[0] == ci95[1] == 0:
        return "the very same numbers"
    reaches = ", which reaches 0" if ci95[0] <= 0 <= ci95[1] else ""
    return f"{mean:+.2f} points [{ci95[0]:+.2f}, {ci95[1]:+.2f}]{reaches}"


def _remarks(records: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    steps = {one["name"]: one["updates"] for one in records if one["name"] == BASELINE or one["name"].startswith("batch")}
    return (
        f"Each row is the baseline ({BASELINE}: raw pair loss, rate 1, norm of each network's change clipped at 1, elu, 6 weight layers, "
        "batches of 256) with one thing changed, and its difference to the baseline in the same seeds. Where another rate may be needed, "
        f"it is that of highest validation accuracy after {TUNE_EPOCHS} epochs on a seed that no row uses; 'own rate' is the baseline "
        "treated so.",
        "Batches differ at an equal number of epochs, hence in updates: "
        + ", ".join(f"{name} {number}" for name, number in steps.items())
        + ". The feedback network runs once per batch, so that its share of the cost falls as K/B.",
    )


def _picture(records: Sequence[Mapping[str, Any]]) -> Curves:
    by_name = {one["name"]: one for one in records}
    arms = [arm for arm in ARMS if arm.name in by_name and arm.group]
    groups = list(dict.fromkeys(arm.group for arm in arms))
    return Curves(
        "",
        "Counter-current learning with one thing changed: MNIST, 784-256x5-10, 20 epochs",
        [_panel(group, [arm for arm in arms if arm.group == group], by_name) for group in groups],
        "Difference to the published settings, paired by seed; bars: 95 % interval (Student's t). "
        "Squares: the published settings themselves.",
        shared=False,
    )


def _panel(group: str, arms: Sequence[Arm], records: Mapping[str, Mapping[str, Any]]) -> Panel:
    def value(arm: Arm) -> tuple[float, float]:
        record = records[arm.name]
        interval, gap = record["ci95"], record["difference"]
        return float("nan") if gap is None else gap, (interval[1] - interval[0]) / 2 if interval else float("nan")

    points = [(arm.short, *value(arm)) for arm in arms]
    if group in _SELF:
        points.append((_SELF[group], 0.0, float("nan")))
    if all(short.isdigit() for short, *_ in points):
        points.sort(key=lambda point: int(point[0]))
    own = [i for i, point in enumerate(points) if group in _SELF and point[0] == _SELF[group]]
    others = [i for i in range(len(points)) if i not in own]
    series = [Series("", [-0.5, len(points) - 0.5], [0.0, 0.0], colour=None, dashed=True)]
    series.append(Series("", others, [points[i][1] for i in others], [points[i][2] for i in others], points=True))
    series.append(Series("", own, [0.0] * len(own), points=True, colour=1, marker="s", size=6))
    widest = max((abs(gap) + (0.0 if half != half else half) for _, gap, half in points if gap == gap), default=0.0)
    limits = (-1.0, 1.0) if widest < 1 else None  # a difference of nothing should look like it
    return Panel("", "points of accuracy", series, title=group, names=[short for short, *_ in points], y_limits=limits)


CLAIM = Claim(
    name="ccl_ablations",
    title="CCL with one thing changed at a time: MNIST, 784-256x5-10, 20 epochs",
    source="our own question: what does each part of the method contribute",
    target="a table with intervals; nothing to reach",
    cost="45 min on one core",
    quick_cost="20 s",
    run=_run,
)
