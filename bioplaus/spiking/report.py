"""What a spiking network does, whatever rule trained it: firing rates, silent units, synaptic operations, one sample over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from bioplaus.pictures import Findings
from bioplaus.spiking.activity import activity
from bioplaus.spiking.picture import one_sample
from bioplaus.spiking.task import SpikingClassification
from bioplaus.view import View

__all__ = ["silence", "spiking_findings"]


@torch.no_grad()
def spiking_findings(views: Sequence[View]) -> Findings:
    """Return firing rates per layer, synaptic operations and a picture of one sample, given a view of each pack on some test samples."""
    parts = [_activity(view) for view in views]
    found: dict[str, Any] = {key: torch.cat([part[key] for part in parts]).mean(0).tolist() for key in parts[0]}
    layers = ("firing_rate", "silent_share", "saturated_share")
    values: dict[str, Any] = {key: [_number(value) for value in found[key]] for key in layers}
    values |= {
        "tie_fraction": _number(found["tie_fraction"]),
        "synaptic_operations_per_sample": _number(found["synaptic_operations"]),
    }
    rates, silent = values["firing_rate"], values["silent_share"]
    lines = [
        f"spikes per unit and step, bottom layer first: {_listed(rates, 2)}; units that never fire: {_listed(silent, 0)}",
        f"{found['synaptic_operations']:.4g} synaptic operations per sample behind the first layer; "
        f"{100 * found['tie_fraction']:.1f} % of samples with more than one class in front",
    ]
    values["spiking_warning"] = _warning(rates, views[0].networks["forward"].layers[0].neuron.config)
    return Findings(values, "\n".join(lines), [one_sample(views[0])])


@torch.no_grad()
def silence(view: View) -> str | None:
    """Return which hidden layers never fire on the samples of a view, and what to change; None if all do."""
    found = _activity(view)["firing_rate"].mean(0).tolist()
    rates = [_number(rate) for rate in found[:-1]]
    return _warning(rates, view.networks["forward"].layers[0].neuron.config)


def _activity(view: View) -> dict[str, Tensor]:
    task, network = view.task, view.networks["forward"]
    assert isinstance(task, SpikingClassification)
    found = activity(network, network.forward(view.params, view.batch.x, view.buffers), task)
    return {key: value.cpu() for key, value in found.items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _listed(shares: Sequence[float | None], digits: int) -> str:
    return ", ".join("read-out without spikes" if share is None else f"{100 * share:.{digits}f} %" for share in shares)


def _warning(rates: Sequence[float | None], unit: Any) -> str | None:
    dead = [str(i) for i, rate in enumerate(rates, 1) if rate == 0]
    if not dead:
        return None
    shown = ", ".join("none" if rate is None else f"{rate:.3g}" for rate in rates)
    which = f"layer {dead[0]} never fires" if len(dead) == 1 else f"layers {' and '.join(dead)} never fire"
    return f"{which} (spikes per unit and step, bottom first: {shown}); {_remedies(unit)}"


def _remedies(unit: Any) -> str:
    """Return what makes such units fire more."""
    lower = "lower neuron.threshold, " if any(f.name == "threshold" for f in fields(unit)) else ""
    raised = [f"neuron.{name}" for name, owner in (("gain", "gain"), ("beta", "tau_mem")) if hasattr(unit, owner)]
    return f"{lower}raise {' or '.join(['network.init_scale', *raised])}, or take more neuron.steps"
