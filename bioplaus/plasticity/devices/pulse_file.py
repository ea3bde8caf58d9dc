"""Measured pulse curves: potentiation, then depression, from a text file.

One measurement per line, cells parted by commas, semicolons, tabs or blanks; empty lines and what follows ``#`` or ``%`` are skipped, and so
is one line of words at the top. The cells:

- ``G``: conductance before any pulse, then after each;
- ``pulse G``: the number of the pulse, counted through (0..P, P+1..2P), anew for depression (0 or 1..P), or back (P..0);
- ``pulse G sign``: the sign is +1 or -1, also ``up``/``down``, ``LTP``/``LTD``, ``p``/``d``.

Without a sign, depression begins where the pulse number falls back, else where a curve that rises and then falls fits best.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioplaus.errors import DataError

__all__ = ["UNITS", "PulseData", "read_pulses"]

UNITS = {"S": 1.0, "mS": 1e-3, "uS": 1e-6, "nS": 1e-9, "pS": 1e-12}
_SIGNS = {"+1": 1, "1": 1, "+": 1, "up": 1, "ltp": 1, "p": 1, "-1": -1, "-": -1, "down": -1, "ltd": -1, "d": -1}
#: A single step against the direction of its branch, in parts of the range, beyond which a number is taken for a slip.
_SLIP = 0.5
_LARGEST = 10**6
#: Most measurements of which the turn is found by regression, whose time grows with their square.
_LONG = 2000
_POINT = "; decimals have a point, and one kind of mark parts cells: comma, semicolon, tab or blank"


@dataclass(frozen=True)
class PulseData:
    """Both branches of a pulse curve.

    Parameters
    ----------
    up_pulses, up
        Potentiating pulses so far, and conductance in S; at least three of each.
    down_pulses, down
        Depressing pulses since the last potentiating one, and conductance in S.
    against
        Lines of the file whose conductance moves against the direction of its branch: noise, unless it is a slip.
    turn
        Line with which depression begins where neither sign nor number says so and it had to be found; None otherwise.
    """

    up_pulses: NDArray[np.float64]
    up: NDArray[np.float64]
    down_pulses: NDArray[np.float64]
    down: NDArray[np.float64]
    against: tuple[int, ...] = ()
    turn: int | None = None

    @property
    def range(self) -> float:
        """Largest less smallest conductance, S."""
        return float(max(self.up.max(), self.down.max()) - min(self.up.min(), self.down.min()))


@dataclass(frozen=True)
class _Row:
    line: int
    pulse: float
    g: float
    sign: int


def read_pulses(path: str | Path, unit: str = "S") -> PulseData:
    """Read a file of pulses.

    Parameters
    ----------
    path
        Text file as described above.
    unit
        Of the conductances: S, mS, uS, nS or pS.

    Raises
    ------
    DataError
        One line that names the file's line: not a number, not finite, negative, out of order, or a branch that is missing.
    """
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"pulse file {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from error
    rows = _rows(text, str(path), UNITS[unit])
    if len({row.g for row in rows}) == 1:
        raise DataError(f"{path}: the conductance is {rows[0].g:g} S on every line; there is nothing to fit")
    up, down = _branches(rows, str(path))
    first = down[0].pulse
    last = up[-1].pulse
    if first > last:  # counted through
        down_pulses = [row.pulse - last for row in down]
    elif down[-1].pulse < first:  # counted back
        down_pulses = [last - row.pulse for row in down]
    else:
        down_pulses = [row.pulse for row in down]
    _check_branch(up, [row.pulse for row in up], +1, str(path))
    _check_branch(down, down_pulses, -1, str(path))
    against = [row.line for rows, sign in ((up, 1), (down, -1)) for before, row in pairwise(rows) if sign * (row.g - before.g) < 0]
    branches = (np.array([r.pulse for r in up]), np.array([r.g for r in up]), np.array(down_pulses), np.array([r.g for r in down]))
    told = bool(rows[0].sign) or any(after.pulse <= before.pulse for before, after in pairwise(rows))
    return PulseData(*branches, tuple(against), None if told else down[0].line)


def _rows(text: str, path: str, scale: float) -> list[_Row]:
    rows: list[_Row] = []
    width, headed = 0, False
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.split(r"[#%]", line, maxsplit=1)[0].strip()
        if not bare:
            continue
        cells = _cells(bare)
        if not rows and not headed and not _is_number(cells[0]):
            headed = True
            continue
        width = width or len(cells)
        if len(cells) != width or width > 3:
            wanted = f"{len(cells)} cells where {min(width, 3)} belong"
            raise DataError(f"{path}, line {number}: {wanted}; write G, or pulse and G, or pulse, G and sign")
        rows.append(_row(cells, len(rows), number, path, scale))
    if len(rows) < 6:
        raise DataError(f"{path} has {len(rows)} measurements; a fit needs at least three of potentiation and three of depression")
    return rows


def _cells(line: str) -> list[str]:
    """Return the cells of a line: parted by semicolons or tabs if there are any, else by commas, else by blanks."""
    for marks in (r"[;\t]", ","):
        if re.search(marks, line):
            return [cell.strip() for cell in re.split(marks, re.sub(r",\s*([;\t])", r"\1", line))]
    return line.split()


def _row(cells: Sequence[str], count: int, number: int, path: str, scale: float) -> _Row:
    for cell in cells[:2]:
        if not _is_number(cell):
            raise DataError(f"{path}, line {number}: '{cell}' is not a number{_POINT if ',' in cell or ' ' in cell else ''}")
    pulse, g = (float(count), float(cells[0])) if len(cells) == 1 else (float(cells[0]), float(cells[1]))
    if not math.isfinite(g) or not math.isfinite(pulse):
        raise DataError(f"{path}, line {number}: {' '.join(cells)} is not finite; take the line out")
    if g < 0:
        raise DataError(f"{path}, line {number}: the conductance {g:g} is below 0")
    if not 0 <= pulse <= _LARGEST:
        raise DataError(f"{path}, line {number}: the pulse number {pulse:g} must lie in 0..{_LARGEST}")
    sign = 0
    if len(cells) == 3:
        sign = _SIGNS.get(cells[2].lower(), 0)
        if not sign:
            more = _POINT if _is_number(cells[2]) else ""
            raise DataError(f"{path}, line {number}: '{cells[2]}' is no sign; write +1 or -1, up or down, LTP or LTD{more}")
    return _Row(number, pulse, g * scale, sign)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _branches(rows: list[_Row], path: str) -> tuple[list[_Row], list[_Row]]:
    """Return potentiation and depression."""
    if rows[0].sign:
        turns = [i for i in range(1, len(rows)) if rows[i].sign != rows[i - 1].sign]
        if len(turns) != 1 or rows[0].sign < 0:
            missing = "no potentiation" if not any(r.sign > 0 for r in rows) else "no depression" if not turns else ""
            wrong = missing or f"line {rows[turns[-1]].line} changes the sign"
            raise DataError(f"{path}: {wrong}; a file holds potentiation and then depression, once each")
        at = turns[0]
    else:
        backs = [i for i in range(1, len(rows)) if rows[i].pulse <= rows[i - 1].pulse]
        _check_turn(rows, backs, path)
        at = backs[0] if backs else _summit([row.g for row in rows])
        if not backs and at < 3:
            raise DataError(f"{path}: potentiation is missing: the conductance falls from line {rows[0].line} on; put it before depression")
    up, down = rows[:at], rows[at:]
    for name, branch in (("potentiation", up), ("depression", down)):
        if len(branch) < 3:
            where = f" (lines {branch[0].line} to {branch[-1].line})" if branch else ""
            few = f"{name} is missing or has fewer than three measurements{where}"
            raise DataError(f"{path}: {few}; the file holds potentiation, then depression")
    return up, down


def _summit(g: list[float]) -> int:
    """Return how many of the numbers rise: the split with the least squares to a rising and then falling curve, the last of equal ones."""
    from scipy.optimize import isotonic_regression

    if len(g) > _LONG:
        return len(g) - int(np.argmax(g[::-1]))
    values = np.array(g)
    tried = range(1, len(g) + 1)
    left = [0.0] * (len(g) + 1)
    for k in tried:
        rising = isotonic_regression(values[:k]).x
        falling = isotonic_regression(values[k:], increasing=False).x if k < len(g) else values[k:]
        left[k] = float(np.sum((values[:k] - rising) ** 2) + np.sum((values[k:] - falling) ** 2))
    least = min(left[k] for k in tried)
    slack = least + 1e-12 * float(np.sum((values - values.mean()) ** 2))
    # of splits that fit alike, that behind the largest number
    alike = [k for k in tried if left[k] <= slack]
    return max(alike, key=lambda k: (values[k - 1], k))


def _check_turn(rows: list[_Row], backs: list[int], path: str) -> None:
    """Refuse numbers that fall back where no depression can begin: it counts anew, from where potentiation began, or back to the end."""
    if not backs:
        return
    at = backs[0]
    anew = rows[at].pulse <= max(1.0, rows[min(1, at - 1)].pulse)
    back = backs == list(range(at, len(rows)))
    if not anew and not back:
        raise DataError(
            f"{path}, line {rows[at].line}: pulse number {rows[at].pulse:g} is out of order; depression counts on, anew from 0 or 1, or back"
        )


def _check_branch(rows: list[_Row], pulses: Sequence[float], sign: int, path: str) -> None:
    name = "potentiation" if sign > 0 else "depression"
    for i in range(1, len(rows)):
        if pulses[i] <= pulses[i - 1]:
            raise DataError(f"{path}, line {rows[i].line}: pulse number {rows[i].pulse:g} is out of order in {name}")
    if pulses[0] < 0:
        raise DataError(f"{path}, line {rows[0].line}: pulse number {rows[0].pulse:g} is out of order in {name}")
    net = sign * (rows[-1].g - rows[0].g)
    if net <= 0:
        verb = "rise" if sign > 0 else "fall"
        raise DataError(f"{path}: the conductance does not {verb} in {name} (lines {rows[0].line} to {rows[-1].line})")
    furthest = rows[0]
    for before, row in pairwise(rows):
        if sign * (row.g - before.g) < -_SLIP * net:
            raise DataError(
                f"{path}, line {row.line}: the conductance moves against {name} by more than half of its range; mend the number or take it out"
            )
        furthest = max(furthest, row, key=lambda one: sign * one.g)
        if sign * (row.g - furthest.g) < -_SLIP * net:
            raise DataError(
                f"{path}, line {row.line}: since line {furthest.line} the conductance has moved against {name} by more than half of its range; "
                "a file holds one cycle, potentiation and then depression"
            )
