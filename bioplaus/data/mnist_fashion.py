"""MNIST, then Fashion-MNIST, under one head: ``data=mnist_fashion tasks=2`` (the two-data-set case of Laborieux et al. 2021)."""

from __future__ import annotations

from dataclasses import replace

from bioplaus import data
from bioplaus.data.base import DataConfig, Splits
from bioplaus.errors import ConfigError

__all__ = ["SUMMARY", "draw", "locate", "sequence"]

SUMMARY = "MNIST, then Fashion-MNIST (tasks=2), 10 classes each, one head; the files of mnist and fashion_mnist"
SETS = ("mnist", "fashion_mnist")


def locate(config: DataConfig) -> None:
    """Look for the files of both sets."""
    from bioplaus.data.task_sequences import under_the_name

    for name in SETS:
        data.locate(under_the_name(config, name))


def draw(config: DataConfig, seeds: tuple[int, ...]) -> Splits:
    """Return the first set."""
    return sequence(config, seeds, 1)[0]


def sequence(config: DataConfig, seeds: tuple[int, ...], tasks: int) -> list[Splits]:
    """Return the sets in order, each scaled as it is on its own.

    Raises
    ------
    ConfigError
        More tasks than there are sets.
    """
    from bioplaus.data.task_sequences import read_base

    if tasks > len(SETS):
        raise ConfigError(f"tasks={tasks}: data={config.name} is a sequence of {len(SETS)}")
    return [replace(read_base(config, name), name=config.name) for name in SETS[:tasks]]
