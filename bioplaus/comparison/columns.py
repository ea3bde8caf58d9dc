"""The columns of a row, from the summary and the measurements of its run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus.plots.series import layers, series

if TYPE_CHECKING:
    import pyarrow

__all__ = ["SHARE", "audit_card", "epochs_to_share", "measured", "start_and_end", "untrained"]

#: Share of the final accuracy that a network must have reached to count as trained.
SHARE = 0.95


def measured(summary: Mapping[str, Any], metrics: pyarrow.Table) -> dict[str, Any]:
    """Return what a finished run says about cost and alignment; None where it says nothing.

    ``seconds_per_epoch`` is of the updates alone and of one network; ``seconds_to_95`` is ``epochs_to_95`` times that. Both times are None if
    the tested weights of any seed are untrained: how soon they were reached would say nothing.
    """
    all_seeds = summary["seconds"]["training_per_epoch"]
    per_epoch = None if all_seeds is None else all_seeds / len(summary["seeds"])
    epochs = epochs_to_share(summary, metrics)
    there = [e for e in epochs if e is not None]
    mean_epochs = float(np.mean(there)) if there and not untrained(summary) else None
    angle, cosine = (start_and_end(metrics, name) for name in ("angle_to_bp", "feedback_cosine"))
    return {
        "epochs_to_95": mean_epochs,
        "epochs_to_95_values": epochs,
        "seconds_to_95": None if mean_epochs is None or per_epoch is None else mean_epochs * per_epoch,
        "seconds_per_epoch": per_epoch,
        "flops_per_sample": summary["flops_per_sample"],
        "parameters": summary["parameters"],
        "angle_to_bp_start": angle[0],
        "angle_to_bp": angle[1],
        "feedback_cosine_start": cosine[0],
        "feedback_cosine": cosine[1],
    }


def untrained(summary: Mapping[str, Any]) -> list[int]:
    """Return the seeds whose tested weights are those from before training, seeds that stopped apart."""
    stopped = summary["stopped_at"] or [None] * len(summary["seeds"])
    return [seed for seed, epoch, step in zip(summary["seeds"], summary["selected_epoch"], stopped) if epoch == 0 and step is None]


def epochs_to_share(summary: Mapping[str, Any], metrics: pyarrow.Table) -> list[float | None]:
    """Return, per seed, the first epoch with at least 95 % of the validation accuracy of the selected weights; None if those are untrained."""
    final = summary["validation_accuracy"]
    if final is None:
        return [None] * len(summary["seeds"])
    when, values = series(metrics, "accuracy", "validation")
    found: list[float | None] = []
    lost = untrained(summary)
    for seed, curve, end in zip(summary["seeds"], values, final["values"]):
        reached: Any = [] if end is None or seed in lost else np.flatnonzero(curve >= SHARE * end - 1e-12)
        found.append(float(when[reached[0]]) if len(reached) else None)
    return found


def start_and_end(metrics: pyarrow.Table, name: str) -> tuple[list[float | None], list[float | None]]:
    """Return a probe's value per layer, bottom first, at its first and its last look: means over the seeds that have one, in float64."""
    there = metrics.column("metric").to_pylist()
    known = [layer for metric, layer in zip(there, metrics.column("layer").to_pylist()) if metric == name and layer is not None]
    first: list[float | None] = []
    last: list[float | None] = []
    measured_layers = layers(metrics, name, "probe")
    for layer in range(max(known) + 1 if known else 0):
        columns: list[float | None] = [None, None]
        if layer in measured_layers:
            _, values = series(metrics, name, "probe", layer)
            columns = [_mean(values[:, 0]), _mean(values[:, -1])]
        first.append(columns[0])
        last.append(columns[1])
    return first, last


def _mean(values: Any) -> float | None:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else None


def audit_card(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the measured plausibility of a row's rule as ``{"short": one line, "card": {...}}``, or why there is none.

    The rule is audited with its own settings and neuron on a small network of the row's kind (an mlp where there is no small form of it): what a
    rule reads does not depend on widths, and a replay per weight of a large network would cost more than its training.
    """
    from bioplaus.audit import card_of
    from bioplaus.audit.entry import SMALL
    from bioplaus.errors import BioplausError

    own = {key: value for key, value in settings.items() if key in ("rule", "neuron") or key.startswith(("rule.", "neuron."))}
    network = str(settings.get("network") or "mlp")
    if network.removesuffix("_nobias") in ("fc0", "fc1", "fc2", "fc4"):  # one small form stands for these
        network = "fc2"
        own |= {key: settings[key] for key in ("data.standardise",) if key in settings}
    elif network == "mlp" and settings.get("data.standardise") == "none":  # pixels as they are, which some rules generate
        own |= {"data": "digits", "data.standardise": "none"}
    try:
        card = card_of({**own, "network": network if network in SMALL else "mlp"})
        return {"short": card.short(), "card": card.as_dict()}
    except BioplausError as error:
        return {"short": f"not audited: {error}", "card": None}
