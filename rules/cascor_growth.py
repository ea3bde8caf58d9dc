"""Phases of cascade-correlation, seed by seed, and what happens between them: the best candidate is installed, fresh ones are drawn.

Fresh candidates stand ready at all times, so that a turn from outputs to candidates is a matter of state alone. K is read from the shape of the
arrays; seeds with fewer units have zeros behind their own.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bioplaus.cascade_layer import CascadeLayer
from bioplaus.rules.perforated_state import fitting, record, recorded
from bioplaus.shapes import per_weight
from bioplaus.view import Edits, View

__all__ = ["CANDIDATES", "DONE", "OUTPUTS", "READY", "install", "recorded", "stages", "start", "turn", "used"]

#: phases; READY: the best candidate waits to be installed
OUTPUTS, CANDIDATES, READY, DONE = 0, 1, 2, 3
#: units, epochs in the phase, epochs without improvement, epochs of the outputs' phase that has ended last, epochs in all
COUNTERS = ("phase", "K", "age", "since", "outputs_age", "epochs")


def start(replicas: int, pool: int, device: torch.device) -> dict[str, Tensor]:
    """Return the state before the first epoch."""
    counters = {key: torch.zeros(replicas, dtype=torch.int64, device=device) for key in COUNTERS}
    mark = torch.zeros(replicas, dtype=torch.float64, device=device)
    score = torch.zeros(replicas, pool, dtype=torch.float64, device=device)
    return counters | {"mark": mark, "score": score, "solved": torch.zeros(replicas, dtype=torch.bool, device=device)}


def used(K: Tensor, units: int) -> Tensor:
    """Return which of so many units each replica has, bool ``[R, units]``."""
    return torch.arange(units, device=K.device) < K.unsqueeze(1)


def turn(s: dict[str, Tensor], solved: Tensor, stuck: Tensor, ended: Tensor, most: int) -> None:
    """Turn to the next phase where outputs have solved the task or are stuck, or candidates have ended; count the epoch."""
    s["epochs"] = s["epochs"] + (s["phase"] < READY)
    s["solved"] = s["solved"] | solved
    s["outputs_age"] = torch.where(solved | stuck, s["age"], s["outputs_age"])
    full = stuck & (s["K"] >= most)
    s["phase"] = torch.where(solved | full, DONE, torch.where(stuck, CANDIDATES, torch.where(ended, READY, s["phase"])))
    s["age"] = torch.where(stuck & ~full, 0, s["age"])
    s["since"] = torch.where(stuck & ~full, 0, s["since"])


def install(view: View) -> tuple[Edits, ...] | None:
    """Install the best candidate where one is ready, with weight 0 to the outputs, and draw fresh candidates there."""
    rows = view.state["phase"] == READY
    if not bool(rows.any()):
        return None
    units, top = view.networks["forward"].layers
    assert isinstance(units, CascadeLayer) and top.bias is not None and units.bias is not None
    s, p = dict(view.state), view.params
    r = rows.nonzero().squeeze(1)
    at = s["K"][r]
    which = s["score"].argmax(1)[r]
    _note(s, view, rows)

    into, bias, chain = units.candidates
    K = max(int(at.max()) + 1, p[units.weight].shape[1])
    n = units.connection.in_shape[0]
    sizes = {units.weight: (K, n), units.bias: (K,), units.chain: (K, K), chain: (units.pool, K)}
    sizes |= {top.weight: (top.connection.out_shape[0], n + K)}
    new = {key: fitting(p[key], p[key].new_zeros(p[key].shape[0], *shape)).clone() for key, shape in sizes.items()}
    larger = {key: value.clone() for key, value in new.items() if value.shape != p[key].shape}
    new[units.weight][r, at] = p[into][r, which]
    new[units.bias][r, at] = p[bias][r, which]
    new[units.chain][r, at] = new[chain][r, which]

    s["K"] = s["K"] + rows
    s["phase"] = torch.where(rows, OUTPUTS, s["phase"])
    for key in ("age", "since"):
        s[key] = torch.where(rows, 0, s[key])
    for key, value in _fresh(view, units, K).items():
        old = new.get(key, p[key])
        new[key] = torch.where(per_weight(rows, old), value, old)
    new[chain] = new[chain] * used(s["K"], K).unsqueeze(1)
    return (
        *([Edits(assign=larger)] if larger else []),
        Edits({key: new[key] for key in (units.weight, units.bias, units.chain, *units.candidates)}, mask=rows, state=s),
        Edits(mask=rows, forget=("forward", "candidates")),
    )


def _fresh(view: View, units: CascadeLayer, K: int) -> dict[str, Tensor]:
    """Return fresh candidates; each seed draws the same numbers whatever units other seeds have."""
    into, bias, chain = units.candidates
    n, bound = units.connection.in_shape[0], units.scale

    def draw(name: str, *shape: int) -> Tensor:
        return view.streams.uniform(f"cascade/{name}", (units.pool, *shape), -bound, bound)

    return {into: draw(into, n), bias: draw(bias), chain: torch.stack([draw(f"{chain}/{j}") for j in range(K)], 2)}


def _note(s: dict[str, Tensor], view: View, rows: Tensor) -> None:
    """Keep the outputs' weights as they are with the units so far, and how the next unit came about."""
    top = view.networks["forward"].layers[-1]
    record(s, "bias", rows, s["K"], view.params[str(top.bias)])
    weight = view.params[top.weight]
    old = s.get("record/weight")
    if old is not None and old.shape[2:] != weight.shape[1:]:
        s["record/weight"] = fitting(old, old.new_zeros(*old.shape[:2], *weight.shape[1:]))
    record(s, "weight", rows, s["K"], weight)
    for name, value in (("score", s["score"].amax(1)), ("epochs_outputs", s["outputs_age"]), ("epochs_candidates", s["age"])):
        record(s, name, rows, s["K"], value)


def stages(view: View) -> list[Mapping[str, Tensor]]:
    """Return the network with 0, 1, .. units at the end of the outputs' phase that it had with them; zeros for seeds that had no more.

    Units are frozen, so that only the outputs' weights differ.
    """
    top, s = view.networks["forward"].layers[-1], view.state
    columns = int(s["K"].max()) + 1
    found: list[Mapping[str, Tensor]] = []
    for k in range(columns):
        arrays = {}
        for key, name in ((top.weight, "weight"), (str(top.bias), "bias")):
            now = view.params[key]
            kept = recorded(s, name, columns)
            past = torch.zeros_like(now) if kept is None else fitting(kept[:, k].nan_to_num(0).to(now.dtype), now)
            arrays[f"params/{key}"] = torch.where(per_weight(s["K"] == k, now), now, past)
        found.append(arrays)
    return found
