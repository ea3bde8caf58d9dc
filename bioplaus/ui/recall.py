"""What the page of recall draws: one simulation of diluted patterns or pictures, and where it lies in the plane of dilution and temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from bioplaus.pictures import Curves, Panel, Series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["diagram", "recalled", "settings_of"]


def settings_of(source: str, *, K: int, d: float, T: float, N: int, start: str, seed: int) -> dict[str, Any]:
    """Return the overrides that the page's controls stand for; pictures bring their own size and blanks.

    Parameters
    ----------
    source
        "random patterns", or "digits": pictures of which each is blank in part.
    """
    chosen: dict[str, Any] = {"rule": "multitasking", "rule.start": start, "data.K": K, "neuron.T": T, "seed": seed, "run.save": False}
    if source == "digits":
        return {**chosen, "data.images": "digits"}
    return {**chosen, "data.N": N, "data.d": d}


def recalled(overrides: dict[str, Any]) -> tuple[str, Sequence[Figure]]:
    """Simulate and return the report and its figures.

    Raises
    ------
    BioplausError
        One line saying what is wrong with the settings.
    """
    from bioplaus.api import simulate
    from bioplaus.plots.pictures import picture_figure

    result = simulate(overrides)
    return result.findings.text, [picture_figure(picture) for picture in result.findings.pictures]


@cache
def _lines(K: int) -> Panel:
    from bioplaus.experiments.phase_diagram import panel

    return panel(K, ())


def diagram(K: int, d: float, T: float) -> Figure:
    """Return theory's phase diagram of K patterns with a point where the simulation is."""
    from bioplaus.plots.pictures import picture_figure

    lines = _lines(K)
    here = Series("here", [d], [T], points=True, colour=3, size=9.0)
    shown = replace(lines, series=[*(series for series in lines.series if len(series.x)), here])
    note = "Below T_c: one pattern left of d_pure, a hierarchy right of it, all alike where the last line bounds them."
    return picture_figure(Curves("", "Which state is stable: theory", [shown], note))
