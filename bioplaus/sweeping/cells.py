"""The cells of a sweep: every combination of what its keys may be, each checked before anything runs."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bioplaus import config
from bioplaus.errors import BioplausError, ConfigError
from bioplaus.fields import written
from bioplaus.settings import Settings
from bioplaus.sweeping.grammar import MOST, Space

__all__ = ["Cell", "checked", "product"]


_POINTS = {"log": "log(a,b,n)", "uniform": "range(a,b,step)"}


@dataclass(frozen=True)
class Cell:
    """One combination.

    Parameters
    ----------
    swept
        Its values of the keys that have several.
    settings
        All that is given for its run, seeds apart.
    """

    swept: dict[str, Any]
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """What sets it apart, as it is written on the command line."""
        return " ".join(f"{key}={written(value)}" for key, value in self.swept.items()) or "the only cell"


def product(keys: Mapping[str, Space], shared: Mapping[str, Any]) -> list[Cell]:
    """Return the cells, the last key running fastest; `shared` ranks below what is given.

    Raises
    ------
    ConfigError
        If there are too many, or a key is an interval.
    """
    for key, space in keys.items():
        if space.interval:
            raise ConfigError(
                f"{key}={space.text} is an interval; list points of it, {_POINTS[space.kind]}, or search it with sampler=tpe trials=20"
            )
    count = math.prod(len(space.values) for space in keys.values())
    if count > MOST:
        raise ConfigError(f"the sweep has {count} cells, more than {MOST}; leave values out, or search with sampler=tpe")
    several = [key for key, space in keys.items() if len(space.values) > 1]
    found = []
    for values in itertools.product(*(space.values for space in keys.values())):
        given = dict(zip(keys, values))
        found.append(Cell({key: given[key] for key in several}, {**shared, **given}))
    return found


def checked(cells: Sequence[Cell], seed: int) -> list[Settings]:
    """Return the settings of every cell for one seed.

    Raises
    ------
    ConfigError, DataError
        If a key is unknown, a value wrong or a cell there twice; the line names the cell.
    """
    found: list[Settings] = []
    known: dict[str, Cell] = {}
    for cell in cells:
        try:
            settings = config.resolve({**cell.settings, "seed": seed, "seeds": 1})
        except BioplausError as error:
            raise type(error)(f"{cell.name}: {error}" if cell.swept else str(error)) from error
        text = json.dumps(config.as_dict(settings), sort_keys=True)
        if text in known:
            other = known[text].name
            same = "" if other == cell.name else f", as {other}"
            raise ConfigError(f"{cell.name} is in the sweep twice{same}; keep one")
        known[text] = cell
        found.append(settings)
    return found
