"""MNIST in groups of classes, one group a task: ``data=split_mnist tasks=5`` learns 0 and 1, then 2 and 3, ... (Zenke et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus import data
from bioplaus.data.base import Splits
from bioplaus.data.split_digits import SplitConfig

__all__ = ["SUMMARY", "Config", "SplitMnistConfig", "draw", "locate", "sequence"]

SUMMARY = "MNIST in groups of classes, a group per task (tasks=5), one head; the files of mnist"
#: the set that is split
BASE = "mnist"


@dataclass
class SplitMnistConfig(SplitConfig):
    """Settings of split MNIST."""

    name: str = "split_mnist"


Config = SplitMnistConfig


def locate(config: SplitMnistConfig) -> None:
    """Look for the files of MNIST."""
    from bioplaus.data.task_sequences import under_the_name

    data.locate(under_the_name(config, BASE))


def draw(config: SplitMnistConfig, seeds: tuple[int, ...]) -> Splits:
    """Return all classes in one task."""
    return sequence(config, seeds, 1)[0]


def sequence(config: SplitMnistConfig, seeds: tuple[int, ...], tasks: int) -> list[Splits]:
    """Return the tasks, classes in their order; no seed changes them."""
    from bioplaus.data.task_sequences import by_classes, read_base

    return by_classes(read_base(config, BASE), config.name, tasks, config.labels)
