"""The 8x8 digits in groups of classes, one group a task: ``data=split_digits tasks=5`` learns 0 and 1, then 2 and 3, ..."""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus import data
from bioplaus.data.base import DataConfig, Splits
from bioplaus.fields import choice

__all__ = ["SUMMARY", "Config", "SplitConfig", "draw", "locate", "sequence"]

SUMMARY = "digits in groups of classes, a group per task (tasks=5), one head; embedded, no files needed"
#: the set that is split
BASE = "digits"


@dataclass
class SplitConfig(DataConfig):
    """Settings of sets that are split by classes."""

    name: str = "split_digits"
    labels: str = choice("classes", "classes", "within")
    """What the one head says: classes (all ten, those of other tasks among them) | within (the place in its task's group: first, second, ..)."""


Config = SplitConfig


def locate(config: SplitConfig) -> None:
    """Look for the set that is split."""
    from bioplaus.data.task_sequences import under_the_name

    data.locate(under_the_name(config, BASE))


def draw(config: SplitConfig, seeds: tuple[int, ...]) -> Splits:
    """Return all classes in one task."""
    return sequence(config, seeds, 1)[0]


def sequence(config: SplitConfig, seeds: tuple[int, ...], tasks: int) -> list[Splits]:
    """Return the tasks, classes in their order; no seed changes them."""
    from bioplaus.data.task_sequences import by_classes, read_base

    return by_classes(read_base(config, BASE), config.name, tasks, config.labels)
