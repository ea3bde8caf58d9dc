"""From one data set to a sequence of tasks: under permutations of its pixels, or by groups of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bioplaus import data
from bioplaus.data.base import DataConfig, Splits
from bioplaus.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["by_classes", "permuted", "read_base", "under_the_name"]

PARTS = ("train", "validation", "test")


def under_the_name(config: DataConfig, name: str) -> DataConfig:
    """Return the settings of the set that a sequence is made of: those that every set has."""
    return DataConfig(**{**{f.name: getattr(config, f.name) for f in fields(DataConfig)}, "name": name})


def permuted(base: Splits, name: str, orders: Sequence[NDArray[np.int64]]) -> list[Splits]:
    """Return one task per order of the pixels: the same images and labels, ``x[:, order]``, in the shape that they have.

    Parameters
    ----------
    orders
        Permutations of 0..n-1, n the number of values of an image.
    """

    def shown(x: Any, order: NDArray[np.int64]) -> Any:
        return np.ascontiguousarray(x.reshape(len(x), -1)[:, order]).reshape(x.shape)

    return [replace(base, name=name, **{f"{p}_x": shown(getattr(base, f"{p}_x"), order) for p in PARTS}) for order in orders]


def by_classes(base: Splits, name: str, tasks: int, labels: str) -> list[Splits]:
    """Return one task per group of neighbouring classes, K/tasks classes each, all under one head.

    Parameters
    ----------
    labels
        "classes": labels stay, the head has K outputs; "within": a label is the place in its group, the head has K/tasks outputs.

    Raises
    ------
    ConfigError
        If the classes cannot be shared out evenly, or a group has one class alone whose label is its place.
    """
    size, rest = divmod(base.classes, tasks)
    if rest or (size == 1 and labels == "within"):
        raise ConfigError(f"tasks={tasks}: the {base.classes} classes of data={name} cannot be shared out; take 2 or 5 for ten classes")
    return [_of_group(replace(base, name=name), range(t * size, (t + 1) * size), within=labels == "within") for t in range(tasks)]


def _of_group(base: Splits, group: range, *, within: bool) -> Splits:
    found: dict[str, Any] = {"classes": len(group)} if within else {}
    for part in PARTS:
        y = getattr(base, f"{part}_y")
        rows = np.flatnonzero((y >= group.start) & (y < group.stop))
        found[f"{part}_x"] = getattr(base, f"{part}_x")[rows]
        found[f"{part}_y"] = y[rows] - (group.start if within else 0)
        found[f"{part}_index"] = getattr(base, f"{part}_index")[rows]
    return replace(base, **found)


def read_base(config: DataConfig, name: str) -> Splits:
    """Return the set that a sequence is made of."""
    return data.load(under_the_name(config, name))
