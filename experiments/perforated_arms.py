"""What claims about perforated dendrites share: a run with its controls, scores by seed and cycle, and rows of paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bioplaus.experiments.claims import Measurement
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["ARMS", "Arms", "arm_rows", "arms", "cycle_rows", "difference_row", "in_points", "of_cycle", "picture"]

#: control -> what it would show if dendrites were of no use
ARMS = {
    "continued": "no dendrites, the same phases",
    "random": "dendrites that never learn",
    "gd": "dendrites learn by backpropagation",
    "no_perforation": "errors pass through dendrites",
    "width_matched": "a plain network of as many numbers",
}

#: name of an arm -> summary of its run
Arms = Mapping[str, Mapping[str, Any]]
Values = Sequence[float | None]


def arms(settings: Mapping[str, Any], folder: str) -> dict[str, dict[str, Any]]:
    """Return the summary of a run and those of its controls, by name; what is there already is read."""
    from bioplaus.kept import measure
    from bioplaus.store import Store

    own = measure(settings, folder, controls=True)
    found = {"perforated": own}
    for name, one in (own.get("controls") or {}).items():
        summary = Store.open(Path(one["run_dir"])).summary() if one and one.get("run_dir") else None
        if summary is not None:
            found[name] = summary
    return found


def of_cycle(summary: Mapping[str, Any], cycle: int, key: str = "test_accuracy") -> list[Any]:
    """Return one number per seed at a cycle's best epoch by validation; None for seeds that did not get there."""
    by_seed = summary["cycle_values"]
    return list(by_seed[cycle][key]) if cycle < len(by_seed) else [None] * len(summary["seeds"])


def in_points(found: Mapping[str, Any]) -> tuple[float | None, tuple[float, float] | None]:
    """Return mean and interval of a summary of fractions, in percent."""
    mean, ci95 = found["mean"], found["ci95"]
    return None if mean is None else 100 * mean, (100 * ci95[0], 100 * ci95[1]) if ci95 else None


def difference_row(
    name: str, mine: Values, other: Values, settings: Mapping[str, Any], target: str = "", *, least: float | None = None, note: str = ""
) -> Measurement:
    """Return the row of a difference paired by seed, in points of accuracy.

    Parameters
    ----------
    least
        The target is a mean of at least this and an interval above 0; None for no target.
    """
    from bioplaus.stats import paired_difference

    found = paired_difference(mine, other)
    mean, ci95 = in_points(found)
    said = [note] if note else []
    if ci95 is not None and ci95[0] <= 0 <= ci95[1]:
        said.insert(0, "the interval reaches 0: no difference is shown")
    reached = None if least is None or mean is None else mean >= least and ci95 is not None and ci95[0] > 0
    return Measurement(name, target, mean, ci95, found["n"], reached, dict(settings), "; ".join(said))


def cycle_rows(summary: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Measurement]:
    """Return a row of test accuracy per number of dendrites, each at the best epoch of its cycle by validation."""
    from bioplaus.stats import summarise

    rows = []
    for k, one in enumerate(summary["cycles"]):
        found = summarise(of_cycle(summary, k))
        rho = f", |rho| {', '.join(f'{value:.2f}' for value in one['rho'])}" if one["rho"] else ""
        note = f"{one['parameters']} parameters, train {100 * one['train_accuracy']:.1f} %, loss {one['train_loss']:.3g} (train), "
        note += f"{one['validation_loss']:.3g} (validation){rho}; epochs {one['epochs_n']:.0f} + {one['epochs_p']:.0f}, {one['seconds']:.1f} s"
        n = sum(value is not None for value in found["values"])
        rows.append(Measurement(f"K = {k}: test accuracy, %", "", *in_points(found), n, None, dict(settings), note, one["seconds"]))
    return rows


def arm_rows(found: Arms, settings: Mapping[str, Any]) -> list[Measurement]:
    """Return a row of test accuracy per arm, at the epoch that validation selects, with the paired difference to the perforated one."""
    from bioplaus.stats import paired_difference

    rows = []
    for name, text in {"perforated": "", **ARMS}.items():
        summary = found.get(name)
        if summary is None:
            rows.append(Measurement(f"{name}: test accuracy, %", "", None, settings=dict(settings), note="not run"))
            continue
        test, last = summary["test_accuracy"], summary["cycles"][-1]
        note = [f"{last['parameters']} parameters, train loss {last['train_loss']:.3g} in the end"]
        if name != "perforated":
            mean, ci95 = in_points(paired_difference(found["perforated"]["test_accuracy"]["values"], test["values"]))
            interval = f" [{ci95[0]:.2f}, {ci95[1]:.2f}]" if ci95 else ""
            note.append(f"perforated less this {mean:+.2f}{interval}" + (", which reaches 0" if ci95 and ci95[0] <= 0 <= ci95[1] else ""))
        n = sum(value is not None for value in test["values"])
        label = f"{name} ({text})" if text else name
        rows.append(Measurement(f"{label}: test accuracy, %", "", *in_points(test), n, None, dict(settings), "; ".join(note)))
    return rows


def picture(found: Arms, title: str) -> Curves:
    """Return test accuracy and training loss of all arms against parameters, one point per cycle, with standard errors."""
    from bioplaus.stats import summarise

    panels = []
    for key, label, scale in (("test_accuracy", "test accuracy, %", 100), ("train_loss", "training loss", 1)):
        series = []
        for i, (name, summary) in enumerate(found.items()):
            stats = [summarise(of_cycle(summary, k, key)) for k in range(len(summary["cycles"]))]
            xs = [float(one["parameters"]) for one in summary["cycles"]]
            ys = [scale * one["mean"] for one in stats]
            errors = [scale * (one["std"] or 0) / len(one["values"]) ** 0.5 for one in stats]
            if len(set(xs)) == 1:  # what does not grow is shown at its last cycle
                xs, ys, errors = xs[-1:], ys[-1:], errors[-1:]
            still = len(xs) == 1
            mark, hollow = "osDv^P"[i % 6], name == "continued"
            series.append(Series(name.replace("_", " "), xs, ys, errors, points=still, colour=i, marker=mark, hollow=hollow))
        panels.append(Panel("parameters", label, series, log_y=key == "train_loss", legend="below"))
    n = len(found["perforated"]["seeds"])
    note = f"{n} seeds, bands and bars of one standard error. One point per cycle; continued and width matched after their last one."
    return Curves("", title, panels, note, shared=False)
