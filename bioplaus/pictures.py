"""What a figure shows, as plain data: whoever computes something says so here, `bioplaus.plots` alone knows how it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Curves", "Findings", "Heatmap", "Images", "Mosaic", "Panel", "Picture", "Series"]


@dataclass(frozen=True)
class Series:
    """One line, or one row of points, with a standard error where there is one.

    Parameters
    ----------
    label
        As the legend says it; "" for none.
    x, y
        Of one length; NaN leaves a gap.
    error
        Of each y: half the length of its bar (or the half width of a band), one standard error unless the note says otherwise.
    points
        Points rather than a line.
    colour
        Number of the colour: series of one number belong together; None is grey.
    dashed
        Whether a line is dashed.
    marker
        How a point looks, as Matplotlib names it: "o", "s", "^" ..., or "_" for a level beside which others are seen.
    hollow
        Whether points are drawn as outlines.
    size
        Of a point, in typographic points.
    faint
        Whether a line is thin and pale, one of many behind another.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    error: Sequence[float] | None = None
    points: bool = False
    colour: int | None = 0
    dashed: bool = False
    marker: str = "o"
    hollow: bool = False
    size: float = 4.0
    faint: bool = False


@dataclass(frozen=True)
class Curves:
    """A figure of one or more panels side by side: per panel a title, names of the axes, and series; upright marks at some x.

    Panels of several rows share their limits if `shared`.
    """

    name: str
    title: str
    panels: Sequence[Panel]
    note: str = ""
    shared: bool = True


@dataclass(frozen=True)
class Panel:
    """One pair of axes; marks are (x, text) drawn as thin upright lines; legend says where it goes.

    As Matplotlib names the place, or "below" for one legend of all panels under the figure: the first panel's series. A panel with an image
    ``[H, W]`` shows that instead. Limits are those of what is drawn, unless given. Text stands in the middle of what would be empty. Names
    stand at x = 0, 1, ... in place of numbers.
    """

    x: str
    y: str
    series: Sequence[Series]
    title: str = ""
    marks: Sequence[tuple[float, str]] = ()
    log_x: bool = False
    log_y: bool = False
    whole_x: bool = False
    whole_y: bool = False
    legend: str = "best"
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None
    text: str = ""
    image: Any = None
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Images:
    """Rows of pictures, each with a caption: ``[H, W]`` in [-1, 1], 0 for a blank, or colours ``[H, W, 3]`` in [0, 1]."""

    name: str
    title: str
    rows: Sequence[Sequence[tuple[str, Any]]]
    note: str = ""


@dataclass(frozen=True)
class Mosaic:
    """Many small pictures side by side on one scale from 0 up, such as one receptive field per neuron.

    Parameters
    ----------
    tiles
        Array ``[n, H, W]`` >= 0.
    scale
        What a value is, as the colour bar says it.
    captions
        One short word per tile, written into its corner; () for none.
    """

    name: str
    title: str
    tiles: Any
    scale: str
    captions: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class Heatmap:
    """A table of numbers as coloured fields, with the numbers in them.

    Parameters
    ----------
    rows, columns
        Their names.
    values
        One list per row; NaN for a field without a number.
    scale
        What a value is, as the colour bar says it.
    limits
        Values of the palest and the darkest colour; what lies beyond has the colour of the end.
    digits
        Decimals of the numbers.
    """

    name: str
    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]
    scale: str
    limits: tuple[float, float]
    note: str = ""
    digits: int = 1


Picture = Curves | Heatmap | Images | Mosaic


@dataclass(frozen=True)
class Findings:
    """What a rule has to say about its finished run beside scores.

    Parameters
    ----------
    values
        Plain data, added to the summary.
    text
        For readers, printed below the scores.
    pictures
        Further figures.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    pictures: Sequence[Picture] = ()

    def beside(self, other: Findings) -> Findings:
        """Return these findings and others."""
        text = "\n".join(one for one in (self.text, other.text) if one)
        return Findings({**self.values, **other.values}, text, [*self.pictures, *other.pictures])
