"""Bad numbers are refused in one line: which argument, its value, what is allowed."""

from __future__ import annotations

import math
import operator
from numbers import Real

from bioplaus.errors import ConfigError

__all__ = ["choice", "number", "whole"]


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite number with ``low <= value <= high``.

    Raises
    ------
    ConfigError
        If it is none.

    Examples
    --------
    >>> number("T", 1, 0)
    1.0
    """
    found = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not math.isfinite(found) or not low <= found <= high:
        bounds = [f"at least {low:g}"] * math.isfinite(low) + [f"at most {high:g}"] * math.isfinite(high)
        raise ConfigError(f"{name}={value} must be {' '.join(['a finite number', ' and '.join(bounds)]).strip()}")
    return found


def whole(name: str, value: object, low: int, high: float = math.inf) -> int:
    """Return a whole number with ``low <= value <= high``.

    Raises
    ------
    ConfigError
        If it is none.
    """
    try:
        found: int | None = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        found = None
    if found is None or isinstance(value, bool) or not low <= found <= high:
        upper = f" to {high:.0f}" if math.isfinite(high) else ""
        raise ConfigError(f"{name}={value} must be a whole number from {low}{upper}")
    return found


def choice(name: str, value: object, known: tuple[str, ...]) -> str:
    """Return one of the known words.

    Raises
    ------
    ConfigError
        If the value is none of them.
    """
    if value not in known:
        raise ConfigError(f"{name}={value} is not one of {', '.join(known)}")
    return str(value)
