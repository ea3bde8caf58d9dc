"""Model and world: what a run is made of, and what of it changes.

A `Model` is everything fixed once a run has started. A `World` is everything that changes: exactly what a checkpoint holds. One of each drives a
pack of replicas; a run has one pack or several.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bioplaus.errors import RunError
from bioplaus.network import Network
from bioplaus.plasticity.base import Plasticity
from bioplaus.rules.base import Group, Learning, Rule
from bioplaus.streams import Streams
from bioplaus.tasks import Task
from bioplaus.view import Batch, Clock, Learned, View

__all__ = ["Model", "World", "learning", "new_world", "view"]

_KINDS = ("params", "buffers", "synapses", "moments", "counts", "state", "tally")


@dataclass(frozen=True)
class Model:
    """The fixed part of a pack: rule, networks, plasticity, task, and the streams of its seeds."""

    rule: Rule
    networks: Mapping[str, Network]
    groups: Mapping[str, Group]
    rates: Mapping[str, Tensor]
    plasticity: Plasticity
    task: Task
    streams: Streams

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seed of each replica of the pack."""
        return self.streams.seeds

    def key_of(self, leaf: str, name: str) -> str:
        """Return the key of an array that belongs to a leaf."""
        return f"{leaf}:{name}"


@dataclass
class World:
    """The changing part of a pack. All arrays carry the replica axis.

    Parameters
    ----------
    params, buffers
        What the networks compute with; running means.
    synapses
        What lies behind a device's weights, keyed ``leaf:name``.
    moments, counts
        Optimiser state, keyed ``group|leaf:moment``, and updates per group (int64 ``[R]``).
    state
        The rule's own traces and means.
    tally
        Sums of the running epoch's metrics, float64 ``[R]``.
    alive, stopped_at
        Whether a replica still learns, and the step at which it stopped (-1).
    step
        Updates done.
    """

    params: dict[str, Tensor]
    buffers: dict[str, Tensor]
    synapses: dict[str, Tensor]
    moments: dict[str, Tensor]
    counts: dict[str, Tensor]
    state: dict[str, Tensor]
    alive: Tensor
    stopped_at: Tensor
    tally: dict[str, Tensor] = field(default_factory=dict)
    step: int = 0

    @property
    def replicas(self) -> int:
        """Number of replicas."""
        return self.alive.shape[0]

    def behind(self, leaf: str) -> dict[str, Tensor]:
        """Return what lies behind a leaf's weight, by its name within the synapse."""
        prefix = f"{leaf}:"
        return {key.removeprefix(prefix): value for key, value in self.synapses.items() if key.startswith(prefix)}

    def arrays(self) -> dict[str, Tensor]:
        """Return every array under one flat key; with `step` they are the whole world."""
        found = {f"{kind}/{key}": value for kind in _KINDS for key, value in getattr(self, kind).items()}
        return found | {"alive": self.alive, "stopped_at": self.stopped_at}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor], step: int) -> World:
        """Rebuild a world from `arrays`; shapes come from the arrays, so a grown network needs nothing else."""
        kinds: dict[str, dict[str, Tensor]] = {kind: {} for kind in _KINDS}
        for key, value in arrays.items():
            kind, _, rest = key.partition("/")
            if kind in kinds:
                kinds[kind][rest] = value
        return cls(alive=arrays["alive"], stopped_at=arrays["stopped_at"], step=step, **kinds)

    def with_arrays(self, arrays: Mapping[str, Tensor]) -> World:
        """Return a copy in which some arrays, by keys ``kind/key`` such as ``params/forward/0/weight``, are others."""
        found = self.copy()
        for key, value in arrays.items():
            kind, _, name = key.partition("/")
            getattr(found, kind)[name] = value.clone()
        return found

    def copy(self) -> World:
        """Return an independent copy."""
        return World.from_arrays({key: value.clone() for key, value in self.arrays().items()}, self.step)


def new_world(model: Model) -> World:
    """Draw a fresh world: weights from the streams ``init/...``, synapses, moments at zero, the rule's state."""
    streams = model.streams.at(0)
    params: dict[str, Tensor] = {}
    buffers: dict[str, Tensor] = {}
    for network in model.networks.values():
        drawn, running = network.draw(streams)
        params |= drawn
        buffers |= running
    synapses = {
        model.key_of(leaf, name): value
        for leaf in plastic(model)
        for name, value in model.plasticity.synapse.init(leaf, params[leaf], streams).items()
    }
    device = streams.device
    replicas = len(model.seeds)
    return World(
        params=params,
        buffers=buffers,
        synapses=synapses,
        moments=fresh_moments(model, params),
        counts={name: torch.zeros(replicas, dtype=torch.int64, device=device) for name in learning_groups(model)},
        state=model.rule.init(model.networks, params, streams),
        alive=torch.ones(replicas, dtype=torch.bool, device=device),
        stopped_at=torch.full((replicas,), -1, dtype=torch.int64, device=device),
    )


def learning_groups(model: Model) -> list[str]:
    """Return the names of the groups that can change."""
    return [name for name, group in model.groups.items() if not group.frozen]


def plastic(model: Model) -> list[str]:
    """Return the leaves that some group can change, once each, in order."""
    return list(dict.fromkeys(leaf for name in learning_groups(model) for leaf in model.groups[name].leaves))


def fresh_moments(model: Model, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return moments at zero for every (group, leaf)."""
    return {
        f"{name}|{model.key_of(leaf, moment)}": torch.zeros_like(params[leaf])
        for name in learning_groups(model)
        for leaf in model.groups[name].leaves
        for moment in model.plasticity.optimiser.moments
    }


def view(model: Model, world: World, batch: Batch, clock: Clock) -> View:
    """Return what the rule may read for this batch."""
    return View(
        networks=model.networks,
        params=world.params,
        buffers=world.buffers,
        state=world.state,
        batch=batch,
        clock=clock,
        streams=model.streams.at(clock.step),
        task=model.task,
    )


def learning(rule: Rule, seen: View) -> Learning:
    """Yield what a rule wants for a batch and return what it returns, as `Rule.learn` promises.

    Raises
    ------
    RunError
        If `learn` is no generator, or does not end with a `Learned`.
    """
    wants = rule.learn(seen)
    if not isinstance(wants, Generator):
        raise RunError(f"rule {rule.config.name}: learn yields nothing; yield Wanted(...) for each change, then return Learned(...)")
    learned = yield from wants
    if not isinstance(learned, Learned):
        what = "nothing" if learned is None else f"a {type(learned).__name__}"
        raise RunError(f"rule {rule.config.name}: learn returns {what}; end it with return Learned({{'loss': ...}})")
    return learned
