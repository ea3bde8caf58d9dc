"""What a planted defect is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Defect", "Equivalent"]


@dataclass(frozen=True)
class Defect:
    """A small wrong change of the code: what it breaks, where, and which tests (relative to ``tests/``) must go red."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Equivalent:
    """A change that no test can notice, and why."""

    file: str
    old: str
    new: str
    reason: str
