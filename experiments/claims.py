"""What a published claim is, and the result of measuring it. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bioplaus.pictures import Picture

__all__ = ["Claim", "Measurement", "Report"]


@dataclass(frozen=True)
class Measurement:
    """One row: what was measured, beside its target.

    Parameters
    ----------
    name
        What the row is, e.g. "ccl".
    target
        The published figure or the bar, in words.
    mean, ci95, n
        What was measured: mean over n seeds and its 95 % interval; None where it does not apply.
    reached
        Whether the target was met; None if there is nothing to meet.
    settings
        Overrides that make the row, so that anyone can run it alone.
    note
        How it was chosen, where it falls short; "not run: cost" for a row that was not run.
    """

    name: str
    target: str
    mean: float | None
    ci95: tuple[float, float] | None = None
    n: int | None = None
    reached: bool | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Report:
    """All rows of a claim.

    Parameters
    ----------
    unit
        That of the means, e.g. "% test accuracy".
    rows
        What was measured.
    picture
        Its figure, saved beside the table under the claim's name; None for none.
    remarks
        Sentences that hold for all rows, printed below the table.
    digits
        Decimals of means over seeds.
    records
        Plain data that pages made from the results need beside the rows.
    """

    unit: str
    rows: tuple[Measurement, ...]
    picture: Picture | None = None
    remarks: tuple[str, ...] = ()
    digits: int = 2
    records: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Claim:
    """A published claim (or a bar of our own) that one command reproduces.

    Parameters
    ----------
    name, title, source
        How it is called, what it says, who says it.
    target
        The figures, in words.
    cost, quick_cost
        What the full and the quick run take, e.g. "40 min on one core".
    run
        ``run(quick, rows) -> Report``; `rows` names a folder in which finished rows are kept and found again.
    """

    name: str
    title: str
    source: str
    target: str
    cost: str
    quick_cost: str
    run: Callable[[bool, str], Report]
