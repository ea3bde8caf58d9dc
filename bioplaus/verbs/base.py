"""What a verb of the command line is: its name, its words, and the function that runs it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["RUN", "Verb", "Word", "overrides"]


@dataclass(frozen=True)
class Word:
    """One argument, as `argparse` takes it: its name and its options."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verb:
    """A command, ``bioplaus NAME words ...``.

    Parameters
    ----------
    name, text
        How it is called, and one line that says what it does.
    run
        What it does with its parsed words; what it prints is the answer, and reaches the terminal only if nothing fails.
    words
        Its arguments.
    machine
        Whether it can answer with one JSON object (``--json``).
    """

    name: str
    text: str
    run: Callable[[argparse.Namespace], None]
    words: tuple[Word, ...] = ()
    machine: bool = False


RUN = Word("run", {"metavar": "RUN", "help": "run directory"})


def overrides(text: str | None) -> Word:
    """Return the argument that takes ``key=value``, any number of times."""
    return Word("overrides", {"nargs": "*", "default": [], "metavar": "key=value", "help": text})
