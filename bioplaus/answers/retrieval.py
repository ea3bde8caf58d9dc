"""What the answers of networks that retrieve one pattern have in common: the phase, and the overlap up to the capacity as a figure."""

from __future__ import annotations

from collections.abc import Sequence

from bioplaus.pictures import Curves, Panel, Picture, Series

__all__ = ["line_picture", "phase"]

#: Points of a line of retrieval.
POINTS = 40


def phase(m: float, q: float) -> str:
    """Return retrieval | spin glass | paramagnet; solvers give exact zeros."""
    return "retrieval" if m > 0 else "spin glass" if q > 0 else "paramagnet"


def line_picture(
    name: str, title: str, load: tuple[str, str, float], line: tuple[list[float], list[float]], m: float, more: Sequence[Series], note: str
) -> Picture:
    """Return the overlap against the load up to the capacity, and the point that was asked for.

    Parameters
    ----------
    name, title, note
        Of the file, above and below.
    load
        Words at the axis, name of the capacity, and where the point is.
    line
        Loads and overlaps; empty where nothing is retrieved at any load.
    m
        Overlap at the point.
    more
        What else is known there.
    """
    words, capacity, at = load
    series = [Series("retrieval", *line, colour=1)] if line[0] else []
    series += [Series("this load", [at], [m], points=True, colour=1), *more]
    marks = [(line[0][-1], capacity)] if line[0] else []
    return Curves(f"{name}.png", title, [Panel(words, "overlap m", series, marks=marks)], note)
