"""Declared ranges and choices of settings: one table per dataclass, checked and shown from the same place."""

from __future__ import annotations

import math
from dataclasses import field, fields
from typing import Any

from bioplaus.errors import ConfigError

__all__ = ["check_fields", "choice", "describe_range", "ranged", "replica", "replica_fields"]


def ranged(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
    per_replica: bool = False,
) -> Any:
    """Declare a number with its range: ``low <= v <= high``, strictly ``above < v < below``."""
    limits = {"low": low, "high": high, "above": above, "below": below}
    return field(default=default, metadata={"range": limits, "replica": per_replica})


def replica(default: float | None, low: float = 0.0) -> Any:
    """Declare a number >= low that may differ between replicas: on the command line a list, one number per seed."""
    return ranged(default, low, per_replica=True)


def choice(default: str, *options: str) -> Any:
    """Declare a name that must be one of the options (the default among them)."""
    return field(default=default, metadata={"options": options})


def replica_fields(config: Any) -> set[str]:
    """Return the names of the fields of a settings class that may differ between replicas."""
    return {f.name for f in fields(config) if f.metadata.get("replica")}


def describe_range(metadata: Any) -> str:
    """Return the declared range or options in words, "" if there are none."""
    if "options" in metadata:
        return " | ".join(metadata["options"])
    limits = metadata.get("range", {})
    words = {"low": ">=", "above": ">", "high": "<=", "below": "<"}
    return ", ".join(f"{sign} {limits[key]:g}" for key, sign in words.items() if limits.get(key) is not None)


def check_fields(config: Any, prefix: str) -> None:
    """Check every field against its declaration.

    Raises
    ------
    ConfigError
        One line: the key, the value, what is allowed.
    """
    for f in fields(config):
        key, value = f"{prefix}.{f.name}" if prefix else f.name, getattr(config, f.name)
        for one in value if isinstance(value, tuple) else (value,):
            _check(key, one, f.metadata)


def _check(key: str, value: Any, metadata: Any) -> None:
    if "options" in metadata and value not in metadata["options"]:
        raise ConfigError(f"{key}={value} is not known; choose one of {', '.join(metadata['options'])}")
    if "range" not in metadata or value is None:
        return
    limits = metadata["range"]
    fine = math.isfinite(value)
    fine = fine and (limits["low"] is None or value >= limits["low"]) and (limits["high"] is None or value <= limits["high"])
    fine = fine and (limits["above"] is None or value > limits["above"]) and (limits["below"] is None or value < limits["below"])
    if not fine:
        raise ConfigError(f"{key}={value} is out of range; it must be {describe_range(metadata) or 'finite'}")
