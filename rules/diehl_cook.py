"""STDP in the network of Diehl & Cook 2015, as a rule: images one after the other, labels from responses, tests with learning off.

A batch is a run of images. They are presented in order by the network's compiled loop, in which every weight changes at every spike, so that
a later image finds what an earlier one left; the whole change of the batch is handed to plasticity as one ``w_after - w_before``. The synapse
from input i to neuron j knows traces of its two cells, set to 1 by their spikes:

    an input spike arrives    w <- w - rate_pre y1_j
    neuron j fires            w <- w + rate_post x_ij y2_j        tau_x = tau_y1 = 20 ms, tau_y2 = 40 ms

and before each presentation the weights of a neuron are scaled to one sum. No label, error or weight of another synapse enters.

Afterwards a neuron stands for the class of its highest mean response over the last images of training; the class of a test image is that whose
neurons fire most on average. Weights are the network's; thresholds and responses its running arrays, which go with the weights of the epoch
that is selected; voltages, traces, spikes under way and the random generator are the rule's state.

Source: Diehl & Cook 2015, Front. Comput. Neurosci. 9:99.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bioplaus.changes import Dense, Wanted
from bioplaus.diehl_cook.state import State, new_state
from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.diehl_cook import CHUNKS, DiehlCookNetwork
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Learned, Learning, Plausibility
from bioplaus.streams import Streams
from bioplaus.view import View

__all__ = [
    "PLAUSIBILITY",
    "RECIPES",
    "REFERENCE",
    "assignment",
    "learning",
    "pixels",
    "predicted",
    "start",
    "state_of",
]

Array = np.ndarray[Any, Any]

REFERENCE = "Diehl & Cook 2015, Frontiers in Computational Neuroscience 9:99"
PLAUSIBILITY = Plausibility(
    honoured=(
        "local: a synapse changes by the spike times of its two cells",
        "no error, no weight transport, no backward pass, one phase; a change is made when a spike comes",
        "cells send spikes alone, along delays of their own; inhibition and excitation are separate cells",
        "no labels: they name neurons after learning",
    ),
    violated=(
        "the sum of a cell's input weights is restored before each image, by division",
        "an image is shown again, stronger, until the network as a whole has fired often enough",
        "an inhibitory cell per excitatory one, whose synapses do not learn",
    ),
    needs_labels=False,
)
_RUN = {
    "neuron": "identity",
    "plasticity": "sgd",
    "plasticity.clip": "none",
    "rule.lr": 1.0,
    "data.standardise": "none",
    "dtype": "float64",
    "batch_size": 100,
    "epochs": 1,
    "probes": [],
}
#: Digits have 64 pixels, of which half are lit, and 1,293 images.
_DIGITS = {
    "network.total": 20.0,
    "network.intensity": 8.0,
    "network.rate_post": 0.05,
    "network.window": 1300,
    "epochs": 6,
}
RECIPES = (
    Recipe(_RUN, "published protocol, one pass; float64 loses nothing of the loop's weights", network=("diehl_cook",)),
    Recipe(_DIGITS, "ours, of highest validation accuracy in a coarse grid", data=("digits",), network=("diehl_cook",)),
)

#: Fields of `State` that are not the rule's: the network's weight and theta.
_NETWORKS = ("weights", "theta")
#: Types that torch has no arithmetic for are kept as signed ones of the same width.
_SIGNED: dict[Any, Any] = {np.dtype(np.uint64): np.int64, np.dtype(np.uint16): np.int16}


def of(network: Network) -> DiehlCookNetwork:
    """Return the network as what it must be."""
    if not isinstance(network, DiehlCookNetwork):
        raise ConfigError("labelling runs on network=diehl_cook")
    return network


def start(network: Network, streams: Streams) -> dict[str, Tensor]:
    """Return the rule's state of a network that has seen nothing; delays and random words follow from the seed."""
    p = of(network).parameters
    seeds = streams.integers("stdp/seed", (), 0, 2**62).tolist()
    fresh = [new_state(p, seed) for seed in seeds]
    counters = {name: torch.zeros(len(seeds), dtype=torch.int64, device=streams.device) for name in ("shown", "tries")}
    return {name: _stacked([getattr(one, name) for one in fresh], streams.device) for name in _OWN} | counters


_OWN = tuple(name for name in State._fields if name not in _NETWORKS)


def _stacked(arrays: list[Array], device: torch.device) -> Tensor:
    kind = _SIGNED.get(arrays[0].dtype)
    return torch.from_numpy(np.stack([a if kind is None else a.view(kind) for a in arrays])).to(device)


def state_of(view: View, r: int) -> State:
    """Return a copy of replica r as the compiled loop takes it."""
    network = of(view.networks["forward"])
    found = {name: view.state[name][r].cpu().numpy().copy() for name in _OWN}
    found |= {"words": found["words"].view(np.uint64), "recent": found["recent"].view(np.uint16)}
    weights = view.params[network.weight][r].T.double().cpu().numpy()
    theta = view.buffers[network.theta][r].double().cpu().numpy()
    return State(weights=np.array(weights, order="C"), theta=theta.copy(), **found)


def pixels(x: Tensor) -> Array:
    """Return images ``[R, B, ...]`` in [0, 1] as whole pixels 0..255, uint8 ``[R, B, P]``."""
    return (x.flatten(2).clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def learning(view: View) -> Learning:
    """Present the images of a batch to every replica, and want what that made of the weights.

    The loss of a batch is that of its responses, read with the labels of before: no sample is judged by itself.
    """
    network = of(view.networks["forward"])
    weight = view.params[network.weight]
    images, y = pixels(view.batch.x), view.batch.y
    change, after = torch.zeros_like(weight), []
    counts, tries = [], []
    for r in range(weight.shape[0]):
        state = state_of(view, r)
        if not (np.isfinite(state.weights).all() and np.isfinite(state.theta).all()):  # a replica that has stopped
            found = (
                np.zeros((images.shape[1], network.parameters.neurons), np.int32),
                np.ones(images.shape[1], np.int64),
            )
        else:
            found = network.present(state, images[r % len(images)], r)
            change[r] = torch.from_numpy(state.weights.T).to(weight) - weight[r]
        after.append(state)
        counts.append(found[0])
        tries.append(torch.from_numpy(found[1]))
    yield Wanted("forward", {network.weight: Dense(change)})
    spikes, shown = torch.from_numpy(np.stack(counts)).to(weight.device), torch.stack(tries).to(weight.device)
    out = _answers(view, spikes)
    labels = y.expand(weight.shape[0], -1)
    sums, numbers = _remembered(view, spikes, labels)
    theta = view.buffers[network.theta]
    running = {
        network.theta: torch.from_numpy(np.stack([one.theta for one in after])).to(theta),
        network.responses: sums,
        network.images: numbers,
    }
    kept = {name: _stacked([getattr(one, name) for one in after], weight.device) for name in _OWN}
    kept |= {"shown": view.state["shown"] + view.batch.size, "tries": view.state["tries"] + shown.sum(1)}
    metrics = {
        "loss": view.task.loss(out, y),
        "accuracy": view.task.score(out, y),
        "spikes": spikes.sum(-1).double().mean(1),
        "tries": shown.double().mean(1),
        "theta": running[network.theta].double().mean(1),
    }
    return Learned(metrics, state=kept, running=running)


def _remembered(view: View, spikes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Add responses ``[R, B, N]`` to the window: a part of it that is full makes place for a new one, the oldest."""
    network = of(view.networks["forward"])
    sums, numbers = view.buffers[network.responses].clone(), view.buffers[network.images].clone()
    size = network.window // CHUNKS
    for r, begin in enumerate(view.state["shown"].tolist()):
        for chunk, some in _parts(begin, labels.shape[1], size):
            if (begin + some.start) % size == 0:
                sums[r, chunk], numbers[r, chunk] = 0, 0
            sums[r, chunk].index_add_(0, labels[r, some], spikes[r, some].to(sums.dtype))
            numbers[r, chunk] += torch.bincount(labels[r, some], minlength=network.classes)
    return sums, numbers


def _parts(begin: int, count: int, size: int) -> Iterator[tuple[int, slice]]:
    """Yield which images of a batch go into which part of the window, for a replica that has seen so many before."""
    done = 0
    while done < count:
        at = begin + done
        many = min(count - done, size - at % size)
        yield at // size % CHUNKS, slice(done, done + many)
        done += many


def assignment(view: View) -> Array:
    """Return the class of each neuron, int64 ``[R, N]``; -1 for one that has not fired in the window."""
    from bioplaus.diehl_cook.labels import labels_of

    network = of(view.networks["forward"])
    sums, numbers = (view.buffers[key].sum(1).cpu().numpy() for key in (network.responses, network.images))
    return np.stack([labels_of(one, many) for one, many in zip(sums, numbers)])


def _answers(view: View, spikes: Tensor) -> Tensor:
    """Return what responses ``[R, B, N]`` say: the mean spike count of each class's neurons, ``[R, B, K]``."""
    from bioplaus.diehl_cook.labels import class_means

    network, counts = of(view.networks["forward"]), spikes.cpu().numpy()
    found = np.stack([class_means(one, named, network.classes) for one, named in zip(counts, assignment(view))])
    return torch.from_numpy(found).to(spikes.device, view.params[network.weight].dtype)


def predicted(view: View) -> Tensor:
    """Return the mean spike count of each class's neurons, ``[R, B, K]``, learning off and each image from rest."""
    from bioplaus.diehl_cook.network import respond

    network = of(view.networks["forward"])
    images, named, p = pixels(view.batch.x), assignment(view), network.parameters
    spikes = np.zeros((len(named), images.shape[1], p.neurons), np.int32)
    for r in np.flatnonzero((named >= 0).any(1)):  # without labels there is no answer, whatever fires
        spikes[r] = respond(state_of(view, r), images[r % len(images)], p, seed=view.streams.seeds[r])[0]
    return _answers(view, torch.from_numpy(spikes))
