"""Cells that differ only in seed or in numbers that may differ per replica go into one batched run: a pack.

A pack runs along one axis: the seeds of a cell, or the cells of a seed (``seed_step=0`` and a list of numbers). Replica r of a pack draws what
the single run draws, so its result is that of the single run.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bioplaus import config
from bioplaus.fields import replica_fields
from bioplaus.settings import COMPONENTS, Settings
from bioplaus.sweeping.cells import Cell

__all__ = ["LARGEST", "Pack", "chunks", "distance", "packs"]

#: Most runs of a pack: batching more of them gains little, and a kill loses more.
LARGEST = 16


@dataclass(frozen=True)
class Pack:
    """Runs that are trained together: what is given for them, and (position of the cell, seed) of each."""

    settings: dict[str, Any]
    members: tuple[tuple[int, int], ...]


def packs(cells: Sequence[Cell], resolved: Sequence[Settings], seeds: Sequence[int], most: int) -> list[Pack]:
    """Return all runs of a sweep, in packs of at most so many.

    Parameters
    ----------
    resolved
        The settings of every cell, for one seed.
    """
    groups: dict[str, list[int]] = {}
    for i, settings in enumerate(resolved):
        groups.setdefault(_shared(settings), []).append(i)
    step = distance(seeds)
    found: list[Pack] = []
    for group in groups.values():
        if step is not None and len(seeds) >= len(group):
            found += [_of_seeds(cells[i], i, some, step) for i in group for some in chunks(seeds, most)]
        else:
            found += [_of_cells(cells, resolved, some, seed) for seed in seeds for some in chunks(group, most)]
    return found


def distance(seeds: Sequence[int]) -> int | None:
    """Return the distance between seeds that lie at equal ones, None if they do not."""
    steps = {b - a for a, b in itertools.pairwise(seeds)} or {1}
    return steps.pop() if len(steps) == 1 and min(steps) > 0 else None


def chunks(items: Sequence[int], most: int) -> list[Sequence[int]]:
    """Return the items in as few parts of at most so many as there can be, about equally long.

    Examples
    --------
    >>> chunks(range(5), 3)
    [range(0, 3), range(3, 5)]
    """
    parts = -(-len(items) // most)
    ends = [-(-i * len(items) // parts) for i in range(parts + 1)]
    return [items[a:b] for a, b in itertools.pairwise(ends)]


def _replicable(settings: Settings) -> dict[str, float]:
    """Return the numbers of a run that may differ per replica, by their full names; what is null is not a number."""
    found: dict[str, float] = {}
    for section in COMPONENTS:
        part = getattr(settings, section)
        found |= {f"{section}.{name}": value for name in replica_fields(part) if (value := getattr(part, name)) is not None}
    return found


def _shared(settings: Settings) -> str:
    """Return what runs of one pack have in common: all settings less the numbers that may differ."""
    tree = config.as_dict(settings)
    for key in _replicable(settings):
        section, _, name = key.partition(".")
        tree[section][name] = "per replica"
    return json.dumps(tree, sort_keys=True)


def _of_seeds(cell: Cell, position: int, seeds: Sequence[int], step: int) -> Pack:
    own = {"seed": seeds[0], "seeds": len(seeds), **({"seed_step": step} if step != 1 else {})}
    return Pack({**cell.settings, **own}, tuple((position, seed) for seed in seeds))


def _of_cells(cells: Sequence[Cell], resolved: Sequence[Settings], group: Sequence[int], seed: int) -> Pack:
    first = cells[group[0]]
    numbers = [_replicable(resolved[i]) for i in group]
    lists = {key: [one[key] for one in numbers] for key in numbers[0] if len({one[key] for one in numbers}) > 1}
    # a key may be a short name of a number that is listed, so it goes as soon as it differs
    apart = {key for key, value in first.settings.items() if any(cells[i].settings[key] != value for i in group)}
    alike = {key: value for key, value in first.settings.items() if key not in apart}
    own = {"seed": seed, "seeds": len(group), **({"seed_step": 0} if len(group) > 1 else {})}
    return Pack({**alike, **lists, **own}, tuple((i, seed) for i in group))
