"""Which signals of this batch does a hidden layer's change wait for, and how do they get there?

Everything is live here, at the recorded weights, but for one disturbance at a time:

- the current of the top layer: a hidden layer whose change moves waits for what the top does with this batch (**update locking**);
- the labels of the batch; the loss that the task returns; one sample of the batch, where other rows of the two sides must stay;
- each *channel* (a verb through a weight) whose signals moved when the top did. If disturbing channel A moves what channel B carries, and either
  moves a layer's change, the layer stands at the end of a chain A -> B that starts at the top. That is **backward locking**, unless a channel
  moves *itself* later in the same batch, and both what it carried first and what it carried later move the change: then the layers exchange
  signals at every step of a relaxation and none waits for another to finish; the network *settles*.

A signal is **broadcast** to a layer if it gets there in one step: labels (or the top's current) are changed, every verb brings what it brought
then except those outside the forward network that take the changed thing in directly, and the layer's postsynaptic side still moves. The hidden
layer next to the top is left out of this question, being a step away from it in any case.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from bioplaus.audit.ears import Listener, nobody, shaken
from bioplaus.audit.taps import Call, Channel
from bioplaus.audit.weights import layer_of
from bioplaus.audit.window import Changes, Frame, Window, moved
from bioplaus.tasks import Task
from bioplaus.view import Batch

__all__ = ["Signals", "signals"]


@dataclass
class Signals:
    """Names of the layers that each answer holds for."""

    top: set[str] = field(default_factory=set)
    chained: set[str] = field(default_factory=set)
    settling: set[str] = field(default_factory=set)
    through_verbs: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    loss: set[str] = field(default_factory=set)
    mixing: set[str] = field(default_factory=set)
    broadcast_labels: set[str] = field(default_factory=set)
    broadcast_top: set[str] = field(default_factory=set)
    own_activity: bool = False


def signals(window: Window) -> Signals:
    """Ask one frame of every kind that the window holds (a rule may do different things in different batches)."""
    found = Signals()
    for frame in window.kinds:
        _Questions(window, frame, found).ask()
    return found


class _Questions:
    """All questions about one recorded batch; answers are added to `found`."""

    def __init__(self, window: Window, frame: Frame, found: Signals) -> None:
        self.window, self.frame, self.found = window, frame, found
        self.owners = layer_of(window)
        forward = window.taps.networks["forward"].layers
        self.hidden = [layer.name for layer in forward[:-1]]
        # a layer may send through what it makes of its weight, such as the means of binary synapses
        self.up = {key for layer in forward for key in (layer.weight, f"{layer.name}/*")}
        self.top: set[Channel] = {("send", forward[-1].weight), ("send", f"{forward[-1].name}/*")}
        self.losses: list[Tensor] = []
        self._live(task=_with_loss(window.model.task, self._keep_loss))

    def ask(self) -> None:
        shaken_top, ear = self._live(shake=lambda call: call.channel in self.top)
        waiting = self._layers(shaken_top) & set(self.hidden)
        self.found.top |= waiting
        self.found.labels |= self._layers(self._live(batch=self._relabelled())[0])
        self.found.loss |= self._layers(self._live(task=_shaken_loss(self.window.model.task))[0], post=True)
        self._ask_mixing()
        self.found.own_activity |= self._sends_of_its_own()
        if waiting:
            self._ask_chains(waiting, {call for call in ear.moved if call.channel not in self.top})
        self.found.broadcast_labels |= self._reached(self._relabelled(), nobody)
        self.found.broadcast_top |= self._reached(None, lambda call: call.channel in self.top)

    def _keep_loss(self, out: Tensor, y: Tensor) -> Tensor:
        now = self.window.model.task.loss(out, y)
        self.losses.append(now.detach().clone())
        return now

    def _live(
        self,
        shake: Callable[[Call], bool] = nobody,
        batch: Batch | None = None,
        task: Task | None = None,
        pin: Callable[[Call], bool] = nobody,
    ) -> tuple[Changes, Listener]:
        ear = Listener(self.frame.tape, pin=pin, shake=shake)
        return self.window.replay(self.frame, ear, batch=batch, task=task).changes, ear

    def _layers(self, changes: Changes, *, post: bool = False) -> set[str]:
        return {self.owners[leaf] for leaf in moved(self.frame.changes, changes, post=post)}

    def _relabelled(self) -> Batch:
        """Return the batch with other labels: every class the next one; other numbers where the target is an array."""
        batch = self.frame.batch
        if batch.y.is_floating_point():
            return replace(batch, y=shaken(batch.y))
        classes = self.window.model.task.codes(batch.y, batch.x.dtype)[0].shape[1]
        return replace(batch, y=(batch.y + 1) % classes)

    def _sends_of_its_own(self) -> bool:
        """Return whether forward weights also carry patterns that know nothing of the batch, such as noise: a phase of its own.

        One pattern for all samples, such as a running mean or silence, is no phase.
        """
        batch = self._relabelled()
        x = shaken(batch.x)
        _, ear = self._live(batch=replace(batch, x=x, y=x if self.frame.batch.y is self.frame.batch.x else batch.y))
        unmoved = [call for call in self.frame.tape.keys() - ear.moved if call.verb == "send" and call.weight in self.up]
        return any(bool((out[:, 1:] != out[:, :1]).any()) for out in (self.frame.tape[call] for call in unmoved))

    def _ask_chains(self, waiting: set[str], calls: set[Call]) -> None:
        """Follow the top's influence from channel to channel."""
        hits: dict[Channel, set[str]] = {}
        arrows: dict[Channel, set[Channel]] = {}
        repeated: dict[Channel, set[str]] = {}
        for channel in sorted({call.channel for call in calls}):
            mine = {call for call in calls if call.channel == channel}
            hits[channel], moved = self._effect(mine, waiting)
            arrows[channel] = {call.channel for call in moved & calls}
            repeated[channel] = set()
            if channel in arrows[channel]:
                first = min(mine, key=lambda call: call.turn)
                repeated[channel] = self._effect({first}, waiting)[0] & self._effect(mine - {first}, waiting)[0]
        self.found.through_verbs |= set().union(*hits.values())
        for a, reached in arrows.items():
            for b in reached & hits.keys():
                ends = hits[a] & hits[b]
                settling = ends & (repeated[a] | repeated[b])
                self.found.settling |= settling
                self.found.chained |= ends - settling if a != b else set()

    def _effect(self, calls: set[Call], layers: set[str]) -> tuple[set[str], set[Call]]:
        """Disturb some calls; return which of the layers change otherwise, and which calls bring something else."""
        changes, ear = self._live(shake=lambda call: call in calls)
        return self._layers(changes) & layers, ear.moved

    def _reached(self, batch: Batch | None, shake: Callable[[Call], bool]) -> set[str]:
        """Return the hidden layers, the one next to the top left out, that are told of a disturbance in one step."""
        _, ear = self._live(shake, batch, self._loss_of_then(), pin=lambda call: True)
        # what enters through a layer's own synapses is its input, not a signal beside it
        first = {call for call in ear.moved if call.verb != "send" or call.weight not in self.up}
        changes, _ = self._live(shake, batch, self._loss_of_then(), pin=lambda call: call not in first)
        return self._layers(changes, post=True) & set(self.hidden[:-1])

    def _loss_of_then(self) -> Task:
        """Return a task whose losses have the values of the recording: a loss that is broadcast is asked for by itself."""
        kept, real = iter(self.losses), self.window.model.task

        def loss(out: Tensor, y: Tensor) -> Tensor:
            now, then = real.loss(out, y), next(kept, None)
            return now if then is None else then + (now - now.detach())

        return _with_loss(real, loss)

    def _ask_mixing(self) -> None:
        """Disturb the first sample and look at the other rows of the two sides."""
        batch = self.frame.batch
        x = batch.x.clone()
        x[:, 0] = shaken(x[:, 0])
        changes, _ = self._live(batch=replace(batch, x=x, y=x if batch.y is batch.x else batch.y))
        for key, then in self.frame.changes.items():
            now = changes.get(key)
            pairs = zip(then.sides, now.sides) if now is not None else ()
            if any(_other_rows(a, b, batch.size) for sides in pairs for a, b in zip(*sides)):
                self.found.mixing.add(self.owners[key.rpartition("|")[2]])


def _other_rows(a: Tensor, b: Tensor, size: int) -> bool:
    """Return whether rows beside the first differ; sides whose rows are not the samples say nothing."""
    return a.shape == b.shape and a.shape[1] == size and not torch.equal(a[:, 1:], b[:, 1:])


def _with_loss(task: Task, loss: Callable[[Tensor, Tensor], Tensor]) -> Task:
    other = copy.copy(task)
    object.__setattr__(other, "loss", loss)  # tasks are frozen; the copy is ours
    object.__setattr__(other, "loss_and_error", lambda out, y: (loss(out, y), task.error(out, y)))
    return other


def _shaken_loss(task: Task) -> Task:
    return _with_loss(task, lambda out, y: shaken(task.loss(out, y)))
