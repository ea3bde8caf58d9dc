"""What a rule asks for at a boundary becomes real: whole-array assignments, growth, moments that start anew."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from bioplaus.shapes import padded, per_weight
from bioplaus.view import Edits
from bioplaus.world import Model, World, plastic

__all__ = ["perform"]


def perform(model: Model, world: World, edits: Edits | Iterable[Edits]) -> None:
    """Carry out edits on a world, in place; several are carried out in order.

    An assigned leaf gets a fresh synapse: the device is programmed with the new weight. A leaf that grew keeps the moments of what was there,
    and what is new starts at zero, in every group that holds it; a group starts anew only where it is forgotten. Replicas outside a mask keep
    weights, devices, moments and counters bit for bit. State is taken over whole, without the mask: it belongs to the rule. Arrays are copied,
    so that nothing the rule still holds is written to later.

    Raises
    ------
    ValueError
        If an unknown array or group is named, a shape is changed under a mask, or an array has another number of replicas or
        another dtype. Nothing of that edit is done then.
    """
    for one in [edits] if isinstance(edits, Edits) else edits:
        _check(model, world, one)
        for key, value in one.assign.items():
            _assign(model, world, key, value, one.mask)
        for group in one.forget:
            _forget(world, group, one.mask)
        world.state.update({key: value.clone() for key, value in one.state.items()})


def _check(model: Model, world: World, edits: Edits) -> None:
    who = f"rule {model.rule.config.name}"
    if edits.mask is not None and (edits.mask.dtype != torch.bool or edits.mask.shape != world.alive.shape):
        raise ValueError(f"{who}: the mask of an edit must be bool of shape {tuple(world.alive.shape)}")
    for key, value in edits.assign.items():
        old = world.params.get(key, world.buffers.get(key))
        if old is None:
            raise ValueError(f"{who} assigns the unknown array '{key}'")
        if value.dtype != old.dtype or value.shape[:1] != old.shape[:1]:
            raise ValueError(
                f"{who} assigns {value.dtype} {tuple(value.shape)} to '{key}'; needed: {old.dtype}, {old.shape[0]} replicas in front"
            )
        if edits.mask is not None and value.shape != old.shape:
            raise ValueError(f"{who} changes the shape of '{key}' under a mask; grow all replicas and mask what they use")
    for group in edits.forget:
        if group not in model.groups:
            raise ValueError(f"{who} forgets the unknown group '{group}'; known: {', '.join(model.groups)}")


def _assign(model: Model, world: World, key: str, value: Tensor, mask: Tensor | None) -> None:
    kept = world.params if key in world.params else world.buffers
    old = kept[key]
    kept[key] = value.clone() if mask is None else torch.where(per_weight(mask, value), value, old)
    if value.shape != old.shape:
        for name in [k for k in world.moments if k.partition("|")[2].startswith(model.key_of(key, ""))]:
            world.moments[name] = padded(world.moments[name], value)
    if kept is world.params and key in plastic(model):
        _program(model, world, key, mask)


def _program(model: Model, world: World, leaf: str, mask: Tensor | None) -> None:
    """Store the assigned weight as the device can, in the masked replicas."""
    streams = model.streams.at(world.step)
    before = world.behind(leaf)
    if mask is None:
        state = model.plasticity.synapse.program(leaf, world.params[leaf], streams, before)
        world.synapses.update({model.key_of(leaf, name): value for name, value in state.items()})
        return
    rows = mask.nonzero().squeeze(1)
    if rows.numel() == 0:
        return
    weight = world.params[leaf][rows]
    some = {name: value[rows] for name, value in before.items()}
    state = model.plasticity.synapse.program(leaf, weight, streams.select(rows.tolist()), some)
    world.params[leaf][rows] = weight
    for name, value in state.items():
        world.synapses[model.key_of(leaf, name)][rows] = value


def _forget(world: World, group: str, mask: Tensor | None) -> None:
    """Restart moments and counter of a group, in the masked replicas."""
    found = [world.moments[name] for name in world.moments if name.partition("|")[0] == group]
    for array in [*found, *([world.counts[group]] if group in world.counts else [])]:
        if mask is None:
            array.zero_()
        else:
            array[mask] = 0
