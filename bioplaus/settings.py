"""The settings of a run that belong to no component. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bioplaus.data.base import DataConfig
from bioplaus.fields import choice, ranged

__all__ = ["COMPONENTS", "RunConfig", "Settings", "TopConfig"]

#: Keys whose value is the name of a component; ``key.field`` are its settings.
COMPONENTS = ("rule", "data", "network", "neuron", "plasticity")


@dataclass
class RunConfig:
    """Where and how a run is kept (``run.*``)."""

    root: str = "runs"
    """Folder in which the run directory is made."""
    pack: str = "auto"
    """Replicas batched together: auto (by device and size) or a number; a matter of speed, not of meaning."""
    checkpoint_every: int = ranged(1, 1)
    """Epochs between checkpoints."""
    checkpoint_seconds: float = ranged(60.0, 0)
    """Seconds after which a checkpoint is written within an epoch too."""
    figures: bool = True
    """Whether figures are drawn at the end."""
    save: bool = True
    """Whether a run directory is made at all."""
    tensorboard: bool = False
    """Whether measurements are written as events of TensorBoard too, into tensorboard/ of the run."""


@dataclass
class TopConfig:
    """Settings without a prefix."""

    epochs: int = ranged(40, 0)
    """Passes over the training samples; of each task, where there are several."""
    tasks: int = ranged(1, 1)
    """Tasks learned one after the other, for data that come as a sequence of tasks, such as permuted_digits; no earlier samples are kept."""
    fresh_optimiser: bool = False
    """Whether moments and counters of the optimiser start anew with each task."""
    norm_per_task: bool = False
    """Whether each task of a sequence has normalisations of its own (means, variances, gains, shifts), so that the network is told the task when
    it is read."""
    iterations: int | None = ranged(None, 1)
    """Updates in all, in place of epochs; the last epoch may be broken off."""
    batch_size: int = ranged(64, 1)
    """Samples per update, per seed; the last batch of an epoch may be shorter."""
    seeds: int = ranged(1, 1)
    """How many independent networks: seeds seed, seed+seed_step, seed+2*seed_step, ..."""
    seed: int = ranged(0, 0)
    """First seed; a seed fixes initialisation, order of samples and noise."""
    seed_step: int = ranged(1, 0)
    """From one seed to the next; 0 gives every network the same seed, so that a list such as rule.lr=[...] is all that differs."""
    steps: int | None = ranged(None, 1)
    """Stop after this many updates even if epochs are left."""
    backend: str = "loop"
    """Engine of the inner loop; `bioplaus list backends`."""
    brian_target: str = choice("auto", "auto", "numpy", "cython", "cpp_standalone")
    """backend=brian2: how Brian2 runs; auto takes numpy for less than five simulated seconds, else cython if a compiler works."""
    threads: int | None = ranged(None, 1)
    """Threads to compute with; if not given, 1 for small networks and torch's own choice for others."""
    device: str = choice("auto", "auto", "cpu", "cuda")
    """Where to compute; auto takes CUDA if there is one."""
    dtype: str = choice("float32", "float32", "float64")
    """Precision of weights and activity."""
    probes: list[str] = field(default_factory=lambda: ["angle", "feedback", "cka", "updates", "dead"])
    """What is measured while it runs; [] for nothing."""
    probe_every: int = ranged(0, 0)
    """Updates between probes; 0 means at the end of epochs, about twenty times over the run."""
    test_every: int = ranged(0, 0)
    """Epochs between looks at the test set, for curves of them; 0 means once, at the end. It chooses nothing."""


@dataclass
class Settings:
    """All settings of a run, resolved: each component's Config object, and the rest.

    ``sources`` tells where non-default values came from, for `bioplaus show`.
    """

    rule: Any
    data: DataConfig
    network: Any
    neuron: Any
    plasticity: Any
    run: RunConfig
    top: TopConfig
    sources: dict[str, str] = field(default_factory=dict)

    @property
    def seed_list(self) -> tuple[int, ...]:
        """All seeds of the run."""
        return tuple(self.top.seed + i * self.top.seed_step for i in range(self.top.seeds))
