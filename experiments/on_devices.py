"""What claims about memristive devices share: what a run on them cost, and how far it lies from another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from bioplaus.experiments.claims import Measurement

__all__ = ["device", "drop", "measurement", "points", "pulses_per_weight", "spent"]


def device(name: str, **more: Any) -> dict[str, Any]:
    """Return the settings that put a device behind every weight, with further ones of the plasticity."""
    return {"plasticity": "memristor", "plasticity.device": name, **{f"plasticity.{key}": value for key, value in more.items()}}


def pulses_per_weight(summary: Mapping[str, Any], sizes: Sequence[int]) -> float:
    """Return the mean number of pulses per weight and seed; both devices of a pair count.

    Parameters
    ----------
    sizes
        Widths of the layers, input to output. A rule that trains feedback weights has these on devices too.
    """
    pulses: Mapping[str, Mapping[str, Sequence[int]]] = summary["pulses"]
    networks = len({leaf.partition("/")[0] for leaf in pulses})
    seeds = len(summary["refreshes"])
    sent = sum(sum(values) for leaf in pulses.values() for values in leaf.values())
    return sent / seeds / (networks * sum(a * b for a, b in pairwise(sizes)))


def spent(summary: Mapping[str, Any], sizes: Sequence[int]) -> str:
    """Say in words what writing took: pulses per weight, refreshed pairs, and energy where the device's voltages are known; means over seeds."""
    refreshes, energy = summary["refreshes"], summary["energy_joule"]
    words = [f"{pulses_per_weight(summary, sizes):.3g} pulses per weight"]
    words += [f"{sum(refreshes) / len(refreshes):,.0f} pairs refreshed"] if any(refreshes) else []
    words += [f"{1e6 * sum(energy) / len(energy):.3g} uJ for writing"] if energy else []
    bound = [sum(values) / len(values) for values in summary["at_bounds"].values()]
    return ", ".join([*words, f"{100 * max(bound):.1f} % of devices at a bound in the worst layer"])


def drop(summary: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """Return by how many points of test accuracy a run lies below a reference: mean and 95 % interval of the differences seed by seed."""
    from bioplaus.stats import paired_difference

    below, above = (summary["test_accuracy"]["values"] for summary in (summary, reference))
    found = paired_difference(above, below)
    return {"mean": None if found["mean"] is None else 100 * found["mean"], "ci95": found["ci95"] and [100 * v for v in found["ci95"]]}


def points(found: Mapping[str, Any], of: str) -> str:
    """Say a `drop` in words."""
    if found["mean"] is None:
        return f"no difference from {of}"
    interval = " [{:+.2f}, {:+.2f}]".format(*(-v for v in reversed(found["ci95"]))) if found["ci95"] else ""
    return f"{-found['mean']:+.2f} points from {of}{interval}"


def measurement(
    name: str, settings: Mapping[str, Any], summary: Mapping[str, Any], *, target: str = "", note: str = "", part: str = "test"
) -> Measurement:
    """Return the row of a run: accuracy on a part in percent, nothing to reach."""
    found = summary[f"{part}_accuracy"]
    mean = None if found["mean"] is None else 100 * found["mean"]
    ci95 = tuple(100 * v for v in found["ci95"]) if found["ci95"] else None
    n = sum(v is not None for v in found["values"])
    return Measurement(name, target, mean, ci95, n, None, dict(settings), note, summary["seconds"]["total"])  # type: ignore[arg-type]
