"""Figures of a comparison, from measurements made by hand: read back before they become pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from bioplaus.comparison import figures
from bioplaus.recorder import Recorder

#: Untyped: matplotlib says little of what it gives back.
against_compute: Any = figures.against_compute
angles: Any = figures.angles
curves: Any = figures.curves
T_2 = 4.302653  # 97.5 % point of Student's t with 2 degrees of freedom


def run(rule: str, accuracy: Any, selected: tuple[int, ...] = (), layers: int = 2, flops: float = 1e6) -> Any:
    """A row and its measurements: accuracies [epochs + 1][seeds]."""
    seeds = tuple(range(len(accuracy[0])))
    found = Recorder()
    for epoch, values in enumerate(accuracy):
        found.add(epoch, 10 * epoch, seeds, "validation", {"accuracy": torch.tensor(values, dtype=torch.float64)})
        found.add(epoch, 10 * epoch, seeds, "probe", {"angle_to_bp": torch.full((len(seeds), layers), 80.0 - epoch)})
    row = {"rule": rule, "name": rule, "reference": rule == "bp", "flops_per_sample": flops, "selected_epoch": selected or (1,) * len(seeds)}
    return {**row, "accuracy": {"values": [0.5] * len(seeds)}}, found.table()


def below(figure: Any) -> str:
    return " ".join(figure._supxlabel.get_text().split())


def bars(ax: Any) -> list[list[float]]:
    """The ends of every upright bar of an interval, in percent of errors."""
    shapes = [shape for shape in ax.collections if hasattr(shape, "get_segments")]
    return [sorted(float(y) for _, y in segment) for shape in shapes for segment in shape.get_segments()]


FOUND = {"epochs": 2, "score": "accuracy", "train_samples": 1000, "seeds": [0, 1, 2]}
GOOD = [(0.1, 0.1, 0.1), (0.80, 0.81, 0.79), (0.90, 0.91, 0.89)]


def test_few_rows_have_bands_and_many_a_bar_at_the_end() -> None:
    (few,) = curves([run(name, GOOD) for name in ("bp", "fa", "dfa")], "accuracy", "t").axes
    assert sum("Poly" in type(shape).__name__ or "Fill" in type(shape).__name__ for shape in few.collections) == 3 and bars(few) == []
    figure = curves([run(name, GOOD) for name in ("bp", "fa", "dfa", "top")], "accuracy", "t")
    assert figure is not None
    half = T_2 * 1.0 / math.sqrt(3)  # errors of 9, 10 and 11 %
    assert bars(figure.axes[0]) == [pytest.approx([10 - half, 10 + half], rel=1e-5)] * 4
    # side by side: bars of rows that end at one epoch stand at different places
    places = {float(shape.get_transform().transform((2, 10))[0]) for shape in figure.axes[0].collections}
    assert len(places) == 4
    assert "bar at the end: its 95 % interval (Student's t)" in below(figure)


@pytest.mark.parametrize("count", [2, 5])
def test_bands_and_bars_lie_within_the_limits(count: int) -> None:
    figure = curves([run(f"r{i}", [(0.1, 0.1, 0.1), (0.3, 0.5, 0.4), (0.93, 0.9, 0.91)]) for i in range(count)], "accuracy", "t")
    assert figure is not None
    (ax,) = figure.axes
    low, high = sorted(ax.get_ylim())
    half = T_2 * 10 / math.sqrt(3)  # of the band at epoch 1, errors of 70, 50 and 60 %; bars know only the last epoch
    end = T_2 * math.sqrt(7 / 3) / math.sqrt(3)  # errors of 7, 10, 9 %
    assert low < 26 / 3 - end and high > (60 + half if count < 4 else 26 / 3 + end)


def test_the_axis_says_when_it_is_logarithmic_in_the_error() -> None:
    figure = curves([run("bp", GOOD)], "accuracy", "t")
    assert figure is not None
    (ax,) = figure.axes
    assert ax.get_yscale() == "log" and "logarithmic in the error" in ax.get_ylabel() and ax.get_ylim()[0] > ax.get_ylim()[1]
    assert ax.yaxis.get_major_formatter()(2, 0) == "98"
    # an interval that reaches 100 % has no place on such an axis
    wide = curves([run("bp", [*GOOD[:2], (0.99, 0.9, 0.8)])], "accuracy", "t")
    assert wide is not None
    (ax,) = wide.axes
    assert ax.get_yscale() == "linear" and "logarithmic" not in ax.get_ylabel() and -2 < ax.get_ylim()[1] <= 0
    poor = curves([run("bp", [GOOD[0], (0.4, 0.41, 0.39)])], "accuracy", "t")
    assert poor is not None and poor.axes[0].get_yscale() == "linear"


def test_footnotes_say_what_is_there_and_no_more() -> None:
    figure = curves([run("bp", GOOD)], "accuracy", "t")
    assert figure is not None and "Epoch 0 is left out." in below(figure) and below(figure).count("Student") == 1
    assert list(figure.axes[0].get_lines()[0].get_xdata()) == [1, 2]
    short = curves([run("bp", GOOD[:2])], "accuracy", "t")  # one epoch: without the start there would be no line
    assert short is not None and "Epoch 0" not in below(short) and list(short.axes[0].get_lines()[0].get_xdata()) == [0, 1]
    two = curves([run("bp", [row[:2] for row in GOOD])], "accuracy", "t")
    assert two is not None and "no band, as an interval from two seeds is 13 times as wide" in below(two)
    one = curves([run("bp", [row[:1] for row in GOOD])], "accuracy", "t")
    assert one is not None and "no band" in below(one)


def test_tested_epochs_are_marked_on_the_mean() -> None:
    figure = curves([run("bp", GOOD, (2, 2, 1)), run("fa", GOOD, (0, 2, 2))], "accuracy", "t")
    assert figure is not None
    marks = [line for line in figure.axes[0].get_lines() if line.get_marker() == "D"]
    assert [list(line.get_xdata()) for line in marks] == [[1, 2], [2]]
    np.testing.assert_allclose(marks[0].get_ydata(), [20, 10])
    assert "Diamonds: epochs of the tested weights." in below(figure)
    none = curves([run("ff", GOOD, (0, 0, 0))], "accuracy", "t")
    assert none is not None and "Diamonds" not in below(none)


def test_compute_is_counted_in_plain_numbers() -> None:
    figure = against_compute([run("bp", GOOD, flops=2e6), run("fa", GOOD, flops=3e6)], FOUND, "t")
    assert figure is not None
    (ax,) = figure.axes
    figure.canvas.draw()
    assert ax.get_xlabel().startswith("GFLOP spent") and list(ax.get_lines()[0].get_xdata()) == [2, 4]
    texts = [tick.get_text() for tick in ax.get_xticklabels()]
    assert texts and all(float(text) >= 1 and "e" not in text and "$" not in text for text in texts)
    tiny = against_compute([run("bp", GOOD, flops=5e3)], FOUND, "t")
    assert tiny is not None and tiny.axes[0].get_xlabel().startswith("MFLOP spent")


def test_one_epoch_of_compute_fills_no_decade() -> None:
    figure = against_compute([run("bp", GOOD[:2])], {**FOUND, "epochs": 1}, "t")
    assert figure is not None
    low, high = figure.axes[0].get_xlim()
    assert low < 1 < high and high / low < 2


def test_leaders_are_no_curves() -> None:
    figure = against_compute([run("bp", GOOD), run("fa", GOOD)], FOUND, "t")
    assert figure is not None
    for text in figure.axes[0].texts:
        patch = text.arrow_patch
        red, green, blue, _ = patch.get_edgecolor()
        assert red == green == blue > 0.6 and patch.get_linestyle() != "solid"


@pytest.mark.parametrize("layers", [2, 6, 11])
def test_the_legend_of_angles_has_a_line_of_its_own(layers: int) -> None:
    figure = angles([run("fa", GOOD, layers=layers), run("dfa", GOOD, layers=layers)], "cifar10, network cnn5")
    assert figure is not None
    figure.canvas.draw()
    (legend,) = figure.legends
    assert len(legend.get_texts()) == layers
    inside = legend.get_window_extent()
    assert not inside.overlaps(figure._suptitle.get_window_extent())
    assert not any(inside.overlaps(ax.get_tightbbox()) for ax in figure.axes)
    assert inside.x1 <= figure.bbox.x1
