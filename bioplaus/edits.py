"""What a rule asks for at a boundary becomes real: whole-array assignments, growth, moments that start anew."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.view import Edits
from bioplaus.world import Model, World, plastic

__all__ = ["perform"]


def perform(model: Model, world: World, edits: Edits) -> None:
    """Carry out edits on a world, in place.

    A leaf that changed its shape gets fresh moments in every group that holds it, and a fresh synapse.

    Raises
    ------
    ValueError
        If an unknown key is assigned, or a shape is changed under a mask.
    """
    for key, value in edits.assign.items():
        _assign(model, world, key, value, edits.mask)
    for group in edits.forget:
        _forget(model, world, group, edits.mask)
    world.state.update(edits.state)


def _assign(model: Model, world: World, key: str, value: Tensor, mask: Tensor | None) -> None:
    kept = world.params if key in world.params else world.buffers
    if key not in kept:
        raise ValueError(f"rule {model.rule.config.name} assigns the unknown array '{key}'")
    old = kept[key]
    if old.shape == value.shape:
        kept[key] = value.clone() if mask is None else torch.where(_wide(mask, value), value, old)
        if kept is world.params and key in plastic(model):
            _restore_synapse(model, world, key)
        return
    if mask is not None:
        raise ValueError(f"rule {model.rule.config.name} changes the shape of '{key}' under a mask; grow all replicas and mask what they use")
    kept[key] = value.clone()
    for name in [k for k in world.moments if k.partition("|")[2].startswith(model.key_of(key, ""))]:
        world.moments[name] = torch.zeros_like(value)
    if key in plastic(model):
        _restore_synapse(model, world, key)


def _restore_synapse(model: Model, world: World, leaf: str) -> None:
    """Store the assigned weight as the device can."""
    state = model.plasticity.synapse.init(leaf, world.params[leaf], model.streams.at(world.step))
    world.synapses.update({model.key_of(leaf, name): value for name, value in state.items()})


def _forget(model: Model, world: World, group: str, mask: Tensor | None) -> None:
    """Restart moments and counter of a group, in the masked replicas."""
    found = [world.moments[name] for name in world.moments if name.partition("|")[0] == group]
    for array in [*found, *([world.counts[group]] if group in world.counts else [])]:
        if mask is None:
            array.zero_()
        else:
            array[mask] = 0


def _wide(mask: Tensor, like: Tensor) -> Tensor:
    return mask.view(-1, *([1] * (like.dim() - 1)))
