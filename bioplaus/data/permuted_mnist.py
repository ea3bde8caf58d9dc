"""MNIST under one fixed permutation of the pixels per task (Goodfellow et al. 2013, arXiv:1312.6211): ``data=permuted_mnist tasks=5``."""

from __future__ import annotations

from bioplaus import data
from bioplaus.data.base import DataConfig, Splits
from bioplaus.errors import ConfigError

__all__ = ["SUMMARY", "draw", "locate", "sequence"]

SUMMARY = "MNIST under a permutation of its 784 pixels per task (tasks=5), 10 classes, one head; the files of mnist"
#: streams of the permutations; those below are used by splits
FIRST_STREAM = 100
PIXELS = 784


def locate(config: DataConfig) -> None:
    """Look for the files of MNIST.

    Raises
    ------
    ConfigError
        Augmentation is asked for: neighbours are no neighbours any more.
    DataError
        Files are missing.
    """
    if config.augment != "none":
        raise ConfigError(f"data.augment={config.augment} needs pixels in their places; use data.augment=none")
    from bioplaus.data.task_sequences import under_the_name

    data.locate(under_the_name(config, "mnist"))


def draw(config: DataConfig, seeds: tuple[int, ...]) -> Splits:
    """Return the first task."""
    return sequence(config, seeds, 1)[0]


def sequence(config: DataConfig, seeds: tuple[int, ...], tasks: int) -> list[Splits]:
    """Return the tasks; the first is permuted too. Permutations follow from ``data.split_seed``, no seed of the run changes them."""
    from bioplaus.data.splitting import permutation
    from bioplaus.data.task_sequences import permuted, read_base

    orders = [permutation(config.split_seed, FIRST_STREAM + task, PIXELS) for task in range(tasks)]
    return permuted(read_base(config, "mnist"), config.name, orders)
