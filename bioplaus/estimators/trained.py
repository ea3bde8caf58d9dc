"""A network as an estimator keeps it: its settings and arrays, from which it is built again where it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioplaus import config, registry
from bioplaus.allocation import keeping_memory
from bioplaus.build import Feeds, build_model, choose_device, choose_threads, make_feeds
from bioplaus.data.base import Splits
from bioplaus.engines.base import Block
from bioplaus.errors import ConfigError, RunError
from bioplaus.evaluation import outputs
from bioplaus.guards import flushing_denormals
from bioplaus.pack import Pack
from bioplaus.progress import Silent
from bioplaus.recorder import Recorder
from bioplaus.selection import Best
from bioplaus.settings import Settings
from bioplaus.simulator import Interrupted, Simulator
from bioplaus.view import Clock
from bioplaus.world import Model, World, new_world

__all__ = ["Trained", "arrays_of", "settings_of"]

Array = NDArray[Any]


def arrays_of(train: tuple[Array, Array], validation: tuple[Array, Array], shape: tuple[int, ...], outputs: int) -> Splits:
    """Return samples ``[N, features]`` and their targets, in memory, as the data of a run; it has no test set.

    Parameters
    ----------
    train, validation
        Inputs, and labels in 0..outputs-1 or real targets ``[N, outputs]``; the validation part may be empty.
    shape
        What one sample is folded into.
    """
    (x, y), (held_x, held_y) = ((np.ascontiguousarray(x).reshape(-1, *shape), np.ascontiguousarray(y)) for x, y in (train, validation))
    rows = np.arange(len(x) + len(held_x))
    return Splits(
        "arrays", x, y, held_x, held_y, x[:0], y[:0], outputs, shape, (0.0,), (1.0,), rows[: len(x)], rows[len(x) :], rows[:0]
    )


def settings_of(flat: Mapping[str, Any]) -> Settings:
    """Return the settings of flat keys; ``data`` names the set whose recipes are meant, the data themselves are arrays."""
    settings = config.resolve({}, file=flat, locate=False)
    settings.data.name = "arrays"
    return settings


@dataclass(eq=False)
class Trained:
    """What was learned, as plain data that can be pickled, and what is needed to use it or to go on.

    Parameters
    ----------
    flat
        All settings, as `bioplaus.config.flat` gives them.
    shape, outputs, real
        Shape of a sample; number of classes or targets; whether targets are real-valued.
    arrays, selected
        The world where training stands, and the weights that answer: those of the epoch of lowest validation loss, else the last ones.
    step, epochs, selected_epoch
        Updates and epochs done; the epoch that answers.
    curves
        Loss after each epoch, by "train" and "validation".
    """

    flat: dict[str, Any]
    shape: tuple[int, ...]
    outputs: int
    real: bool
    arrays: dict[str, Array] = field(default_factory=dict)
    selected: dict[str, Array] = field(default_factory=dict)
    step: int = 0
    epochs: int = 0
    selected_epoch: int = 0
    curves: dict[str, list[float]] = field(default_factory=lambda: {"train": [], "validation": []})

    def __post_init__(self) -> None:
        self._live: tuple[Settings, Model, World] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_live": None}

    @classmethod
    def run(cls, flat: Mapping[str, Any], splits: Splits, progress: Silent | None = None) -> Trained:
        """Train from the start to the end of the epochs, as ``bioplaus simulate`` does.

        Raises
        ------
        ConfigError
            If the settings do not fit the data.
        RunError
            If the numbers stopped being finite.
        """
        simulator = Simulator(settings_of(flat), splits, progress=progress)
        try:
            simulator.run()
        except Interrupted:
            raise KeyboardInterrupt from None
        pack = simulator.packs[0]
        found = cls(dict(flat), splits.shape, splits.classes, splits.real, epochs=simulator.epoch)
        found._keep(pack.world, pack.best.arrays)
        found.selected_epoch = int(pack.best.epoch[0])
        found._note(simulator.recorder)
        return found

    def go_on(self, splits: Splits) -> None:
        """Train for one more epoch, on these samples, from where everything stands: weights, moments, the rule's own state, clock.

        Raises
        ------
        ConfigError
            If the settings do not fit the data.
        RunError
            If the numbers stopped being finite.
        """
        settings = settings_of(self.flat)
        device = choose_device(settings.top.device)
        feeds = make_feeds(settings, splits, device)
        model = build_model(settings, splits, [0], device)
        torch.set_num_threads(choose_threads(settings, model.networks["forward"], min(settings.top.batch_size, len(feeds.train))))
        world = _world(self.arrays, self.step, device) if self.arrays else new_world(model)
        pack = Pack(model, world, Best(world), (0,))
        engine = registry.ENGINES.get(settings.top.backend).made(settings.top)
        if refusal := engine.refuses(model, settings.top.batch_size):
            raise ConfigError(f"backend={settings.top.backend} cannot run this: {refusal}; use backend=loop")
        with flushing_denormals(), keeping_memory():
            self._epoch(pack, feeds, settings, lambda block: pack.advance(engine, block))
        if not bool(pack.world.alive.all()):  # what was learned before stays
            raise RunError(f"the numbers stopped being finite at step {int(pack.world.stopped_at[0])}; try a lower lr")
        self._keep(pack.world, Best(pack.world).arrays)

    def _epoch(self, pack: Pack, feeds: Feeds, settings: Settings, advance: Callable[[Block], None]) -> None:
        batches = feeds.train.order(pack.model.streams, self.epochs).split(settings.top.batch_size, dim=1)
        # a schedule cannot know how many calls will follow; it takes the epochs that the settings name
        total = max(settings.top.epochs * len(batches), pack.world.step + len(batches))

        def clock(epoch: int) -> Clock:
            return Clock(pack.world.step, epoch, 0, len(batches), total)

        if not self.arrays:
            pack.boundary("start", clock(0), {}, feeds)
        if pack.model.rule.finished(pack.world.state):
            return
        advance(Block(feeds.train, batches, self.epochs, len(batches), total))
        self.epochs += 1
        recorder = Recorder()
        recorder.add(self.epochs, pack.world.step, pack.model.seeds, "train", pack.epoch_means())
        pack.boundary("epoch", clock(self.epochs), {}, feeds)
        self.selected_epoch = self.epochs
        self._note(recorder)

    def _keep(self, world: World, selected: Mapping[str, Tensor]) -> None:
        self.arrays = {key: value.cpu().numpy().copy() for key, value in world.arrays().items()}
        self.selected = {key: value.cpu().numpy().copy() for key, value in selected.items()}
        self.step, self._live = world.step, None

    def _note(self, recorder: Recorder) -> None:
        for epoch, _, _, split, metric, _, value in recorder.rows:
            if metric == "loss" and epoch > 0 and split in self.curves:
                self.curves[split].append(float("nan") if value is None else value)

    def _alive(self) -> tuple[Settings, Model, World]:
        """Return settings, model and world, built once after training or loading."""
        if self._live is None:
            settings = settings_of(self.flat)
            device = choose_device(settings.top.device)
            model = build_model(settings, self._samples(np.zeros((0, int(np.prod(self.shape))))), [0], device)
            chosen = {key: torch.from_numpy(value).to(device) for key, value in self.selected.items()}
            self._live = settings, model, _world(self.arrays, self.step, device).with_arrays(chosen)
        return self._live

    @property
    def model(self) -> Model:
        """The model: rule, networks, task."""
        return self._alive()[1]

    @property
    def world(self) -> World:
        """The world, with the weights that answer."""
        return self._alive()[2]

    def predict(self, x: Array) -> Tensor:
        """Return the rule's outputs ``[N, ...]`` for samples ``[N, features]``, scaled as in training."""
        settings, model, world = self._alive()
        return outputs(model, world, make_feeds(settings, self._samples(x), model.streams.device).train)[0]

    @torch.no_grad()
    def layers(self, x: Array, first: int, last: int) -> Tensor:
        """Return what the forward network's layers ``first`` to ``last - 1`` make of samples ``[N, ...]`` of the first one's input."""
        from bioplaus.operations import Scope

        _, model, world = self._alive()
        network = model.networks["forward"]
        shape = self.shape if first == 0 else network.layers[first - 1].out_shape
        weight = world.params[network.layers[first].weight]
        out = torch.from_numpy(np.ascontiguousarray(x)).to(weight.device, weight.dtype).reshape(1, len(x), *shape)
        for layer in network.layers[first:last]:
            out = layer.forward(Scope(world.params, world.buffers), out).out
        return out[0]

    def _samples(self, x: Array) -> Splits:
        y = np.zeros((len(x), self.outputs)) if self.real else np.zeros(len(x), np.int64)
        return arrays_of((x, y), (x[:0], y[:0]), self.shape, self.outputs)


def _world(arrays: Mapping[str, Array], step: int, device: torch.device) -> World:
    return World.from_arrays({key: torch.from_numpy(value.copy()).to(device) for key, value in arrays.items()}, step)
