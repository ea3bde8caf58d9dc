"""What a run of perforated dendrites carries along per replica, beside weights: counters, averages, records of finished cycles.

Every entry has the replica axis in front, so that replicas switch at times of their own without a loop over them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from bioplaus.dendrites import Dendrites
from bioplaus.rules.perforated_candidates import Moments
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.shapes import padded, per_weight
from bioplaus.view import View

__all__ = [
    "DENDRITES",
    "DONE",
    "NEURONS",
    "averaged",
    "corrected",
    "dendrites_of",
    "fitting",
    "memory",
    "reached",
    "record",
    "recorded",
    "stages",
    "start",
    "used",
]

#: phases
NEURONS, DENDRITES, DONE = 0, 1, 2
#: counters: K, finished cycles, epochs in the phase, epochs without improvement, tries, epochs without an improving candidate, first phase
COUNTERS = ("phase", "K", "kept_K", "cycle", "since", "stale", "tries", "p_stale", "first_n")
#: numbers of the present cycle at its best epoch, and the best score of finished ones
NUMBERS = ("best", "run", "kept_best", "best_loss", "best_accuracy")


def start(replicas: int, device: torch.device, worst: float) -> dict[str, Tensor]:
    """Return the state before the first epoch; the worst score is infinite."""
    counters = {key: torch.zeros(replicas, dtype=torch.int64, device=device) for key in COUNTERS}
    return counters | {key: torch.full((replicas,), worst, dtype=torch.float64, device=device) for key in NUMBERS}


def dendrites_of(view: View) -> dict[str, Dendrites]:
    """Return the dendrites of each layer that has some, by the layer's name."""
    return {layer.name: layer.dendrites for layer in view.networks["forward"].layers if layer.dendrites}


def used(view: View) -> Tensor:
    """Return which rows of the dendrites' arrays each replica uses, bool ``[R, K]``."""
    K = view.state["K"]
    rows = next(iter(dendrites_of(view).values())).count(view.params)
    return torch.arange(rows, device=K.device) < K.unsqueeze(1)


def memory(config: PerforatedConfig, view: View) -> float | None:
    """Return the memory of averages over batches; 0 where a batch is the whole training set; None where an epoch's end has exact moments."""
    if config.stats == "running":
        return config.stats_momentum
    return 0.0 if view.clock.steps_per_epoch == 1 else None


def averaged(layer: str, now: Moments, state: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return the averages over batches, this one included, ``avg <- share avg + (1 - share) now``, and the number of batches."""
    fresh = {"cov": now.covariance, "mean_e": now.mean_e, "var_e": now.var_e, "var_d": now.var_d, **now.of_norm}
    found = {f"{layer}/avg/{key}": share * state[f"{layer}/avg/{key}"] + (1 - share) * value for key, value in fresh.items()}
    return found | {f"{layer}/batches": state[f"{layer}/batches"] + 1}


def corrected(layer: str, state: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return the averages divided by ``1 - share^t``, t the number of batches: without the pull of the start at 0."""
    head = f"{layer}/avg/"
    weight = 1 - share ** state[f"{layer}/batches"].double().clamp(min=1)
    return {f"{layer}/{key.removeprefix(head)}": value / per_weight(weight, value) for key, value in state.items() if key.startswith(head)}


def fitting(value: Tensor, like: Tensor) -> Tensor:
    """Return the array in the size of another one, zeros where it is smaller."""
    return value if value.shape == like.shape else padded(value, like)


def record(state: dict[str, Tensor], name: str, rows: Tensor, column: Tensor, value: Tensor) -> None:
    """Write ``value[r]`` into column ``column[r]`` of a record ``[R, columns, ...]``, NaN where nothing was written, for the masked replicas."""
    old = state.get(f"record/{name}")
    columns = max(int(column[rows].max()) + 1, 0 if old is None else old.shape[1])
    new = torch.full((rows.shape[0], columns, *value.shape[1:]), math.nan, dtype=torch.float64, device=value.device)
    if old is not None:
        new[:, : old.shape[1]] = old
    r = rows.nonzero().squeeze(1)
    new[r, column[r]] = value[r].double()
    state[f"record/{name}"] = new


def recorded(state: Mapping[str, Tensor], name: str, columns: int) -> Tensor | None:
    """Return a record ``[R, columns, ...]``, NaN where nothing was written; None if nothing ever was."""
    old = state.get(f"record/{name}")
    if old is None:
        return None
    new = torch.full((old.shape[0], columns, *old.shape[2:]), math.nan, dtype=torch.float64, device=old.device)
    new[:, : old.shape[1]] = old[:, :columns]
    return new


def reached(state: Mapping[str, Tensor]) -> Tensor:
    """Return which cycles each replica has a network of, bool ``[R, cycles]``: finished ones, and one under way that has been scored."""
    opened = (state["phase"] == NEURONS) & torch.isfinite(state["best"])
    cycle = state["cycle"]
    columns = int((cycle + 1).max())
    found = torch.zeros(cycle.shape[0], columns, dtype=torch.bool, device=cycle.device)
    closed = recorded(state, "epoch_end", columns)
    if closed is not None:
        found |= torch.isfinite(closed)
    r = opened.nonzero().squeeze(1)
    found[r, cycle[r]] = True
    return found[:, : int(found.any(0).nonzero().max()) + 1] if bool(found.any()) else found[:, :0]


def stages(view: View) -> list[dict[str, Tensor]]:
    """Return the best network of each cycle, by keys ``params/KEY`` and ``buffers/KEY``; zeros for replicas that have none."""
    state, found = view.state, []
    opened = (state["phase"] == NEURONS) & torch.isfinite(state["best"])
    snapshot = {key.removeprefix("snap/"): value for key, value in state.items() if key.startswith("snap/")}
    for c in range(reached(state).shape[1]):
        here = {key: state.get(f"cycle/{c}/{key}") for key in snapshot}
        mask = opened & (state["cycle"] == c)
        largest = {key: snapshot[key] if one is None or one.shape[1:] < snapshot[key].shape[1:] else one for key, one in here.items()}
        stage = {}
        for key, one in here.items():
            like = torch.zeros_like(largest[key])
            base = like if one is None else fitting(one, like)
            stage[key] = torch.where(per_weight(mask, like), fitting(snapshot[key], like), base)
        found.append(stage)
    return found
