"""Whose weights does a layer read, other than through activity?

The recorded window is run again with one whole weight replaced by random numbers while `send` brings what it brought then. A layer other than
the weight's own whose wanted change moves has used that weight in another way: through a transpose, a sign, a sum, a copy kept in the state,
or a gradient that autograd took through it. `init` and the edits at the start are run again too. The layer's own weight is its own business
(decay, Oja's rule), unless one neuron's change moves with the weights of its neighbours.

Where only the presynaptic side of a change moves, and the layer below reads the weight too, the change has seen that layer's settled activity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from bioplaus.audit.ears import Listener
from bioplaus.audit.taps import Call
from bioplaus.audit.window import Seen, Window, assignments, moved

__all__ = ["Reading", "layer_of", "readings"]


@dataclass(frozen=True)
class Reading:
    """A layer that reads a weight.

    Parameters
    ----------
    layer
        Whose wanted change moves.
    weight
        Key of the weight that was replaced.
    carries
        Whether the weight carries activity forwards: it is one of the forward network, or something is sent through it. If not, it is a
        feedback weight, and reading it is an error's path through synapses of its own.
    """

    layer: str
    weight: str
    carries: bool

    @property
    def owner(self) -> str:
        """The layer that the weight belongs to."""
        return self.weight.rpartition("/")[0]

    @property
    def lateral(self) -> bool:
        """Whether the neurons of a layer read each other's weights."""
        return self.owner == self.layer

    def __str__(self) -> str:
        if self.lateral:
            return f"{self.layer}: a neuron reads the weights of its neighbours"
        return f"{self.layer} reads {self.owner}" + ("" if self.carries else " (feedback synapses)")


def layer_of(window: Window) -> dict[str, str]:
    """Return the layer that each leaf belongs to."""
    return {leaf: layer.name for network in window.taps.networks.values() for layer in network.layers for leaf in layer.leaves}


def readings(window: Window) -> list[Reading]:
    """Return every reading of a foreign weight, by weight from the input up.

    Raises
    ------
    RuntimeError
        If the replay of an unchanged window moves something: then nothing can be concluded from a replay.
    """
    if _moved(window, {}):
        raise RuntimeError("two equal replays differ: the rule's changes depend on more than weights, state, batch and streams")
    owners, sent = layer_of(window), {call.weight for frame in window.frames for call in frame.tape if call.verb == "send"}
    below = {high.name: low.name for network in window.taps.networks.values() for low, high in pairwise(network.layers)}
    found = []
    for name, network in window.taps.networks.items():
        for layer in network.layers:
            carries = name == "forward" or layer.weight in sent
            replaced = {layer.weight: _replacement(window.drawn[layer.weight], layer.connection.fan_in)}
            readers = {owners[leaf] for leaf in _moved(window, replaced)}
            told = {owners[leaf] for leaf in _moved(window, replaced, post=True)} if len(readers) > 1 else readers
            seen = {one for one in readers - told if below.get(one) in readers}
            if layer.name in readers and _reads_neighbours(window, layer.weight, layer.connection.fan_in):
                found.append(Reading(layer.name, layer.weight, carries))
            found += [Reading(one, layer.weight, carries) for one in sorted(readers - seen - {layer.name})]
    return found


def _replacement(old: Tensor, fan_in: int) -> Tensor:
    """Return random weights of the size of the old ones, finite and of both signs."""
    spread = float(old.std()) if old.numel() > 1 else 0.0
    draw = torch.randn(old.shape, generator=torch.Generator().manual_seed(fan_in), dtype=torch.float64)
    return (draw * (spread or fan_in**-0.5)).to(old.dtype)


def _reads_neighbours(window: Window, weight: str, fan_in: int) -> bool:
    """Return whether the change of the other neurons moves when the weights of the first one do, within a batch."""
    for frame in window.frames:
        own = frame.before.params[weight]
        if own.shape[1] < 2:
            return False
        # held in both, so that the neighbours find the same weights of their own
        first = torch.cat([_replacement(own[:, :1], fan_in), own[:, 1:]], 1)
        one, other = (window.replay(frame, _pinned(frame.tape), other={weight: value}).changes for value in (own, first))
        for key in one.keys() & other.keys():
            if key.endswith(f"|{weight}") and _other_neurons(one[key], other[key]):
                return True
    return False


def _other_neurons(one: Seen, other: Seen) -> bool:
    """Return whether the change of other neurons than the first differs: by their own side where it is factored."""
    pairs = [(one.value[:, 1:], other.value[:, 1:])]
    if one.sides and len(one.sides) == len(other.sides):
        pairs = [(_without_first(p, one.value), _without_first(q, one.value)) for (_, p), (_, q) in zip(one.sides, other.sides)]
    return any(not torch.equal(a, b) for a, b in pairs)


def _without_first(post: Tensor, weight: Tensor) -> Tensor:
    """Return the postsynaptic side without the first neuron (channel); the unit axis is the last, or the last but two of images."""
    axis = -3 if weight.dim() == 5 else -1
    return post.narrow(axis, 1, post.shape[axis] - 1)


def _opened(window: Window, other: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], set[str]]:
    """Run `init` and the start again; return the state and the leaves that are assigned something else."""
    params = {key: value.clone() for key, value in {**window.drawn, **other}.items()}
    buffers = {key: value.clone() for key, value in window.frames[0].before.buffers.items()}
    state, edits = window.open(params, buffers, _pinned(window.opening))
    for one in edits:
        state |= one.state
    return state, moved(window.assigned, assignments(edits))


def _moved(window: Window, other: Mapping[str, Tensor], *, post: bool = False) -> set[str]:
    """Return the leaves that change otherwise somewhere in the window, the state being handed on as the replay leaves it.

    With ``post`` the presynaptic sides of factored changes do not count.
    """
    state, found = _opened(window, other)
    for frame in window.frames:
        run = window.replay(frame, _pinned(frame.tape), other=other, state=state)
        found |= moved(frame.changes, run.changes, post=post)
        state = {**state, **run.learned.state}
    return found


def _pinned(tape: Mapping[Call, Tensor]) -> Listener:
    """Return an ear for which every `send` brings what it brought then."""
    return Listener(tape, pin=lambda call: call.verb == "send")
