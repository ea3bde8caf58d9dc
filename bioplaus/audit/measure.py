"""From a model and some samples to a card: record, ask, put together, and compare with what the rule declares."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import torch

from bioplaus.audit.card import Card, LayerCard
from bioplaus.audit.signals import Signals, signals
from bioplaus.audit.weights import Reading, layer_of, readings
from bioplaus.audit.window import Frame, Window, record
from bioplaus.errors import RunError
from bioplaus.feed import Feed
from bioplaus.rules.base import Plausibility
from bioplaus.view import Batch, Clock
from bioplaus.world import Model

__all__ = ["KNOWN_SIGNALS", "SAMPLES", "measure"]

#: Samples per batch: more than two, and no usual number of classes.
SAMPLES = 9
#: Batches at the start of the run, and as many at its end: what is kept in batch 1 is used in batch 2 or 3.
BATCHES = 3
#: Signals that the audit knows by name; a rule may declare others, which it cannot judge.
KNOWN_SIGNALS = ("output error", "label", "output", "loss")
#: What an audit cannot tell of a network whose cells run in a compiled loop.
BEHIND_LOOPS = ("weight_transport", "backward_locking", "update_locking", "phases")


def measure(model: Model, feed: Feed, network: str, epochs: int = 1) -> Card:
    """Return the card of a model of one replica.

    Parameters
    ----------
    model
        Rule, networks and plasticity, on the CPU; its networks are copied, not touched.
    feed
        At least nine samples.
    network
        What the network is called.
    epochs
        Length of the run that the rule is told it is in: some rules do something else at its start.

    Raises
    ------
    RunError
        If the rule does not give the same changes twice.
    """
    window = record(model, feed, *_schedule(feed, epochs))
    try:
        # where cells run in a compiled loop, another weight shows in the activity of all, and the two cannot be told apart
        read = [] if model.networks["forward"].compiled else readings(window)
    except RuntimeError as error:
        raise RunError(f"rule {model.rule.config.name} cannot be audited: {error}") from error
    return _Report(window, read, signals(window), network).card()


def _schedule(feed: Feed, epochs: int) -> tuple[Sequence[Batch], Sequence[Clock]]:
    """Return batches and clocks: some at the start of a run, as many at its end."""
    per_epoch = max(math.ceil(len(feed) / SAMPLES), BATCHES)
    total = max(epochs * per_epoch, 2 * BATCHES)
    steps = [*range(BATCHES), *range(total - BATCHES, total)]
    starts = [i * SAMPLES for i in range(len(steps))]
    batches = [feed.batch((torch.arange(start, start + SAMPLES) % len(feed)).unsqueeze(0)) for start in starts]
    return batches, [Clock(step, step // per_epoch, 0, per_epoch, total) for step in steps]


class _Report:
    """Puts a card together."""

    def __init__(self, window: Window, read: list[Reading], found: Signals, network: str) -> None:
        self.window, self.read, self.found, self.network = window, read, found, network
        self.hidden = [layer.name for layer in window.taps.networks["forward"].layers[:-1]]
        owners = layer_of(window)
        self.learning = {owners[key.rpartition("|")[2]] for frame in window.frames for key in frame.changes}
        self.owners = owners

    def card(self) -> Card:
        rule, found = self.window.model.rule, self.found
        stated = rule.statement()
        layers = tuple(self._layer(layer.name) for network in self.window.taps.networks.values() for layer in network.layers)
        hidden = [one for one in layers if one.layer in self.hidden]
        waiting = [one for one in hidden if one.waits]
        locked, declared = any(one.waits == "for a pass from above" for one in hidden), {}
        phases, told = max((one.phases for one in hidden if one.learns), default=1), {s for one in hidden for s in one.broadcast}
        if len(self.hidden) < 2 and waiting:
            # one step from the top: a chain and a broadcast are the same thing
            why = "a network of one hidden layer does not show it: its only step from the top is a pass and a broadcast in one"
            locked, declared["backward_locking"] = stated.backward_locking, why
            told, declared["modulators"] = set(stated.modulators), why
        if self.window.taps.networks["forward"].compiled:
            declared |= dict.fromkeys(BEHIND_LOOPS, "its cells run in a compiled loop, past the verbs that an audit listens to")
            locked, phases = stated.backward_locking, stated.phases
        mixing = tuple(f"{one.layer} reads other samples of the batch" for one in layers if one.other_samples)
        card = Card(
            rule=rule.config.name,
            network=self.network,
            weight_transport=stated.weight_transport if "weight_transport" in declared else any(one.transport for one in self.read),
            backward_locking=locked,
            update_locking=stated.update_locking if "update_locking" in declared else bool(waiting),
            needs_labels=any(name in found.labels for name in self.hidden),
            phases=phases + found.own_activity,
            settles=any(one.waits == "for the network to settle" for one in hidden),
            non_local_terms=(*dict.fromkeys(str(one) for one in self.read), *mixing),
            global_signals=tuple(s for s in KNOWN_SIGNALS if any(s in one.signals for one in hidden)),
            modulators=(*(s for s in KNOWN_SIGNALS if s in told), *sorted(told - set(KNOWN_SIGNALS))),
            stored=tuple(sorted(self.window.asked)),
            per_layer=layers,
            declared=declared,
        )
        return _compared(card, stated)

    def _layer(self, name: str) -> LayerCard:
        reads = [one for one in self.read if one.layer == name]
        foreign = [one for one in reads if not one.lateral]
        hidden = name in self.hidden
        waits = self._waits(name, len({one.owner for one in foreign})) if hidden else ""
        return LayerCard(
            layer=name,
            learns=name in self.learning,
            reads_forward=tuple(one.owner for one in foreign if one.transport),
            reads_other=tuple(one.owner for one in foreign if not one.transport),
            reads_neighbours=next((one.who for one in reads if one.lateral), ""),
            waits=waits,
            signals=self._signals(name) if hidden else (),
            broadcast=self._broadcast(name, waits) if hidden else (),
            other_samples=self._other_samples(name),
            phases=self._phases(name),
        )

    def _waits(self, name: str, weights_read: int) -> str:
        found = self.found
        # an error that walks round the verbs leaves its trace in the weights it passes: those of two layers make a way through layers
        silent_pass = name not in found.through_verbs and weights_read > 1
        if name not in found.top:
            return ""
        if name in found.chained or silent_pass:
            return "for a pass from above"
        return "for the network to settle" if name in found.settling else "for the top"

    def _signals(self, name: str) -> tuple[str, ...]:
        """Return what the layer depends on by any way; where the loss brings labels and top, it is named alone."""
        found = self.found
        by_loss = name in found.loss and name not in found.through_verbs | found.broadcast_labels | found.broadcast_top
        return ("loss",) if by_loss else _named(name, found.labels, found.top, found.loss)

    def _broadcast(self, name: str, waits: str) -> tuple[str, ...]:
        """Return what the layer is told in one step; a pass that walks round the verbs only looks like one."""
        if waits not in ("", "for the top"):
            return ("loss",) if name in self.found.loss else ()
        return _named(name, self.found.broadcast_labels, self.found.broadcast_top, self.found.loss)

    def _other_samples(self, name: str) -> bool | None:
        sides = [
            side
            for frame in self.window.frames
            for key, seen in frame.changes.items()
            if self.owners[key.rpartition("|")[2]] == name
            for pair in seen.sides
            for side in pair
        ]
        return name in self.found.mixing if any(side.shape[1] == SAMPLES for side in sides) else None

    def _phases(self, name: str) -> int:
        timed = any(layer.neuron.spiking for layer in self.window.taps.networks["forward"].layers)
        compared = max((_activities(frame, f"{name}/weight", timed) for frame in self.window.frames), default=1)
        return max(compared, 1 + (name in self.found.top and name in self.hidden))


def _activities(frame: Frame, weight: str, timed: bool) -> int:
    """Return how many times over the samples of a batch the wanted changes of a weight add up products.

    Where units have time, a second change within a batch is one of another step and not of another phase.
    """
    rows = [sum(pre.shape[1] for pre, _ in seen.sides) for key, seen in frame.changes.items() if key.endswith(f"|{weight}")]
    return max((max(rows, default=0) if timed else sum(rows)) // frame.batch.size, 1)


def _named(name: str, labels: Collection[str], top: Collection[str], loss: Collection[str]) -> tuple[str, ...]:
    """Return what a layer is told: labels and top together are the output's error."""
    kinds = {(True, True): ("output error",), (True, False): ("label",), (False, True): ("output",), (False, False): ()}
    return (*kinds[name in labels, name in top], *(("loss",) if name in loss else ()))


def _compared(card: Card, stated: Plausibility) -> Card:
    """Note where the rule's statement says something else."""
    names = ("weight_transport", "backward_locking", "update_locking", "needs_labels", "phases")
    differs = [f"{name.replace('_', ' ')} = {getattr(stated, name)}" for name in names if getattr(card, name) != getattr(stated, name)]
    if {s for s in stated.modulators if s in KNOWN_SIGNALS} != {s for s in card.modulators if s in KNOWN_SIGNALS}:
        differs.append(f"modulators = {', '.join(stated.modulators) or 'none'}")
    return replace(card, differs=tuple(differs))
