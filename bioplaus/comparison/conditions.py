"""Conditions that a rule is made for, such as a unit with a slope of one bit: given to all rows of a comparison, or its row is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus import config, registry
from bioplaus.errors import ConfigError
from bioplaus.fields import written

__all__ = ["conditions", "shared_by", "unmet_by"]


def conditions(rule: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions that a rule is made for and that are not given, from its own recipe."""
    keys = [key for key in registry.RULES.get(rule).conditions if key not in given]
    if not keys:
        return {}
    try:
        tree = config.as_dict(config.resolve({**{key: value for key, value in given.items() if not key.startswith("rule.")}, "rule": rule}))
    except ConfigError:
        return {}  # its row says why
    return {key: value for key in keys if (value := _at(tree, key)) is not None}


def shared_by(wanted: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the conditions of all rules if they are the same ones, else none."""
    return dict(wanted[0]) if wanted and all(one == wanted[0] for one in wanted) else {}


def unmet_by(rule: str, wanted: Mapping[str, Any], tree: Mapping[str, Any], reference: str) -> str:
    """Return why a rule has no row under the settings that all rows share, "" if it has one."""
    missed = [f"{key}={written(value)}" for key, value in wanted.items() if _at(tree, key) != value]
    if not missed:
        return ""
    return f"{rule} is made for {', '.join(missed)}; compare it with {reference} alone, which then has them too, or give them for all rows"


def _at(tree: Mapping[str, Any], key: str) -> Any:
    """Return a setting of a tree by its dotted key, of a component its name; None if there is none."""
    head, _, rest = key.partition(".")
    value = tree.get(head)
    return value.get(rest or "name") if isinstance(value, Mapping) else value
