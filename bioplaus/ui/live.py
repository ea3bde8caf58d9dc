"""A run that is shown while it goes on: what a page draws after each epoch, and the settings behind its controls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bioplaus import config, data, registry
from bioplaus.progress import Silent
from bioplaus.simulator import Simulator
from bioplaus.summary import findings_of, summarise_run

if TYPE_CHECKING:
    import pyarrow
    from matplotlib.figure import Figure

__all__ = ["Snapshot", "figures", "rules_to_play_with", "settings_of", "train"]

#: Data sets of the page: small, and in the package.
DATA = ("digits", "synthetic")
#: Seconds between two looks at a run.
EVERY = 0.5


@dataclass(frozen=True)
class Snapshot:
    """What a run has to show at some moment.

    Attributes
    ----------
    table
        All measurements so far.
    weights
        First layer of the first seed, ``[units, ...]`` with the shape of an image behind it where there is one.
    epoch, epochs
        How far it is.
    title
        Rule, data, network.
    """

    table: pyarrow.Table
    weights: NDArray[Any]
    epoch: int
    epochs: int
    title: str


def rules_to_play_with() -> list[str]:
    """Return the rules that classify with a multilayer perceptron, of units that spike or not; those at home on another network are left out."""
    classes = {name: registry.RULES.get(name) for name in registry.RULES.names()}
    kinds = {"classification", "spiking"}
    return [name for name, rule in classes.items() if kinds & set(rule.tasks) and rule.home({}).get("network", "mlp") == "mlp"]


def settings_of(
    rule: str, data: str, *, depth: int, width: int, neuron: str, rate: float, epochs: int, seeds: int, seed: int = 0
) -> dict[str, Any]:
    """Return the overrides that a page's controls stand for.

    Parameters
    ----------
    depth, width
        Number of hidden layers (0: those of the rule's own recipe) and units in each.
    neuron
        A name, or "" for the rule's own.
    rate
        Factor on the rate of the rule's recipe.
    """
    chosen: dict[str, Any] = {"rule": rule, "data": data, "network": "mlp", "epochs": epochs, "seeds": seeds, "seed": seed, "run.save": False}
    if depth:
        chosen["network.hidden"] = [width] * depth
    if neuron:
        chosen["neuron"] = neuron
    own = getattr(config.resolve(chosen).rule, "lr", None)
    return {**chosen, "rule.lr": own * rate} if own is not None else chosen


class _Live(Silent):
    """Shows a run after each epoch, but not more often than asked for."""

    def __init__(self, simulator: Simulator, show: Callable[[Snapshot], None], every: float) -> None:
        self.simulator, self.show, self.every = simulator, show, every
        self.epoch, self.last = -1, -float("inf")

    def update(self, done: int, text: str) -> None:
        now = time.perf_counter()
        if self.simulator.epoch != self.epoch and now - self.last >= self.every:
            self.epoch, self.last = self.simulator.epoch, now
            self.show(_snapshot(self.simulator))


def train(overrides: Mapping[str, Any], show: Callable[[Snapshot], None], *, every: float = EVERY) -> dict[str, Any]:
    """Train to the end, show what happens after each epoch and once more at the end, and return the summary.

    Raises
    ------
    BioplausError
        One line saying what is wrong with the settings or the run.
    """
    settings = config.resolve({**overrides, "run.save": False})
    simulator = Simulator(settings, data.load(settings.data, settings.seed_list, settings.top.tasks))
    simulator.progress = _Live(simulator, show, every)
    simulator.run()
    show(_snapshot(simulator))
    return summarise_run(simulator, findings_of(simulator))


def _snapshot(simulator: Simulator) -> Snapshot:
    pack = simulator.packs[0]
    first = pack.model.networks["forward"].layers[0]
    weights = first.connection.matrix(pack.world.params[first.weight][:1])[0].detach().cpu().numpy().copy()  # learning goes on in place
    shape = simulator.splits.shape
    if weights.ndim == 2 and len(shape) == 3 and weights.shape[1] == np.prod(shape):
        weights = weights.reshape(-1, *shape)
    top = simulator.settings
    title = f"{top.rule.name} on {top.data.name} ({top.network.name})"
    return Snapshot(simulator.recorder.table(), weights, simulator.epoch, simulator.epochs, title)


def figures(snapshot: Snapshot) -> Sequence[Figure]:
    """Return the figures of a snapshot that have something to show: accuracy, angles or feedback, firing, weights."""
    from bioplaus.plots import alignment, firing, learning_curves, weight_images

    drawn = (
        learning_curves(snapshot.table, snapshot.title),
        alignment(snapshot.table, snapshot.title),
        firing(snapshot.table, snapshot.title),
        weight_images(snapshot.weights, snapshot.title),
    )
    return [figure for figure in drawn if figure is not None]
