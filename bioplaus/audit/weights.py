"""Whose weights does a layer read, other than through activity?

The recorded window is run again with one whole weight replaced by random numbers while `send` brings what it brought then. A layer other than
the weight's own whose wanted change moves has used that weight in another way: through a transpose, a sign, a sum, a copy kept in the state,
or a gradient that autograd took through it. `init` and the edits at the start are run again too. The layer's own weight is its own business
(decay, Oja's rule), unless the change of one synapse moves when the weight of another one of the layer does.

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
    kind
        "forward": a weight of the forward network, so that reading it is weight transport. "feedback": one that nothing is sent through, an
        error's path through synapses of its own. "beside": one of another network that is sent through, such as a layer's own readout.
    """

    layer: str
    weight: str
    kind: str
    who: str = ""

    @property
    def owner(self) -> str:
        """The layer that the weight belongs to."""
        return self.weight.rpartition("/")[0]

    @property
    def lateral(self) -> bool:
        """Whether the synapses of a layer read each other's weights."""
        return bool(self.who)

    @property
    def transport(self) -> bool:
        """Whether it is weight transport."""
        return self.kind == "forward"

    def __str__(self) -> str:
        if self.lateral:
            return f"{self.layer}: a synapse reads the weights of {self.who}"
        more = {"forward": "", "feedback": " (feedback synapses)", "beside": " (outside the forward network)"}
        return f"{self.layer} reads {self.owner}{more[self.kind]}"


def layer_of(window: Window) -> dict[str, str]:
    """Return the layer that each leaf belongs to: the lowest, where several run over the same synapses."""
    layers = [layer for network in window.taps.networks.values() for layer in network.layers]
    return {leaf: layer.name for layer in reversed(layers) for leaf in layer.leaves}


def readings(window: Window) -> list[Reading]:
    """Return every reading of a foreign weight, by weight from the input up.

    Raises
    ------
    RuntimeError
        If the replay of an unchanged window moves something: then nothing can be concluded from a replay.
    """
    if any(_moved(window, {})):
        raise RuntimeError("two equal replays differ: the rule's changes depend on more than weights, state, batch and streams")
    owners, sent = layer_of(window), {call.weight for frame in window.frames for call in frame.tape if call.verb == "send"}
    below = {high.name: low.name for network in window.taps.networks.values() for low, high in pairwise(network.layers)}
    found = []
    asked: set[str] = set()
    for name, network in window.taps.networks.items():
        for layer in network.layers:
            if layer.weight in asked:  # another layer's synapses, used in the other direction
                continue
            asked.add(layer.weight)
            kind = "forward" if name == "forward" else "beside" if layer.weight in sent else "feedback"
            replaced = {layer.weight: _replacement(window.drawn[layer.weight], layer.connection.fan_in)}
            readers, told = ({owners[leaf] for leaf in leaves} for leaves in _moved(window, replaced))
            seen = {one for one in readers - told if below.get(one) in readers}
            if layer.name in readers and (who := _neighbours(window, layer.weight, layer.connection.fan_in)):
                found.append(Reading(layer.name, layer.weight, kind, who))
            found += [Reading(one, layer.weight, kind) for one in sorted(readers - seen - {layer.name})]
    return found


def _replacement(old: Tensor, fan_in: int) -> Tensor:
    """Return random weights of the size of the old ones, finite and of both signs."""
    spread = float(old.std()) if old.numel() > 1 else 0.0
    draw = torch.randn(old.shape, generator=torch.Generator().manual_seed(fan_in), dtype=torch.float64)
    return (draw * (spread or fan_in**-0.5)).to(old.dtype)


def _neighbours(window: Window, weight: str, fan_in: int) -> str:
    """Return whose changes move when the weight of the first synapse does, within a batch; "" if only its own."""
    found: set[str] = set()
    for frame in window.kinds:
        own = frame.before.params[weight]
        # held in both, so that the neighbours find the same weights of their own
        first = own.clone(memory_format=torch.contiguous_format)
        first.view(first.shape[0], -1)[:, 0] += _replacement(own, fan_in).abs().max()
        one, other = (window.replay(frame, _pinned(frame.tape), other={weight: value}).changes for value in (own, first))
        for key in one.keys() & other.keys():
            if key.endswith(f"|{weight}"):
                found |= _others(one[key], other[key])
    return "other cells" if "other cells" in found else "its cell's other synapses" if found else ""


def _others(one: Seen, other: Seen) -> set[str]:
    """Return which synapses beside the first differ; a factored change is judged by its postsynaptic side."""
    if one.sides and len(one.sides) == len(other.sides):
        axis = -3 if one.value.dim() == 5 else -1  # channels of images stand before height and width
        differ = [(p != q).movedim(axis, 0).flatten(1).any(1) for (_, p), (_, q) in zip(one.sides, other.sides)]
        units = torch.stack(differ).any(0)
        cell, cells = bool(units[0]), bool(units[1:].any())
    else:
        differs = one.value != other.value
        cells, differs = bool(differs[:, 1:].any()), differs[:, 0].flatten(1)
        cell = bool(differs[:, 1:].any())
    return {word for word, found in (("other cells", cells), ("its cell", cell)) if found}


def _opened(window: Window, other: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], set[str]]:
    """Run `init` and the start again; return the state and the leaves that are assigned something else."""
    params = {key: value.clone() for key, value in {**window.drawn, **other}.items()}
    buffers = {key: value.clone() for key, value in window.frames[0].before.buffers.items()}
    state, edits = window.open(params, buffers, _pinned(window.opening))
    for one in edits:
        state |= one.state
    return state, moved(window.assigned, assignments(edits))


def _moved(window: Window, other: Mapping[str, Tensor]) -> tuple[set[str], set[str]]:
    """Return the leaves that change otherwise somewhere in the window, and those of them whose postsynaptic side or dense change does.

    The state is handed on as the replay leaves it.
    """
    state, found = _opened(window, other)
    told = set(found)
    for frame in window.frames:
        run = window.replay(frame, _pinned(frame.tape), other=other, state=state)
        found |= moved(frame.changes, run.changes)
        told |= moved(frame.changes, run.changes, post=True)
        state = {**state, **run.learned.state}
    return found, told


def _pinned(tape: Mapping[Call, Tensor]) -> Listener:
    """Return an ear for which every `send` brings what it brought then."""
    return Listener(tape, pin=lambda call: call.verb == "send")
