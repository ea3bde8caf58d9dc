"""Record what a rule does over some batches, and run any of it again under other circumstances.

In a replay the weights follow the recorded path: after each wanted change plasticity's result of then is put in place, so that whatever a
disturbance does to the wanted changes, it reaches later ones through the rule alone (through its state), never through the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from bioplaus.audit.ears import Listener
from bioplaus.audit.taps import Call, Ear, Taps
from bioplaus.changes import Change, Outer, Wanted
from bioplaus.edits import perform
from bioplaus.engines.loop import learn_batch
from bioplaus.errors import RunError
from bioplaus.feed import Feed
from bioplaus.tasks import Task
from bioplaus.view import Batch, Clock, Edits, Learned, View
from bioplaus.world import Model, World, new_world

__all__ = ["Changes", "Frame", "Run", "Seen", "Window", "assignments", "moved", "record"]


@dataclass(frozen=True)
class Seen:
    """A wanted change: its value, and the (pre, post) sides where it is factored."""

    value: Tensor
    sides: tuple[tuple[Tensor, Tensor], ...] = ()


#: "yield|group|leaf" -> change
Changes = dict[str, Seen]


@dataclass(frozen=True)
class Frame:
    """One recorded batch: the world before it, what was wanted, the weights after each wanted change, and what was heard."""

    batch: Batch
    clock: Clock
    before: World
    changes: Changes
    written: list[dict[str, Tensor]]
    tape: dict[Call, Tensor]


@dataclass(frozen=True)
class Run:
    """What came of a batch."""

    changes: Changes
    learned: Learned


@dataclass
class Window:
    """Recorded batches of a model whose networks are tapped.

    Parameters
    ----------
    drawn
        Weights as drawn, before the rule's `init` and its edits at the start.
    assigned
        What the rule assigned to weights at the start.
    opening
        What was heard during `init` and `boundary("start")`.
    asked
        Names of the state that the rule has looked at while it learned, in any replay.
    """

    model: Model
    taps: Taps
    feed: Feed
    drawn: dict[str, Tensor]
    assigned: Changes
    opening: dict[Call, Tensor]
    frames: list[Frame]
    asked: set[str] = field(default_factory=set)

    @property
    def kinds(self) -> list[Frame]:
        """The last frame of each kind: kinds differ in the leaves that change."""
        last: dict[frozenset[str], Frame] = {}
        for frame in self.frames:
            last[frozenset(key for key, seen in frame.changes.items() if bool(seen.value.any()))] = frame
        return list(last.values())

    def open(self, params: dict[str, Tensor], buffers: dict[str, Tensor], ear: Ear) -> tuple[dict[str, Tensor], tuple[Edits, ...]]:
        """Let the rule make its state, and act at the start; return both."""
        self.taps.listen(params, ear)
        state = self.model.rule.init(self.taps.networks, params, self.model.streams.at(0))
        seen = self._view(params, buffers, state, self.feed.batch(torch.zeros(1, 1, dtype=torch.int64)), Clock(), self.model.task)
        edits = self.model.rule.boundary("start", seen, {}, lambda: self.feed.chunks(len(self.feed)))
        return state, () if edits is None else (edits,) if isinstance(edits, Edits) else tuple(edits)

    @torch.no_grad()
    def replay(
        self,
        frame: Frame,
        ear: Ear,
        *,
        other: Mapping[str, Tensor] | None = None,
        state: Mapping[str, Tensor] | None = None,
        batch: Batch | None = None,
        task: Task | None = None,
    ) -> Run:
        """Run one batch again.

        Parameters
        ----------
        other
            Weights that are replaced, and stay as they are here, whatever was written to them.
        state, batch, task
            What the rule finds instead of what it found.
        """
        held = dict(other or {})
        params = {key: value.clone() for key, value in {**frame.before.params, **held}.items()}
        buffers = {key: value.clone() for key, value in frame.before.buffers.items()}
        found = {key: value.clone() for key, value in (frame.before.state if state is None else state).items()}
        self.taps.listen(params, ear)
        learning = self.model.rule.learn(
            self._view(params, buffers, _Asked(found, self.asked), frame.batch if batch is None else batch, frame.clock, task or self.model.task)
        )
        changes: Changes = {}
        turn = 0
        while True:
            try:
                wanted = next(learning)
            except StopIteration as stop:
                return Run(changes, stop.value)
            changes |= _seen(wanted, turn)
            for key, value in (frame.written[turn] if turn < len(frame.written) else {}).items():
                if key not in held:
                    params[key].copy_(value)
            turn += 1

    def _view(
        self,
        params: Mapping[str, Tensor],
        buffers: Mapping[str, Tensor],
        state: Mapping[str, Tensor],
        batch: Batch,
        clock: Clock,
        task: Task,
    ) -> View:
        return View(self.taps.networks, params, buffers, state, batch, clock, self.model.streams.at(clock.step), task)


class _Asked(Mapping[str, Tensor]):
    """State that notes which of its entries are read."""

    def __init__(self, state: Mapping[str, Tensor], asked: set[str]) -> None:
        self.state, self.asked = state, asked

    def __getitem__(self, key: str) -> Tensor:
        self.asked.add(key)
        return self.state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.state)

    def __len__(self) -> int:
        return len(self.state)


@torch.no_grad()
def record(model: Model, feed: Feed, batches: Sequence[Batch], clocks: Sequence[Clock]) -> Window:
    """Run a rule from its start over some batches, plasticity and all, and keep everything that an audit asks for again."""
    taps = Taps(model.networks)
    model = replace(model, networks=taps.networks)
    taps.listen({}, Listener())
    world = new_world(model)
    window = Window(model, taps, feed, {key: value.clone() for key, value in world.params.items()}, {}, {}, [])
    ear = Listener()
    world.state, edits = window.open(world.params, world.buffers, ear)
    window.opening = ear.heard
    for one in edits:
        perform(model, world, one)
    window.assigned = assignments(edits)
    for batch, clock in zip(batches, clocks):
        window.frames.append(_frame(model, taps, world, batch, clock))
    return window


def assignments(edits: Sequence[Edits]) -> Changes:
    """Return what edits assign, as changes."""
    return {f"start|{i}|{key}": Seen(value.clone()) for i, one in enumerate(edits) for key, value in one.assign.items()}


def _frame(model: Model, taps: Taps, world: World, batch: Batch, clock: Clock) -> Frame:
    world.step = clock.step
    before, ear, changes = world.copy(), Listener(), {}
    paths: list[dict[str, Tensor]] = []
    taps.listen(world.params, ear)

    def seen(wanted: Wanted) -> None:
        changes.update(_seen(wanted, len(paths)))
        paths.append(_copies(world.params))

    learn_batch(model, world, batch, clock, seen=seen)
    # the weights after a change are those before the next one
    written = [*paths[1:], _copies(world.params)] if paths else []
    if not all(bool(torch.isfinite(seen.value).all()) for seen in changes.values()):
        raise RunError(f"rule {model.rule.config.name} cannot be audited: its changes are not finite; try a lower rule.lr")
    return Frame(batch, clock, before, changes, written, ear.heard)


def _copies(arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in arrays.items()}


def _seen(wanted: Wanted, turn: int) -> Changes:
    return {f"{turn}|{wanted.group}|{leaf}": _read(change) for leaf, change in wanted.changes.items()}


def _read(change: Change) -> Seen:
    value = change.dense().detach().clone()
    if not isinstance(change, Outer):
        return Seen(value)
    return Seen(value, tuple((pre.detach().clone(), post.detach().clone()) for pre, post in change.pairs))


def moved(then: Changes, now: Changes, *, post: bool = False) -> set[str]:
    """Return the leaves whose wanted change is another one, bit for bit, or comes at another time.

    With ``post`` a factored change counts only by its postsynaptic side: what the cell was told, not what it saw.
    """
    found = {key for key in then.keys() | now.keys() if key not in then or key not in now or _differs(then[key], now[key], post=post)}
    return {key.rpartition("|")[2] for key in found}


def _differs(a: Seen, b: Seen, *, post: bool) -> bool:
    if post and a.sides and len(a.sides) == len(b.sides):
        return any(_other(p, q) for (_, p), (_, q) in zip(a.sides, b.sides))
    return _other(a.value, b.value)


def _other(a: Tensor, b: Tensor) -> bool:
    """Return whether two arrays differ in a bit; a NaN equals itself."""
    return a.shape != b.shape or bool(((a != b) & ~((a != a) & (b != b))).any())

