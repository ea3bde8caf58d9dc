"""Normalisations of a sequence with means, variances, gains and shifts of their own for every task: whoever reads with them is told the task.

While a task is learned its normalisations are the network's own; at its end they are put aside, and a look at that task later takes them from
there (the "task" scenario of Laborieux et al. 2021, arXiv:2003.03533). What was put aside lies among the running arrays, so that it is kept,
resumed and selected with the weights.
"""

from __future__ import annotations

from bioplaus.errors import ConfigError
from bioplaus.world import Model, World

__all__ = ["as_told", "check_task_norms", "make_room", "put_aside"]


def check_task_norms(model: Model, tasks: int) -> None:
    """Refuse normalisations per task where there is one task, nothing to put aside, or something that grows.

    Raises
    ------
    ConfigError
        With what to set instead.
    """
    if tasks < 2:
        raise ConfigError("norm_per_task=true is for a sequence of tasks; give tasks=2 or more")
    if not _keys(model):
        raise ConfigError("norm_per_task=true needs normalisations; use network.norm=batch")
    if any(layer.dendrites for network in model.networks.values() for layer in network.layers):
        raise ConfigError("norm_per_task=true does not follow dendrites that grow; use network.dendrites=false")


def make_room(model: Model, world: World, tasks: int) -> None:
    """Add the arrays in which the normalisations of all tasks but the last will be put aside, in place."""
    for task in range(tasks - 1):
        put_aside(model, world, task)


def put_aside(model: Model, world: World, task: int) -> None:
    """Put the normalisations aside as those of a task, in place."""
    for kind, key in _keys(model):
        world.buffers[_aside(task, key)] = getattr(world, kind)[key].clone()


def as_told(model: Model, world: World, task: int, under_way: int) -> World:
    """Return the world as a look at a task is to find it: with that task's normalisations, if the task has been learned and left."""
    found = {f"{kind}/{key}": world.buffers.get(_aside(task, key)) for kind, key in _keys(model)} if task < under_way else {}
    there = {key: value for key, value in found.items() if value is not None}
    return world.with_arrays(there) if there else world


def _aside(task: int, key: str) -> str:
    return f"task {task}|{key}"


def _keys(model: Model) -> list[tuple[str, str]]:
    """Return kind and key of every array of the normalisations."""
    norms = [norm for network in model.networks.values() for layer in network.layers for norm in layer.norms]
    found = [("params", key) for norm in norms for key in norm.leaves] + [("buffers", key) for norm in norms for key in norm.buffers]
    return list(dict.fromkeys(found))
