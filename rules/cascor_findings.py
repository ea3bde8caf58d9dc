"""What a run of cascade-correlation shows: units and epochs of each seed, whether it solved its task, and scores unit by unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from bioplaus.pictures import Curves, Findings, Panel, Series
from bioplaus.rules.base import StageScores
from bioplaus.rules.cascor_growth import CANDIDATES, DONE, OUTPUTS, recorded
from bioplaus.stats import summarise
from bioplaus.view import View

if TYPE_CHECKING:
    from bioplaus.rules.cascor import CascorConfig

__all__ = ["unit_findings"]

SPLITS = ("train", "validation", "test")


def unit_findings(config: CascorConfig, views: Sequence[View], scores: Sequence[StageScores]) -> Findings:
    """Return ``units`` (one entry per seed) and ``stages`` (one per number of units), a table, and a figure of both.

    Parameters
    ----------
    views
        One per pack, with the rule's state as the run left it.
    scores
        Scores of the networks with 0, 1, .. units.
    """
    seeds = [seed for view in views for seed in view.streams.seeds]
    K, epochs, phase, solved = (torch.cat([view.state[key] for view in views]).tolist() for key in ("K", "epochs", "phase", "solved"))
    per_seed = [
        {"seed": seed, "units": k, "epochs": e, "solved": bool(ok), "parameters": _parameters(views[0], k)}
        for seed, k, e, ok in zip(seeds, K, epochs, solved)
    ]
    entries = [_stage(k, K, views, one) for k, one in enumerate(scores)]
    done = [one for one in per_seed if one["solved"]]
    values: dict[str, Any] = {"units": per_seed, "stages": entries, "solved": len(done), "units_mean": sum(K) / len(K)}
    selected = [units for view in views for units in _selected(view)]
    values["selected_units"] = selected
    values["parameters"] = values["parameters_inference"] = round(sum(_parameters(views[0], k) for k in selected) / len(selected))
    warning = _unsolved(config, per_seed, phase)
    text = "\n".join(filter(None, [_sentence(per_seed, done), warning, _fewer(selected, K), _table(entries)]))
    return Findings({**values, "cascor_warning": warning}, text, [_figure(entries, per_seed)] if entries else [])


def _selected(view: View) -> list[int]:
    """Return how many units each replica's selected network hears: one that is installed and not yet heard has weight 0."""
    below, top = view.networks["forward"].layers
    heard = (view.params[top.weight][..., below.connection.in_shape[0] :] != 0).any(-2)  # [R, K]
    return [int(row.nonzero().max()) + 1 if bool(row.any()) else 0 for row in heard]


def _fewer(selected: Sequence[int], last: Sequence[int]) -> str:
    """Say whose selected network is not the last one, "" if none is."""
    if list(selected) == list(last):
        return ""
    told = f"{selected[0]}" if len(set(selected)) == 1 else f"{min(selected)} to {max(selected)}"
    return f"The scores above are of the epochs of lowest validation loss, with units: {told}, not of the last network."


def _parameters(view: View, units: int) -> int:
    """Return weights and biases of m outputs and K units over n inputs: ``m (n + K + 1) + K (n + 1) + K (K - 1)/2``."""
    below, top = view.networks["forward"].layers
    n, m = below.connection.in_shape[0], top.connection.out_shape[0]
    return int(m * (n + units + 1) + units * (n + 1) + units * (units - 1) // 2)


def _stage(k: int, K: Sequence[int], views: Sequence[View], scores: StageScores) -> dict[str, Any]:
    """Return the line of networks with k units: means over the seeds that got there."""
    there = [units >= k for units in K]

    def mean(values: Sequence[float | None]) -> float | None:
        kept = [v for v, ok in zip(values, there) if ok and v is not None and math.isfinite(v)]
        return sum(kept) / len(kept) if kept else None

    def column(name: str, at: int, now: str = "") -> float | None:
        found: list[float] = []
        for view in views:
            kept = recorded(view.state, name, at + 1) if at >= 0 else None
            past = [math.nan] * len(view.state["K"]) if kept is None else kept[:, at].tolist()
            last = [float(view.state[now][r]) if now and view.state["K"][r] == at else value for r, value in enumerate(past)]
            found += last
        return mean(found)

    return {
        "units": k,
        "seeds": sum(there),
        "parameters": _parameters(views[0], k),
        **{f"{split}_{key}": mean(scores[split][key]) for split in SPLITS for key in ("accuracy", "loss")},
        "score": column("score", k - 1),
        "epochs_outputs": column("epochs_outputs", k, "outputs_age"),
        "epochs_candidates": column("epochs_candidates", k - 1),
        "values": {f"{split}_accuracy": [v if ok else None for v, ok in zip(scores[split]["accuracy"], there)] for split in SPLITS},
    }


def _sentence(per_seed: Sequence[dict[str, Any]], done: Sequence[dict[str, Any]]) -> str:
    n = len(per_seed)
    if not done:
        return ""
    units, epochs = (summarise([float(one[key]) for one in done]) for key in ("units", "epochs"))
    low, high = min(one["units"] for one in done), max(one["units"] for one in done)
    spread = "" if len(done) == 1 else f" ({low} to {high})"
    unit = "unit" if units["mean"] == 1 else "units"
    return f"solved: {len(done)} of {n} seeds, with {units['mean']:.4g} {unit}{spread} after {epochs['mean']:.4g} epochs"


def _unsolved(config: CascorConfig, per_seed: Sequence[dict[str, Any]], phase: Sequence[int]) -> str:
    """Return in capitals which seeds did not solve the task and why, "" if all did."""
    full = [one["seed"] for one, p in zip(per_seed, phase) if p == DONE and not one["solved"]]
    late = [one["seed"] for one, p in zip(per_seed, phase) if p != DONE]
    words = []
    if full:
        words.append(f"seed{_s(full)} stopped at rule.max_units={config.max_units}")
    if late:
        where = {OUTPUTS: "the outputs' phase", CANDIDATES: "the candidates' phase"}
        among = sorted({where.get(p, "between phases") for p in phase if p != DONE})
        words.append(f"seed{_s(late)} ran out of epochs in {' and '.join(among)}; raise epochs, or resume the run with more")
    missed = f"not every output is within rule.tolerance={config.tolerance:g} of its target at every training pattern"
    return f"NOT SOLVED: {'; '.join(words)}: {missed}" if words else ""


def _s(seeds: Sequence[int]) -> str:
    return f"{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _table(entries: Sequence[dict[str, Any]]) -> str:
    def number(value: float | None, factor: float = 1.0, form: str = ".2f") -> str:
        return "-" if value is None else f"{factor * value:{form}}"

    head = f"{'units':>5} {'seeds':>5} {'param.':>6} {'train %':>8} {'val. %':>7} {'test %':>7} {'S':>8} {'epochs: candidates + outputs':>29}"
    lines = [head]
    for one in entries:
        epochs = f"{number(one['epochs_candidates'], form='.0f')} + {number(one['epochs_outputs'], form='.0f')}"
        scores = " ".join(f"{number(one[f'{split}_accuracy'], 100):>{width}}" for split, width in zip(SPLITS, (8, 7, 7)))
        lines.append(f"{one['units']:>5} {one['seeds']:>5} {one['parameters']:>6} {scores} {number(one['score'], form='.4f'):>8} {epochs:>29}")
    return "\n".join(lines)


def _figure(entries: Sequence[dict[str, Any]], per_seed: Sequence[dict[str, Any]]) -> Curves:
    def line(label: str, key: str, factor: float, colour: int) -> Series:
        values = [math.nan if one[key] is None else factor * one[key] for one in entries]
        return Series(label, [one["units"] for one in entries], values, colour=colour)

    accuracy = [line(split, f"{split}_accuracy", 100, i) for i, split in enumerate(SPLITS)]
    counts = [sum(one["units"] == k for one in per_seed) for k in range(len(entries))]
    panels = [
        Panel("units", "accuracy, %", accuracy, whole_x=True),
        Panel("units", "S of the unit", [line("", "score", 1, 0)], whole_x=True, text="" if len(entries) > 1 else "no unit was needed"),
        Panel("units at the end", "seeds", [Series("", list(range(len(counts))), counts, points=True)], whole_x=True, whole_y=True),
    ]
    return Curves("units.png", "Units of cascade-correlation", panels, "Means over the seeds that have so many units.", shared=False)
