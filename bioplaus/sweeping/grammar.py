"""What a key of a sweep may be: ``0.01,0.1``, ``range(0,5)``, ``log(1e-3,1,4)``, or an interval ``log(1e-3,1)`` for a search.

Commas within brackets or quotes belong to a value: ``network.hidden=[256,128]`` is one, ``[64],[128,128]`` are two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from bioplaus import config
from bioplaus.errors import ConfigError
from bioplaus.fields import plain

__all__ = ["MOST", "Space", "parse", "spaces", "split"]

#: Most values of a key, and most cells of a sweep.
MOST = 100_000
#: Folders may hold commas; where a run is kept is nothing to sweep.
WHOLE = ("data.root", "run.root")
DIGITS = 12  # of a number that is computed, so that log(0.01,1,3) holds 0.1
_PAIRS = {"[": "]", "(": ")", "{": "}"}
_CALL = re.compile(r"(range|log|uniform)\((.*)\)", re.DOTALL)


@dataclass(frozen=True)
class Space:
    """What a key may be.

    Parameters
    ----------
    values
        Its values one by one; of an interval the two ends.
    kind
        ``values``; ``whole`` for whole numbers at equal distances; ``log`` or ``uniform`` for all numbers of an interval, evenly in the
        logarithm or as they are.
    text
        As it was written.
    """

    values: tuple[Any, ...]
    kind: str = "values"
    text: str = ""

    @property
    def interval(self) -> bool:
        """Whether it is an interval, whose numbers only a search can take."""
        return self.kind in ("log", "uniform")


def split(text: str) -> list[str]:
    """Split at the commas outside brackets and quotes.

    Raises
    ------
    ConfigError
        If a bracket or a quote is not closed, or nothing stands between two commas.

    Examples
    --------
    >>> split("[64],[128,128]"), split("log(0.1,1,3),2")
    (['[64]', '[128,128]'], ['log(0.1,1,3)', '2'])
    """
    parts, open_, quote = [""], [], ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and not parts[-1].strip():  # within a word it is an apostrophe
            quote = letter
        elif letter in _PAIRS:
            open_.append(_PAIRS[letter])
        elif letter in _PAIRS.values():
            if not open_ or open_.pop() != letter:
                raise ConfigError(f"{text}: '{letter}' closes nothing; mend the brackets")
        elif letter == "," and not open_:
            parts.append("")
            continue
        parts[-1] += letter
    if open_ or quote:
        raise ConfigError(f"{text}: '{quote or open_[-1]}' is missing at the end; mend the brackets or quotes")
    if len(parts) > 1 and not all(part.strip() for part in parts):
        raise ConfigError(f"{text} has nothing between two commas; take one out")
    return [part.strip() for part in parts]


def parse(words: Iterable[str]) -> dict[str, Space]:
    """Turn ``key=values`` words into what each key may be.

    Raises
    ------
    ConfigError
        If a word is not ``key=value``, cannot be read, or a key comes twice.

    Examples
    --------
    >>> {key: space.values for key, space in parse(["rule=ccl,fa", "rule.lr=log(0.01,1,3)", "seed=range(2)"]).items()}
    {'rule': ('ccl', 'fa'), 'rule.lr': (0.01, 0.1, 1), 'seed': (0, 1)}
    """
    found: dict[str, Space] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            config.parse([word])  # says what is wrong
        if key in found:
            raise ConfigError(f"{key} is given twice; keep one")
        found[key] = _space(key, text)
    return found


def spaces(keys: Mapping[str, Any]) -> dict[str, Space]:
    """Turn what is given from Python into what each key may be: a text as on the command line, a tuple lists values, the rest is one value."""
    found = {}
    for key, value in keys.items():
        if isinstance(value, str):
            found[key] = _space(key, value)
        else:
            values = tuple(map(plain, value)) if isinstance(value, tuple) else (plain(value),)
            if not values:
                raise ConfigError(f"{key}=() names no value")
            found[key] = Space(values, text=str(value))
    return found


def _space(key: str, text: str) -> Space:
    try:
        parts = [text] if key in WHOLE else split(text)
    except ConfigError as error:
        raise ConfigError(f"{key}={error}") from error
    found = [_part(key, part) for part in parts]
    if len(found) == 1:
        return Space(found[0].values, found[0].kind, text)
    for part, one in zip(parts, found):
        if one.interval:
            raise ConfigError(f"{key}={text}: {part} is an interval and stands alone; give it a number of points to list it, log(a,b,n)")
    return Space(tuple(value for one in found for value in one.values), text=text)


def _part(key: str, text: str) -> Space:
    call = None if key in WHOLE else _CALL.fullmatch(text)
    if call is None:
        return Space((config.parse([f"{key}={text}"])[key],))
    name, inside = call.groups()
    try:
        numbers = [Decimal(word.strip()) for word in inside.split(",")]
    except InvalidOperation:
        numbers = [Decimal("NaN")]
    if not all(number.is_finite() for number in numbers):
        raise ConfigError(f"{key}={text}: {name}() takes numbers, such as {_EXAMPLES[name]}")
    try:
        return {"range": _range, "log": _log, "uniform": _uniform}[name](numbers)
    except ValueError as error:
        raise ConfigError(f"{key}={text}: {error}, such as {_EXAMPLES[name]}") from error


_EXAMPLES = {"range": "range(0,5) or range(0,1,0.25)", "log": "log(0.001,1,4), or log(0.001,1) for sampler=tpe", "uniform": "uniform(0,0.5)"}


def _range(numbers: list[Decimal]) -> Space:
    if len(numbers) > 3:
        raise ValueError("range() takes one to three numbers")
    first, end = (numbers[0], numbers[1]) if len(numbers) > 1 else (Decimal(0), numbers[0])
    step = numbers[2] if len(numbers) == 3 else Decimal(1)
    if step == 0 or (end - first) * step <= 0:
        raise ValueError("range() holds no number; the end is not part of it")
    count = math.ceil(Fraction(end - first) / Fraction(step))
    if count > MOST:
        raise ValueError(f"range() holds {count} numbers, more than {MOST}")
    values = tuple(_number(first + i * step) for i in range(count))
    return Space(values, "whole" if all(isinstance(value, int) for value in values) else "values")


def _log(numbers: list[Decimal]) -> Space:
    if len(numbers) not in (2, 3) or not 0 < numbers[0] < numbers[1]:
        raise ValueError("log() takes a lower end > 0, a higher one, and the number of points")
    low, high = _number(numbers[0]), _number(numbers[1])
    if len(numbers) == 2:
        return Space((low, high), "log")
    if numbers[2] % 1 or not 2 <= numbers[2] <= MOST:
        raise ValueError(f"log() takes a whole number of points from 2 to {MOST}")
    last = int(numbers[2]) - 1
    between = (float(low * (high / low) ** (i / last)) for i in range(1, last))
    return Space((low, *(_number(Decimal(f"{value:.{DIGITS}g}")) for value in between), high))


def _uniform(numbers: list[Decimal]) -> Space:
    if len(numbers) != 2 or not numbers[0] < numbers[1]:
        raise ValueError("uniform() takes a lower and a higher end")
    return Space((_number(numbers[0]), _number(numbers[1])), "uniform")


def _number(value: Decimal) -> int | float:
    return int(value) if value % 1 == 0 else float(value)
