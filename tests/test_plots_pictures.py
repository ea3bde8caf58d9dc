"""Pictures described as data: what is asked for is what is drawn."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgba

from bioplaus.pictures import Curves, Heatmap, Mosaic, Panel, Series
from bioplaus.plots.pictures import picture_figure

X = [1.0, 10.0, 100.0]


def _figure(panel: Panel, note: str = "a note"):  # type: ignore[no-untyped-def]
    return picture_figure(Curves("a.png", "title", [panel], note))


def test_rings_are_empty_and_larger_than_the_dots_they_surround() -> None:
    dots, rings = Series("dots", X, X, points=True, colour=1), Series("rings", X, X, points=True, colour=1, hollow=True, marker="s")
    figure = _figure(Panel("x", "y", [dots, rings]))
    dot, ring = (container[0] for container in figure.axes[0].containers)
    assert ring.get_markerfacecolor() == "none" and dot.get_markerfacecolor() != "none"
    assert to_rgba(ring.get_markeredgecolor()) == to_rgba(dot.get_color())
    assert ring.get_markersize() > dot.get_markersize() and ring.get_marker() == "s"


def test_one_legend_below_all_panels_carries_the_note() -> None:
    figure = _figure(Panel("x", "y", [Series("one", X, X), Series("two", X, X)], legend="below"))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two"]
    assert legend.get_title().get_text() == "a note"
    assert figure.axes[0].get_legend() is None and not figure._supxlabel
    inside = _figure(Panel("x", "y", [Series("one", X, X)]))
    assert not inside.legends and inside.axes[0].get_legend() is not None and inside._supxlabel.get_text() == "a note"


def test_a_logarithmic_axis_has_plain_numbers_over_few_decades_only() -> None:
    def labels(x: list[float]) -> list[str]:
        figure = _figure(Panel("x", "y", [Series("", x, x)], log_x=True))
        figure.draw_without_rendering()
        low, high = figure.axes[0].get_xlim()
        axis = figure.axes[0].xaxis
        return [text.get_text() for text, at in zip(axis.get_ticklabels(), axis.get_ticklocs()) if low <= at <= high]

    assert labels(X) == ["1", "2", "5", "10", "20", "50", "100"]
    assert "200" not in labels([1.0, 1e6])


def test_ticks_of_a_narrow_panel_are_few() -> None:
    figure = _figure(Panel("load", "y", [Series("", [0.0, 0.21], [0.0, 1.0])]))
    low, high = figure.axes[0].get_xlim()
    assert len([tick for tick in figure.axes[0].get_xticks() if low <= tick <= high]) <= 6


def test_a_mosaic_is_as_square_as_can_be_and_on_one_scale_from_zero() -> None:
    """Five tiles of 8 x 8, each drawn three times as large: three columns, two rows, the last place empty."""
    tiles = np.arange(1, 6)[:, None, None] * np.ones((5, 8, 8))
    figure = picture_figure(Mosaic("a.png", "title", tiles, "weight", ["a", "b", "c", "d", "-"], "a note"))
    ax, bar = figure.axes
    (image,) = ax.images
    board = np.ma.filled(image.get_array().astype(float), np.nan)
    assert board.shape == (2 * 24 + 3, 3 * 24 + 2 * 3) and image.get_clim() == (0, 5) and bar.get_ylabel() == "weight"
    middles = [[board[12 + 27 * row, 12 + 27 * column] for column in range(3)] for row in range(2)]
    assert middles[0] == [1, 2, 3] and middles[1][:2] == [4, 5] and np.isnan(middles[1][2])
    written = {text.get_text(): text.get_position() for text in ax.texts}
    assert list(written) == ["a", "b", "c", "d", "-"]
    for caption, tile in zip(written, range(1, 6)):
        x, y = written[caption]
        assert board[int(y), int(x)] == tile


def test_fields_of_a_heatmap_have_the_decimals_asked_for() -> None:
    def texts(**digits: int) -> list[str]:
        figure = picture_figure(Heatmap("a.png", "title", ["r"], ["c", "d"], [[97.406, float("nan")]], "%", (90.0, 100.0), **digits))
        return [text.get_text() for text in figure.axes[0].texts]

    assert texts() == ["97.4", "-"] and texts(digits=2) == ["97.41", "-"]


def test_names_stand_in_place_of_numbers() -> None:
    figure = _figure(Panel("x", "y", [Series("", [0.0, 2.0], [1.0, 3.0], points=True)], names=["none", "one", "all"]))
    (ax,) = figure.axes
    assert [(label.get_position()[0], label.get_text()) for label in ax.get_xticklabels()] == [(0, "none"), (1, "one"), (2, "all")]
