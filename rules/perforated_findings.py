"""What a run of perforated dendrites shows: a line per cycle, how well candidates followed their error, and the network with its dendrites."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bioplaus.pictures import Curves, Findings, Panel, Series
from bioplaus.rules.base import StageScores
from bioplaus.rules.perforated_drawing import drawing
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.rules.perforated_state import DENDRITES, NEURONS, dendrites_of, reached, recorded
from bioplaus.view import View

__all__ = ["cycle_findings"]

SPLITS = ("train", "validation", "test")


def cycle_findings(config: PerforatedConfig, views: Sequence[View], scores: Sequence[StageScores], seconds: Sequence[float]) -> Findings:
    """Return the cycles as data, as a table and as figures, and in capitals why no dendrite was added if none was.

    Parameters
    ----------
    views
        One per pack.
    scores
        Scores of the best network of each cycle.
    seconds
        Of the updates of each epoch, all seeds together.
    """
    columns = len(scores)
    there = torch.cat([_padded(reached(view.state), columns, False) for view in views]).cpu().numpy()
    entries = [_entry(c, there[:, c], views, scores[c], seconds) for c in range(columns)]
    selected = [value for view in views for value in _selected(view)]
    values: dict[str, Any] = {"cycles": entries, "selected_dendrites": selected, "mode": config.mode, "error_source": config.error_source}
    values |= {"cycle_values": [_by_seed(c, there[:, c], views, scores[c]) for c in range(columns)]}
    if columns:
        values["parameters"] = values["parameters_inference"] = round(float(np.mean([_parameters(views[0], k) for k in selected])))
    text = _table(entries) if entries else "no neuron phase was scored, so there is no cycle to show"
    warning = _no_dendrites(config, views)
    pictures = [_figure(entries), *([drawing(views[0], selected[0])] if selected[0] else [])] if columns else []
    return Findings({**values, "perforated_warning": warning}, "\n".join(filter(None, [warning, text])), pictures)


def _padded(mask: Tensor, columns: int, fill: bool) -> Tensor:
    return torch.nn.functional.pad(mask, (0, columns - mask.shape[1]), value=fill)


def _entry(c: int, there: Any, views: Sequence[View], scores: StageScores, seconds: Sequence[float]) -> dict[str, Any]:
    """Return one line: means over the seeds that got there."""
    dendrites = _column(views, "dendrites", c, lambda view: view.state["K"] * (view.state["phase"] == NEURONS))
    rho, rho_max, cov, cov_max = (_column(views, key, c) for key in ("rho", "rho_max", "covariance", "covariance_max"))
    spans = [_span(view, c, seconds) for view in views]
    phases = np.concatenate(spans)
    epochs = _column(views, "epochs_n", c, lambda view: view.state["since"]), _column(views, "epochs_p", c)
    k = float(_mean(dendrites, there) or 0)
    return {
        "dendrites": int(k) if k == int(k) else k,
        "parameters": round(float(np.mean([_parameters(views[0], int(v)) for v in dendrites[there]]))) if there.any() else None,
        **{f"{split}_{key}": _mean(_array(scores[split][key]), there) for split in SPLITS for key in ("accuracy", "loss")},
        "rho": _mean(rho, there) or [],
        "rho_max": _mean(rho_max, there) or [],
        "covariance": _mean(cov, there) or [],
        "covariance_max": _mean(cov_max, there) or [],
        "epochs_n": _mean(epochs[0], there),
        "epochs_p": _mean(epochs[1], there) or 0.0,
        "seconds": _mean(phases.sum(1), there),
        "seconds_n": _mean(phases[:, 0], there),
        "seconds_p": _mean(phases[:, 1], there),
        "seeds": int(there.sum()),
    }


def _by_seed(c: int, there: Any, views: Sequence[View], scores: StageScores) -> dict[str, list[Any]]:
    """Return the scores of each seed at one cycle, for paired differences, and its correlations, one per layer."""
    rho = _column(views, "rho", c)
    known = [None] * len(there) if rho is None else [row.tolist() if np.isfinite(row).all() else None for row in rho]
    found: dict[str, list[Any]] = {"rho": [value if ok else None for value, ok in zip(known, there)]}
    for split in SPLITS:
        found |= {f"{split}_{key}": [value if ok else None for value, ok in zip(scores[split][key], there)] for key in ("accuracy", "loss")}
    return found


def _array(values: Sequence[float | None]) -> Any:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _mean(values: Any, there: Any) -> Any:
    """Return the mean over the seeds that got there as a number, or a list for several layers; None where there is none."""
    if values is None or not there.any():
        return None
    kept = values[there]
    known = np.isfinite(kept).any(0)
    if not np.all(known):
        return None
    found = np.nanmean(kept, 0)
    return found.tolist() if found.ndim else float(found)


def _column(views: Sequence[View], name: str, c: int, under_way: Any = None) -> Any:
    """Return column c of a record for all seeds; a cycle under way has no record yet, and a number of its own if it is asked for."""
    found = []
    for view in views:
        kept = recorded(view.state, name, c + 1)
        value = None if kept is None else kept[:, c]
        if under_way is not None:
            now = under_way(view).double()
            value = now if value is None else torch.where(torch.isfinite(value), value, now)
        if value is None:
            return None
        found.append(value.cpu().numpy())
    return np.concatenate(found)


def _span(view: View, c: int, seconds: Sequence[float]) -> Any:
    """Return seconds of updates within the neuron and the dendrite phase of cycle c, ``[R, 2]``."""
    total = np.concatenate([[0.0], np.cumsum(seconds)])
    last = float(min(view.clock.epoch, len(seconds)))

    def at(name: str, column: int, default: Any) -> Any:
        kept = recorded(view.state, name, column + 1) if column >= 0 else None
        value = np.full(len(view.state["cycle"]), np.nan) if kept is None else kept[:, column].cpu().numpy()
        return np.where(np.isfinite(value), value, default).astype(int).clip(0, len(seconds))

    end = at("epoch_end", c, last)
    begin = at("epoch_end", c - 1, 0.0)
    middle = at("epoch_p", c, begin)
    return np.stack([total[end] - total[middle], total[middle] - total[begin]], 1)


def _parameters(view: View, dendrites: int) -> int:
    """Return the numbers of the forward network with so many dendrites per neuron of the layers that grow them."""
    network = view.networks["forward"]
    hidden = {key for one in dendrites_of(view).values() for key in one.leaves}
    plain = sum(math.prod(leaf.shape) for key, leaf in network.leaves.items() if key not in hidden)
    return plain + sum(one.size(dendrites) for one in dendrites_of(view).values())


def _selected(view: View) -> list[int]:
    """Return how many dendrites the selected network of each seed uses: rows of u that are not zero in some layer."""
    layers = dendrites_of(view).values()
    live = torch.stack([(view.params[one.u] != 0).any(2).sum(1) for one in layers])
    return [int(k) for k in live.amax(0)]


def _table(entries: Sequence[dict[str, Any]]) -> str:
    def percent(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.2f}"

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.4g}"

    head = f"{'dendrites':>9} {'parameters':>10} {'train %':>8} {'train loss':>10} {'val. %':>7} {'test %':>7}  "
    head += f"{'|rho| per layer':<18} {'epochs N+P':>10} {'s':>6}"
    lines = [head]
    for one in entries:
        rho = ", ".join(f"{value:.2f}" for value in one["rho"]) or "-"
        epochs = f"{one['epochs_n'] or 0:.0f}+{one['epochs_p']:.0f}"
        lines.append(
            f"{one['dendrites']:>9g} {one['parameters'] or 0:>10} {percent(one['train_accuracy']):>8} {number(one['train_loss']):>10} "
            f"{percent(one['validation_accuracy']):>7} {percent(one['test_accuracy']):>7}  {rho:<18} {epochs:>10} {number(one['seconds']):>6}"
        )
    return "\n".join(lines)


def _no_dendrites(config: PerforatedConfig, views: Sequence[View]) -> str:
    """Return in capitals that no dendrite was added and why, "" if one was."""
    if config.mode == "continued":
        return ""
    most = max(int(view.state["K"].max()) for view in views)
    if most:
        return ""
    phase = torch.cat([view.state["phase"] for view in views])
    ever = any("record/rho" in view.state or ("record/dendrites" in view.state and int(view.state["cycle"].max()) > 0) for view in views)
    if not config.max_dendrites:
        why = "rule.max_dendrites=0"
    elif config.switch_mode == "none":
        why = "rule.switch_mode=none never ends the neuron phase"
    elif bool((phase == DENDRITES).any()):
        why = "the run ended within the first dendrite phase; raise epochs, or set rule.p_epochs"
    elif ever:
        why = f"validation was no better with any, in {config.max_dendrite_tries + 1} attempts; the network without dendrites is the result"
    else:
        since, stale = (torch.cat([view.state[key] for view in views]) for key in ("since", "stale"))
        why = (
            f"neurons were still in their first phase after {int(since.max())} epochs, with an improvement at most {int(stale.max())} epochs "
            "before "
            f"the end (rule.n_epochs_to_switch={config.n_epochs_to_switch}); raise epochs, or set rule.n_epochs_max"
        )
    return f"NO DENDRITE WAS ADDED: {why}"


def _figure(entries: Sequence[dict[str, Any]]) -> Curves:
    k = [one["dendrites"] for one in entries]
    accuracy = [
        Series(split, k, [math.nan if one[f"{split}_accuracy"] is None else 100 * one[f"{split}_accuracy"] for one in entries], colour=i)
        for i, split in enumerate(("train", "validation", "test"))
    ]
    loss = [Series(split, k, [one[f"{split}_loss"] or math.nan for one in entries], colour=i) for i, split in enumerate(SPLITS)]
    depth = max((len(one["rho"]) for one in entries), default=0)
    rho = [Series(f"layer {i + 1}", k, [one["rho"][i] if one["rho"] else math.nan for one in entries], colour=i) for i in range(depth)]
    panels = [
        Panel("dendrites per neuron", "accuracy, %", accuracy, whole_x=True),
        Panel("dendrites per neuron", "loss", loss, whole_x=True),
        Panel("dendrites per neuron", "|rho| of candidates and error", rho, whole_x=True, text="" if rho else "no dendrite followed an error"),
    ]
    n = max((one["seeds"] for one in entries), default=0)
    note = f"Means of {n} seed{'s' if n != 1 else ''} at each cycle's best epoch."
    return Curves("cycles.png", "Cycles of perforated dendrites", panels, note, shared=False)


