"""One wanted change becomes real: centralise -> warm-up -> clip -> optimiser -> synapse, for the replicas that take part."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.plasticity.base import Step
from bioplaus.plasticity.schedule import rate_factor, warmup_factor
from bioplaus.shapes import per_weight
from bioplaus.view import Clock
from bioplaus.world import Model, World

__all__ = ["apply", "clip_factors"]


def apply(model: Model, world: World, wanted: Wanted, clock: Clock, *, everyone: bool = True, turn: int = 0) -> None:
    """Write one wanted change into the world, in place.

    Parameters
    ----------
    everyone
        Whether all replicas are alive (known to the caller without asking the device).
    turn
        How many changes of this group were written before in this batch: each draws its own noise.

    Raises
    ------
    KeyError
        If the rule names a leaf that its group does not own.
    """
    group = model.groups[wanted.group]
    if group.frozen:
        return
    strangers = wanted.changes.keys() - set(group.leaves)
    if strangers:
        raise KeyError(f"rule {model.rule.config.name}: {sorted(strangers)} not in its group '{wanted.group}'")
    rows = _rows(world, wanted.mask, everyone)
    if rows is not None and rows.numel() == 0:
        return
    _write(model, world, wanted.group, wanted.changes, rows, clock, turn)


def _rows(world: World, mask: Tensor | None, everyone: bool) -> Tensor | None:
    """Return the replicas that take part; None means all, without a copy."""
    if mask is None and everyone:
        return None
    taking_part = world.alive if mask is None else mask & world.alive
    return None if bool(taking_part.all()) else taking_part.nonzero().squeeze(1)


def _write(
    model: Model, world: World, name: str, changes: Mapping[str, Change], rows: Tensor | None, clock: Clock, turn: int
) -> None:
    plasticity, optimiser = model.plasticity, model.plasticity.optimiser
    config = plasticity.config
    before = world.counts[name] if rows is None else world.counts[name][rows]
    done = before + 1
    optimiser = optimiser.at(done)
    base = model.rates[name] if rows is None else model.rates[name][rows]
    factor = rate_factor(config, before, clock)
    rate = (base * factor).to(base.dtype) if not isinstance(factor, float) or factor != 1.0 else base
    changes, factors = _prepared(model, changes, rows, before)
    # clipping only rescales: where the optimiser is the identity it goes into the rate, once per distinct factor
    scaled = {id(factor): rate * factor for factor in factors.values()} if optimiser.identity else {}
    rates = {leaf: scaled[id(factor)] for leaf, factor in factors.items()} if scaled else {}
    streams = model.streams.at(clock.step).within(f"write/{name}/{turn}/")
    streams = streams if rows is None else streams.select(rows.tolist())
    for leaf, change in changes.items():
        weight = world.params[leaf] if rows is None else world.params[leaf][rows]
        stored = world.behind(leaf)
        state = stored if rows is None else {k: v[rows] for k, v in stored.items()}
        moments = {m: world.moments[f"{name}|{model.key_of(leaf, m)}"] for m in optimiser.moments}
        part = moments if rows is None else {k: v[rows] for k, v in moments.items()}
        if not optimiser.identity:
            own = change.dense() * per_weight(factors[leaf], weight) if factors else _own(change)
            change = Dense(optimiser.direction(own, weight, part, done))
        plasticity.synapse.write(leaf, state, weight, Step(change, rates[leaf] if rates else rate, model.groups[name].bounds), streams)
        if rows is not None:
            world.params[leaf][rows] = weight
            for whole, some in ((stored, state), (moments, part)):
                for key, value in some.items():
                    whole[key][rows] = value
    if rows is None:
        world.counts[name] += 1
    else:
        world.counts[name][rows] += 1


def _own(change: Change) -> Tensor:
    """Return the change as an array that may be overwritten."""
    return change.value.clone() if isinstance(change, Dense) else change.dense()


def _prepared(
    model: Model, changes: Mapping[str, Change], rows: Tensor | None, before: Tensor
) -> tuple[Mapping[str, Change], dict[str, Tensor]]:
    """Return the changes after centralisation and warm-up, and the clip factor ``[R]`` of each leaf (none if clipping is off)."""
    config = model.plasticity.config
    warm = config.warmup if config.warmup_on == "change" else 0
    plain = config.clip == "none" and not config.centralise and not warm
    if plain and (rows is None or model.plasticity.synapse.factored):
        return changes if rows is None else {leaf: _of_rows(change, rows) for leaf, change in changes.items()}, {}
    dense = {leaf: change.dense() if rows is None else change.dense()[rows] for leaf, change in changes.items()}
    if config.centralise:
        dense = {leaf: _centralised(value) for leaf, value in dense.items()}
    if warm:
        factor = warmup_factor(config, before)
        assert isinstance(factor, Tensor)
        dense = {leaf: value * per_weight(factor.to(value.dtype), value) for leaf, value in dense.items()}
    return {leaf: Dense(value) for leaf, value in dense.items()}, clip_factors(dense, config.clip, config.clip_norm)


def _of_rows(change: Change, rows: Tensor) -> Change:
    """Return the change of some replicas, still factored if it is."""
    if not isinstance(change, Outer):
        return Dense(change.dense()[rows])
    return Outer(change.connection, tuple((_picked(pre, rows), _picked(post, rows)) for pre, post in change.pairs))


def _picked(side: Tensor, rows: Tensor) -> Tensor:
    return side[rows] if side.shape[0] > 1 else side


def _centralised(change: Tensor) -> Tensor:
    """Take out the mean over all axes but replica and post; biases and gains have no such axes and stay."""
    return change - change.mean(tuple(range(2, change.dim())), keepdim=True) if change.dim() > 2 else change


def clip_factors(dense: Mapping[str, Tensor], clip: str, limit: float) -> dict[str, Tensor]:
    """Return min(1, limit / (norm + 1e-6)) per leaf and replica; the norm is that of the leaf or of all leaves together.

    Shapes: ``[R, ...] -> [R]``. Clipping by the norm of a whole network is not local: it is named in the plausibility statement.
    """
    if clip == "none" or not dense:
        return {}
    norms = torch.stack([torch.linalg.vector_norm(value.flatten(1), dim=1) for value in dense.values()])
    if clip == "per_network":
        together = torch.linalg.vector_norm(norms, dim=0).add_(1e-6).reciprocal_().mul_(limit).clamp_(max=1.0)
        return dict.fromkeys(dense, together)
    factors = norms.add_(1e-6).reciprocal_().mul_(limit).clamp_(max=1.0)
    return dict(zip(dense, factors))
