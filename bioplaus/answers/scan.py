"""A scan: theory along a line, simulations at some of its points, as rows, a table and a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bioplaus.answers.base import Answer, Line, Theory, finite
from bioplaus.answers.simulation import bars, plus_minus
from bioplaus.answers.text import table
from bioplaus.errors import ConfigError, SolverError
from bioplaus.fields import check_fields
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.progress import Silent

__all__ = ["scan"]

#: Simulated points of a scan, about.
SIMULATED = 13

Rows = Sequence[Mapping[str, Any]]


def scan(theory: Theory, config: Any, progress: Silent) -> Answer:
    """Return the answer to a scan; a point whose equations were not solved is a row of None with a note.

    Raises
    ------
    ConfigError
        One line: an end out of range.
    """
    name: str = config.scan
    xs = _points(theory, config)
    N = theory.size(config)
    some = xs[:: max(1, round((len(xs) - 1) / (SIMULATED - 1)))] if N else []
    title = theory.title(config, name)
    progress.start(len(xs) + len(some), 0, title)
    rows, simulated = [], []
    for i, x in enumerate(xs):
        progress.update(i, f"theory, {name}={x:.3g}")
        try:
            rows.append({name: x, **theory.solved(replace(config, **{name: x})), "note": ""})
        except SolverError as error:
            rows.append({name: x, **dict.fromkeys(theory.columns), "note": str(error)})
    for i, x in enumerate(some):
        progress.update(len(xs) + i, f"simulation, {name}={x:.3g}")
        simulated.append({name: x, **theory.simulated(replace(config, **{name: x}), int(N or 0))})
    marks, lines = theory.marks(config), theory.lines(config)
    values = {"scan": name, "points": rows, "marks": {text: x for x, text in marks}, "monte_carlo": simulated}
    text = [title, *(f"  {text} = {x:.6f}" for x, text in marks), *_table(name, rows, simulated, lines)]
    panel = Panel(theory.scannable[name], theory.upright, _series(theory, name, rows, simulated, lines), marks=marks)
    note = f"{theory.drawn} Points: simulation, {bars(config.mc, N)}, the same samples at every point." if simulated else theory.drawn
    return Answer(finite(values), "\n".join(text), [Curves(f"{theory.name}-{name}.png", title, [panel], note)])


def _points(theory: Theory, config: Any) -> list[float]:
    ends = config.from_, config.to
    low, high = theory.limits(config) if None in ends else ends
    first, last = (low if ends[0] is None else ends[0]), (high if ends[1] is None else ends[1])
    if not (math.isfinite(first) and math.isfinite(last) and first < last):
        raise ConfigError(f"from={first:g} must be below to={last:g}")
    for end in (first, last):
        check_fields(replace(config, **{config.scan: end}), "")
    return [first + (last - first) * i / (config.points - 1) for i in range(config.points)]


def _table(name: str, rows: Rows, simulated: Rows, lines: Sequence[Line]) -> list[str]:
    beside = {row[name]: row for row in simulated}
    tried = [line for line in lines if line.measured] if simulated else []
    head = [name, *(line.label for line in lines), *(f"simulated {line.label}" for line in tried), ""]
    body = []
    for row in rows:
        found = beside.get(row[name])
        cells = [f"{line.of(row, line.key):.6f}" for line in lines]
        more = [plus_minus(line.of(found, line.measured), _error(line, found)) if found else "" for line in tried]
        state = row.get("verdict") or row.get("phase") or ""
        body.append([f"{row[name]:.4g}", *cells, *more, f"not solved: {row['note']}" if row["note"] else state])
    return table([head, *body])


def _error(line: Line, row: Mapping[str, Any]) -> float | None:
    key = f"{line.measured}_se"
    return None if row[key] is None else line.of(row, key)


def _series(theory: Theory, name: str, rows: Rows, simulated: Rows, lines: Sequence[Line]) -> list[Series]:
    found = []
    for k, line in enumerate(lines):
        xs, ys = [], []
        for before, row in zip([rows[0], *rows], rows):
            if theory.jumps(before, row):
                xs.append(row[name])
                ys.append(math.nan)
            xs.append(row[name])
            ys.append(line.of(row, line.key))
        found.append(Series(line.label, xs, ys, colour=k))
        if simulated and line.measured:
            errors = [_error(line, row) for row in simulated]
            means = [line.of(row, line.measured) for row in simulated]
            bar = None if None in errors else [float(error or 0) for error in errors]
            found.append(Series("", [row[name] for row in simulated], means, bar, points=True, colour=k))
    return found
