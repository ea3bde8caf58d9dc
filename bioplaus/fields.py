"""Declared ranges and choices of settings: one table per dataclass, checked and shown from the same place."""

from __future__ import annotations

import ast
import inspect
import math
from dataclasses import Field, field, fields
from pathlib import Path
from typing import Any

from bioplaus.errors import ConfigError

__all__ = [
    "LARGEST",
    "check_fields",
    "choice",
    "describe_range",
    "describe_type",
    "field_docs",
    "plain",
    "ranged",
    "replica",
    "replica_fields",
    "set_field",
    "written",
]

#: Whole numbers that fit into 64 bits, the widest that arrays and files hold.
LARGEST = 2**63 - 1
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "list[int]": "a list of whole numbers such as [64,32]",
    "list[str]": "a list of names such as [angle,cka]",
}


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


def field_docs(config: type) -> dict[str, str]:
    """Return the string under each field of a settings class, those of its bases included."""
    found: dict[str, str] = {}
    for cls in reversed(config.__mro__[:-1]):
        body = ast.parse(inspect.cleandoc("\n" + inspect.getsource(cls))).body[0]
        assert isinstance(body, ast.ClassDef)
        for node, after in zip(body.body, body.body[1:]):
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and is_text:
                found[node.target.id] = " ".join(str(after.value.value).split())  # type: ignore[attr-defined]
    return found


def describe_type(field_type: Any) -> str:
    """Return the annotation of a field in words.

    Examples
    --------
    >>> describe_type("int | None")
    'a whole number or null'
    """
    text = getattr(field_type, "__name__", field_type) if isinstance(field_type, type) else field_type
    parts = [part.strip() for part in str(text).split("|")]
    return " or ".join("null" if part == "None" else _TYPES.get(part, part) for part in parts)


def check_fields(config: Any, prefix: str) -> None:
    """Check every field against its declaration.

    Raises
    ------
    ConfigError
        One line: the key, the value, what is allowed.
    """
    for f in fields(config):
        key, value = f"{prefix}.{f.name}" if prefix else f.name, getattr(config, f.name)
        for one in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(one, int) and abs(one) > LARGEST:
                raise ConfigError(f"{key}={value} is out of range; a whole number must fit into 64 bits")
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
        allowed = describe_range(metadata)
        finite = "" if math.isfinite(value) else "finite and " if allowed else "finite"
        raise ConfigError(f"{key}={value} is out of range; it must be {finite}{allowed}")


def set_field(node: Any, config: Any, key: str, name: str, value: Any) -> None:
    """Set one field of an OmegaConf node, typed.

    Parameters
    ----------
    node
        ``OmegaConf.structured(config)``.
    config
        The settings class.
    key
        The field's full name, for the message.
    name, value
        The field and what it becomes.

    Raises
    ------
    ConfigError
        One line: the key, the value, what is wanted.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        if any(isinstance(one, str) and ("${" in one or one == "???") for one in _leaves(value)):
            raise TypeError  # to OmegaConf these are commands
        OmegaConf.update(node, name, value)
    except (OmegaConfBaseException, TypeError, ValueError) as error:
        field = next(f for f in fields(config) if f.name == name)
        raise ConfigError(f"{key}={written(value)} is not {_wanted(field)}") from error


def plain(value: Any) -> Any:
    """Return a value from Python as the command line would give it: lists for tuples and arrays, numbers for numpy's, text for paths.

    Examples
    --------
    >>> plain((1, Path("runs")))
    [1, 'runs']
    """
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, Path):
        return str(value)
    return value.tolist() if hasattr(value, "tolist") else value


def _leaves(value: Any) -> list[Any]:
    return [leaf for one in value for leaf in _leaves(one)] if isinstance(value, list) else [value]


def written(value: Any) -> str:
    """Return a value as it is written on the command line."""
    if isinstance(value, (list, tuple)):
        return f"[{','.join(written(one) for one in value)}]"
    return {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)


def _wanted(field: Field[Any]) -> str:
    if "options" in field.metadata:
        return f"one of {', '.join(field.metadata['options'])}"
    return f"{describe_type(field.type)} {describe_range(field.metadata)}".strip()
