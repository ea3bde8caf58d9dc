"""The program from Python: `simulate` a run, `load` one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioplaus import checkpoint, config, data
from bioplaus.beside import finished_controls, run_controls
from bioplaus.data.splitting import scaled
from bioplaus.errors import ConfigError, RunError
from bioplaus.evaluation import predict
from bioplaus.pictures import Findings
from bioplaus.progress import Silent
from bioplaus.recorder import read_metrics
from bioplaus.settings import Settings
from bioplaus.simulator import Simulator
from bioplaus.store import Store
from bioplaus.summary import findings_of, scores_of_run, silence_of, summarise_run
from bioplaus.tensorboard import listeners
from bioplaus.view import Batch

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Result", "load", "simulate"]


@dataclass
class Result:
    """A finished run.

    Attributes
    ----------
    summary
        What ``summary.json`` holds.
    metrics
        All measurements as a pyarrow table: epoch, step, seed, split, metric, layer, value.
    controls
        Summaries of the controls that were run beside it, by name.
    """

    summary: dict[str, Any]
    metrics: pyarrow.Table
    simulator: Simulator
    controls: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """The resolved settings."""
        return config.as_dict(self.simulator.settings)

    @property
    def run_dir(self) -> Path | None:
        """Where the run is kept."""
        return self.simulator.store.path if self.simulator.store else None

    def parameters(self, seed: int | None = None) -> dict[str, NDArray[Any]]:
        """Return the selected weights, ``{key: array [post, pre, ...]}`` of one seed, or ``[seeds, ...]`` of all."""
        packs = self.simulator.packs
        arrays = [{k.removeprefix("params/"): v for k, v in p.best.arrays.items() if k.startswith("params/")} for p in packs]
        order = [key for network in packs[0].model.networks.values() for key in network.leaves]
        stacked = {key: torch.cat([a[key] for a in arrays]).cpu().numpy() for key in sorted(arrays[0], key=order.index)}
        if seed is None:
            return stacked
        if seed not in self.simulator.seeds:
            raise ConfigError(f"seed {seed} is not in this run; it has {list(self.simulator.seeds)}")
        if self.simulator.seeds.count(seed) > 1:
            raise ConfigError(f"{self.simulator.seeds.count(seed)} networks of this run have seed {seed}; parameters() returns all of them")
        return {key: value[self.simulator.seeds.index(seed)] for key, value in stacked.items()}

    def predict(self, x: NDArray[Any] | Tensor) -> NDArray[Any]:
        """Return the outputs ``[seeds, N, ...]`` of the selected weights for inputs ``[N, *shape]`` that `scale` has made."""
        simulator = self.simulator
        samples = torch.as_tensor(x, dtype=getattr(torch, simulator.settings.top.dtype), device=simulator.device)
        shape = simulator.splits.shape
        try:
            samples = samples.reshape(len(samples), *shape)
        except RuntimeError as error:
            raise ConfigError(f"inputs of shape {tuple(samples.shape)} do not fit samples of shape {shape}") from error
        nothing = torch.zeros(1, len(samples), dtype=torch.int64, device=simulator.device)
        batch = Batch(simulator.feeds.test.encoded(samples.unsqueeze(0)), nothing)
        outs = [predict(pack.model, pack.best.into(pack.world), batch) for pack in simulator.packs]
        return torch.cat(outs).cpu().numpy()

    def scale(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return inputs ``[N, *shape]`` with values in 0..1 (pixels / largest pixel) scaled as the training data were: what `predict` takes."""
        splits = self.simulator.splits
        samples = np.asarray(x).reshape(len(x), *splits.shape)
        return scaled(samples, np.arange(len(samples)), 1.0, splits.mean, splits.std)

    def plot(self, folder: str | Path | None = None) -> list[Path]:
        """Draw the run's figures into a folder (``figures/`` of the run by default) and return their paths."""
        from bioplaus.plots import draw_all, draw_picture

        where = Path(folder) if folder is not None else (self.run_dir / "figures" if self.run_dir else Path("figures"))
        first = self.simulator.packs[0].model.networks["forward"].layers[0]
        weights = first.connection.matrix(torch.from_numpy(self.parameters(self.simulator.seeds[0])[first.weight]).unsqueeze(0))[0].numpy()
        shape = self.simulator.splits.shape
        if weights.ndim == 2 and len(shape) == 3 and weights.shape[1] == math.prod(shape):  # a network may see a part of an image
            weights = weights.reshape(-1, *shape)
        s = self.summary
        drawn = draw_all(self.metrics, weights, where, f"{s['rule']} on {s['data']} ({s['network']})")
        pictures = [*self.findings.pictures, *self.beside.pictures]
        return [*drawn, *(draw_picture(picture, where) for picture in pictures)]

    @cached_property
    def findings(self) -> Findings:
        """What the rule has to say about the run beside its scores."""
        return findings_of(self.simulator)

    @property
    def beside(self) -> Findings:
        """What the rule has to say about the run beside its controls, as far as they are there."""
        done = self.controls or (finished_controls(self.simulator.store) if self.simulator.store else {})
        return self.simulator.packs[0].model.rule.beside(self.summary, done) if done else Findings()


def simulate(overrides: Mapping[str, Any] | None = None, *, progress: Silent | None = None, **keys: Any) -> Result:
    """Train networks with a rule and return the result.

    Parameters
    ----------
    overrides
        Dotted keys as on the command line, e.g. ``{"rule.lr": 0.5}``.
    progress
        Who is told how far it is; nobody by default.
    **keys
        Keys without a dot, e.g. ``rule="ccl", data="digits", seeds=3``.

    Raises
    ------
    BioplausError
        One line saying what is wrong.

    Examples
    --------
    >>> from bioplaus import simulate
    >>> result = simulate({"run.save": False, "network.hidden": [16]}, rule="ccl", epochs=1)
    >>> result.summary["rule"], len(result.summary["test_accuracy"]["values"])
    ('ccl', 1)
    """
    settings = config.resolve({**(overrides or {}), **keys})
    return run(settings, progress, controls=True)


def run(settings: Settings, progress: Silent | None = None, *, controls: bool = False) -> Result:
    """Run settings to the end, keeping them in a new run directory unless ``run.save`` is off.

    Controls that the rule wants beside the run follow it if they are asked for.
    """
    told = listeners(settings)
    with _enough_memory():
        simulator = Simulator(settings, data.load(settings.data, settings.seed_list, settings.top.tasks), progress=progress)
        if settings.run.save:  # only now: what cannot be built leaves no empty directory behind
            simulator.store = Store.create(settings, simulator.device.type)
            simulator.store.listeners = told
            simulator.store.write_splits(simulator.splits)
        try:
            silent = silence_of(simulator)
            if silent:
                simulator.progress.note(f"before learning, {silent}")
            simulator.run()
        except ConfigError:
            if simulator.store:  # settings that only the first update could refuse
                simulator.store.discard()
            raise
        return _finish(simulator, controls=controls)


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Say in one line that memory ran out; torch on a CPU reports it as a plain RuntimeError."""
    signs = ("allocate memory", "not enough memory", "Storage size calculation overflowed")
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        ours = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(sign in str(error) for sign in signs)
        if not ours:
            raise
        raise RunError("not enough memory; try a smaller network or batch_size, fewer seeds, or run.pack=1") from error


def resume(path: str | Path, progress: Silent | None = None, *, controls: bool = False) -> Result:
    """Go on with a run that was interrupted or killed; bit for bit as if it had not been, on a CPU.

    Raises
    ------
    RunError
        If the run is finished, foreign or corrupt.
    """
    store = Store.open(path)
    if store.summary() is not None:
        raise RunError(
            f"{path} is finished; bioplaus plot {path} draws its figures again; to train longer start anew with "
            f"--config {path}/config.yaml epochs=N"
        )
    settings = store.settings()
    store.listeners = listeners(settings)
    with _enough_memory():
        simulator = Simulator(settings, data.load(settings.data, settings.seed_list, settings.top.tasks), store, progress)
        simulator.restore()
        if not any(bool(pack.world.alive.any()) for pack in simulator.packs):
            raise RunError(f"every seed of {path} has stopped, its numbers were no longer finite; start anew with a lower rule.lr")
        simulator.run()
        return _finish(simulator, controls=controls)


def _finish(simulator: Simulator, *, controls: bool = False) -> Result:
    result = Result({}, simulator.recorder.table(), simulator)
    if simulator.store:
        if not simulator.store.last.is_file():  # a run without updates
            simulator.save()
        simulator.store.write_metrics(simulator.recorder)
    result.summary = summarise_run(simulator, result.findings)
    if controls:
        result.controls = run_controls(
            simulator, result.summary, lambda settings, told: run(settings, told).summary, lambda path, told: resume(path, told).summary
        )
        found = result.beside
        texts = [text for text in (result.summary.get("report"), found.text) if text]
        result.summary |= {**found.values, **({"report": "\n\n".join(texts)} if texts else {})}
    if simulator.store:
        simulator.store.write_summary(result.summary)  # before figures: what was learned must not depend on what is drawn
        if simulator.settings.run.figures:
            result.plot()
    return result


def load(path: str | Path) -> Result:
    """Open a run directory: its summary, metrics, selected weights and predictions.

    Raises
    ------
    RunError
        If it is not a run, is not finished, or a file of it is corrupt.
    """
    store = Store.open(path)
    summary = store.summary()
    if summary is None:
        raise RunError(f"{path} is not finished; go on with: bioplaus resume {path}")
    settings = store.settings()
    if not store.last.is_file():
        raise RunError(f"{path} has lost its checkpoint {store.last.name}; its summary and metrics are all there is, run it again")
    if settings.top.device == "cuda" and not torch.cuda.is_available():
        # what a GPU trained can be read anywhere, in the packing it was trained in
        settings.top.device = "cpu"
        settings.run.pack = str(len(checkpoint.load(store.last)[1]["packs"][0]))
    simulator = Simulator(settings, data.load(settings.data, settings.seed_list, settings.top.tasks), store)
    simulator.restore()
    return Result(summary, read_metrics(store.metrics), simulator)


def evaluate(path: str | Path, limit: int | None = None) -> dict[str, Any]:
    """Return the summary of a run with its test scores measured again, on the first ``limit`` test samples if given.

    Raises
    ------
    ConfigError
        If limit is not between 1 and the size of the test set.
    """
    from bioplaus.stats import summarise

    result = load(path)
    size = min(len(feeds.test) for feeds in result.simulator.tasks)
    if limit is not None and not 1 <= limit <= size:
        raise ConfigError(f"data.limit={limit} must be between 1 and {size}, the size of the test set")
    scores = scores_of_run(result.simulator, "test", limit)
    measured = {f"test_{key}": summarise(values) for key, values in scores.items()}
    samples = sum(len(feeds.test) if limit is None else limit for feeds in result.simulator.tasks)
    return {**result.summary, **measured, "test_samples": samples}
