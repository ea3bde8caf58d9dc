"""Bad numbers are refused in one line: which argument, its value, what is allowed."""

from __future__ import annotations

import math
from numbers import Integral, Real

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
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value) or not low <= value <= high:
        bounds = [f"at least {low:g}"] * math.isfinite(low) + [f"at most {high:g}"] * math.isfinite(high)
        raise ConfigError(f"{name}={value} must be {' '.join(['a finite number', ' and '.join(bounds)]).strip()}")
    return float(value)


def whole(name: str, value: object, low: int, high: float = math.inf) -> int:
    """Return a whole number with ``low <= value <= high``.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigError(f"{name}={value} must be a whole number from {low}" + (f" to {high:g}" if math.isfinite(high) else ""))
    return int(value)


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
