"""Digits under several fixed permutations of their pixels, or of their labels, each a task of its own, with a context that tells the task.

Every image stands once in every task: ``[pixels in the order of task t, context of task t]``, its label the digit; or the pixels as they are,
and the labels permuted, so that only the context tells what is asked. Images are split into training, validation and test set first: no set
knows an image of another in any order. Task 0 has nothing permuted; the other orders follow from ``data.split_seed``. The tasks are mixed;
with top-level ``tasks=5`` they come one after the other, without a context.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bioplaus.data import digits
from bioplaus.data.base import DataConfig, Splits
from bioplaus.data.splitting import permutation, split
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged

__all__ = ["SUMMARY", "Config", "PermutedDigitsConfig", "classes", "contexts", "draw", "locate", "orders", "sequence"]

SUMMARY = "digits with permuted pixels or labels, each task with its context; tasks x (1437 train + 360 test); embedded, no files needed"
#: streams of permutations for the tasks behind the first; those below are used by splits
FIRST_STREAM, FIRST_LABELS = 100, 10_000
PIXELS, CLASSES = 64, 10


@dataclass
class PermutedDigitsConfig(DataConfig):
    """Settings of the permuted digits."""

    name: str = "permuted_digits"
    tasks: int = ranged(5, 1)
    """Number of permutations, >= 1."""
    permute: str = choice("pixels", "pixels", "labels")
    """What a task permutes: pixels (its images show which task it is) | labels (the same images, another digit is another class)."""
    context: str = choice("one_hot", "one_hot", "prototype", "none")
    """What stands behind the pixels: one_hot (which task) | prototype (mean training image of the task) | none."""


Config = PermutedDigitsConfig


def locate(config: DataConfig) -> None:
    """Refuse what vectors cannot have, and missing digits.

    Raises
    ------
    ConfigError
        Augmentation is asked for.
    DataError
        scikit-learn is not installed.
    """
    if config.augment != "none":
        raise ConfigError(f"data.augment={config.augment} needs images, and data={config.name} has vectors; use data.augment=none")
    digits.locate(config)


def orders(config: PermutedDigitsConfig) -> NDArray[np.int64]:
    """Return the order of pixels in each task, ``[tasks, 64]``; the first is 0..63, and so are all where labels are permuted."""
    if config.permute == "labels":
        return np.tile(np.arange(PIXELS), (config.tasks, 1))
    found = [permutation(config.split_seed, FIRST_STREAM + task, PIXELS) for task in range(1, config.tasks)]
    return np.stack([np.arange(PIXELS), *found])


def classes(config: PermutedDigitsConfig) -> NDArray[np.int64]:
    """Return the class of each digit in each task, ``[tasks, 10]``; 0..9 in the first, and in all where pixels are permuted."""
    if config.permute == "pixels":
        return np.tile(np.arange(CLASSES), (config.tasks, 1))
    found = [permutation(config.split_seed, FIRST_LABELS + task, CLASSES) for task in range(1, config.tasks)]
    return np.stack([np.arange(CLASSES), *found])


def contexts(config: PermutedDigitsConfig, train_x: NDArray[np.float32], order: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the context of each task, ``[tasks, C]``: unit vectors (C = tasks), mean training images (C = 64), or nothing (C = 0).

    Parameters
    ----------
    train_x
        Training images ``[N, 64]``, scaled.
    order
        Order of pixels in each task, ``[tasks, 64]``.
    """
    if config.context == "one_hot":
        return np.eye(config.tasks, dtype=np.float32)
    if config.context == "none":
        return np.zeros((config.tasks, 0), np.float32)
    mean: NDArray[np.float32] = train_x.mean(0, dtype=np.float64).astype(np.float32)[order]
    return mean


def draw(config: PermutedDigitsConfig, seeds: tuple[int, ...]) -> Splits:
    """Return all tasks, one after the other within each set; no seed changes them. `limit` counts images, each of which stands in every task."""
    base = split(digits.read(config), config)
    flat = {part: getattr(base, f"{part}_x").reshape(-1, PIXELS) for part in ("train", "validation", "test")}
    order, label = orders(config), classes(config)
    context = contexts(config, flat["train"], order)
    wide: dict[str, NDArray[np.float32]] = {}
    for part, x in flat.items():
        tasks = [np.concatenate([x[:, o], np.broadcast_to(c, (len(x), len(c)))], 1) for o, c in zip(order, context)]
        wide[part] = np.ascontiguousarray(np.concatenate(tasks), dtype=np.float32)
    n = config.tasks
    return Splits(
        name=config.name,
        train_x=wide["train"],
        train_y=np.concatenate([one[base.train_y] for one in label]),
        validation_x=wide["validation"],
        validation_y=np.concatenate([one[base.validation_y] for one in label]),
        test_x=wide["test"],
        test_y=np.concatenate([one[base.test_y] for one in label]),
        classes=base.classes,
        shape=(PIXELS + context.shape[1],),
        mean=base.mean,
        std=base.std,
        train_index=np.tile(base.train_index, n),
        validation_index=np.tile(base.validation_index, n),
        test_index=np.tile(base.test_index, n),
    )


def sequence(config: PermutedDigitsConfig, seeds: tuple[int, ...], tasks: int) -> list[Splits]:
    """Return the tasks apart, without context, images of 1x8x8 with the same orders of pixels or labels; no seed changes them.

    Raises
    ------
    ConfigError
        If `data.tasks`, which counts mixed tasks, is given too.
    """
    from bioplaus.data.task_sequences import permuted

    if config.tasks not in (tasks, PermutedDigitsConfig.tasks):
        raise ConfigError(f"data.tasks={config.tasks} mixes tasks and tasks={tasks} learns them one after the other; keep one")
    own = replace(config, tasks=tasks)
    base = split(digits.read(config), config)
    found = permuted(base, config.name, list(orders(own)))
    parts = ("train_y", "validation_y", "test_y")
    return [replace(one, **{part: label[getattr(base, part)] for part in parts}) for one, label in zip(found, classes(own))]
