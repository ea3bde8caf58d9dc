"""Figures: read back what is drawn, before it becomes pixels."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bioplaus.errors import RunError
from bioplaus.plots import alignment, cka, draw_all, learning_curves, series, updates
from bioplaus.plots.lines import spread
from bioplaus.plots.series import clock

Row = tuple[int, int, int, str, str, int | None, float | None]
T_2 = 4.302653  # 97.5 % point of Student's t with 2 degrees of freedom


def table(rows: Sequence[Row]) -> pa.Table:
    names = ("epoch", "step", "seed", "split", "metric", "layer", "value")
    types = (pa.int32(), pa.int64(), pa.int32(), pa.string(), pa.string(), pa.int32(), pa.float64())
    columns = list(zip(*rows)) if rows else [()] * len(names)
    return pa.table({name: pa.array(list(c), t) for name, t, c in zip(names, types, columns)})


def measured(metric: str, values: dict[int, list[float | None]], split: str = "validation", layer: int | None = None) -> list[Row]:
    """Return rows of seed -> values at epochs 0, 1, ..., ten updates each."""
    return [(e, 10 * e, s, split, metric, layer, v) for s, row in values.items() for e, v in enumerate(row)]


def band(ax: Any) -> np.ndarray:
    """Return the corners of the only band, [corners, 2]."""
    (found,) = ax.collections[:1]
    (path,) = found.get_paths()
    return path.vertices


def named(ax: Any) -> dict[str, Any]:
    """Return the mean lines by name."""
    return {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}


def full_table(epochs: int = 3, seeds: int = 3) -> pa.Table:
    def course(start: float, change: float) -> dict[int, list[float | None]]:
        return {s: [start + change * e + 0.01 * s for e in range(epochs)] for s in range(seeds)}

    rows = measured("loss", course(2, -0.3)) + measured("accuracy", course(0.1, 0.2)) + measured("loss", course(1.9, -0.3), "train")
    for layer in range(2):
        for metric, start in (
            ("feedback_cosine", 0.1),
            ("angle_to_bp", 40.0),
            ("cka", 0.3),
            ("update_ratio", 0.02),
            ("firing_rate", 0.1),
            ("silent_share", 0.3),
        ):
            rows += measured(metric, course(start, 0.01), "probe", layer)
    return table(rows)


# series


def test_series_against_a_table_by_hand() -> None:
    rows: list[Row] = [
        (2, 20, 7, "validation", "loss", None, 0.2),
        (0, 0, 7, "validation", "loss", None, 0.9),
        (0, 0, 3, "validation", "loss", None, 0.8),
        (2, 20, 3, "validation", "loss", None, None),
        (1, 10, 3, "validation", "loss", None, 0.5),
        (1, 10, 3, "train", "loss", None, 99.0),
        (1, 10, 3, "validation", "accuracy", None, 98.0),
        (1, 10, 3, "validation", "loss", 0, 97.0),
    ]
    when, values = series(table(rows), "loss", "validation")
    np.testing.assert_array_equal(when, [0, 1, 2])
    np.testing.assert_array_equal(values, [[0.8, 0.5, np.nan], [0.9, np.nan, 0.2]])  # seed 3, then seed 7


def test_series_of_a_layer_and_of_nothing() -> None:
    rows = measured("cka", {0: [0.1, 0.2]}, "probe", 0) + measured("cka", {0: [0.3, 0.4]}, "probe", 1)
    assert series(table(rows), "cka", "probe", 1)[1].tolist() == [[0.3, 0.4]]
    assert series(table(rows), "cka", "probe", 5)[1].shape == (1, 0)


def test_probes_between_epochs_are_placed_by_update() -> None:
    ends = measured("loss", {0: [1.0, 0.5, 0.2]})
    at_ends = measured("cka", {0: [0.1, 0.2, 0.3]}, "probe", 0)
    assert clock(table(ends + at_ends), "probe") == "epoch"
    often: list[Row] = [(1 + step // 11, step, 0, "probe", "cka", 0, 0.1 * step) for step in (4, 8, 12)]
    mixed = table(ends + often)
    assert (clock(mixed, "probe"), clock(mixed, "validation")) == ("step", "epoch")
    when, values = series(mixed, "cka", "probe", 0)
    assert when.tolist() == [4, 8, 12]
    np.testing.assert_allclose(values, [[0.4, 0.8, 1.2]])


# lines and bands


def test_band_is_the_t_interval_and_line_the_mean() -> None:
    data = {0: [3.0, 1.0], 1: [4.0, 2.0], 2: [5.0, 6.0]}
    figure = learning_curves(table(measured("loss", data)), "title")
    assert figure is not None
    (ax,) = figure.axes
    assert named(ax)["validation"].get_ydata() == pytest.approx([4.0, 3.0])
    halves = T_2 * 1.0 / math.sqrt(3), T_2 * math.sqrt(7) / math.sqrt(3)
    corners = {(round(x, 6), round(y, 4)) for x, y in band(ax)}
    expected = {
        (x, round(mean + sign * half, 4))
        for x, mean, half in ((0, 4, halves[0]), (1, 3, halves[1]))
        for sign in (-1, 1)
    }
    assert corners == expected


def test_thin_line_per_seed_and_accuracy_in_percent() -> None:
    rows = measured("loss", {0: [1.0, 0.5], 1: [2.0, 0.7]}) + measured("accuracy", {0: [0.1, 0.9], 1: [0.3, 0.7]})
    figure = learning_curves(table(rows), "title")
    assert figure is not None
    loss, accuracy = figure.axes
    heights = [list(line.get_ydata()) for line in accuracy.get_lines()]
    assert np.allclose(heights, [[10, 90], [30, 70], [20, 80]])
    assert "%" in accuracy.get_ylabel()
    assert loss.get_xlabel() == "epoch"
    assert not accuracy.collections  # two seeds: no band


def test_training_and_validation_share_the_loss_panel() -> None:
    rows = measured("loss", {0: [1.0, 0.5]}) + measured("loss", {0: [0.9, 0.4]}, "train")
    figure = learning_curves(table(rows), "title")
    assert figure is not None
    (ax,) = figure.axes  # no accuracy, one panel
    lines = named(ax)
    assert set(lines) == {"training", "validation"}
    assert list(lines["training"].get_ydata()) == [0.9, 0.4]
    assert {text.get_text() for text in ax.texts} == {"training", "validation"}


def test_single_epoch_is_visible() -> None:
    rows = measured("loss", {0: [1.0], 1: [2.0], 2: [3.0]})
    figure = learning_curves(table(rows), "title")
    assert figure is not None
    (ax,) = figure.axes
    line = named(ax)["validation"]
    assert line.get_marker() == "o"
    assert list(line.get_markevery()) == [0]
    (bar,) = [c for c in ax.collections if type(c).__name__ == "LineCollection"]
    (segment,) = bar.get_segments()
    half = T_2 / math.sqrt(3)
    np.testing.assert_allclose(segment, [[0, 2 - half], [0, 2 + half]], rtol=1e-6)


def test_gaps_stay_gaps_and_points_between_them_get_dots() -> None:
    values: list[float | None] = [1.0, 0.9, None, 0.7, None, *([0.5] * 20)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = learning_curves(table(measured("loss", {0: values})), "title")
        assert figure is not None
        figure.canvas.draw()  # type: ignore[attr-defined]
    line = named(figure.axes[0])["validation"]
    assert np.isnan(line.get_ydata()).nonzero()[0].tolist() == [2, 4]
    assert list(line.get_markevery()) == [3]


@pytest.mark.parametrize(("last", "scale"), [(0.002, "log"), (0.1, "linear"), (0.0, "linear"), (-0.002, "linear")])
def test_loss_is_logarithmic_over_decades_of_positive_values(last: float, scale: str) -> None:
    figure = learning_curves(table(measured("loss", {0: [2.0, 0.2, last]})), "title")
    assert figure is not None
    assert figure.axes[0].get_yscale() == scale
    low, high = figure.axes[0].get_ylim()
    assert low < last < 2.0 < high < 8
    assert scale == "linear" or low > 0.0005


def test_accuracy_axis_stays_within_its_range() -> None:
    figure = learning_curves(table(measured("accuracy", {0: [0.0, 1.0], 1: [0.1, 0.9], 2: [0.0, 0.2]})), "title")
    assert figure is not None
    low, high = figure.axes[0].get_ylim()
    assert -5 < low <= 0
    assert 100 <= high < 105


# per layer


def test_alignment_draws_each_layer_in_both_panels() -> None:
    rows = measured("feedback_cosine", {0: [0.0, 0.1]}, "probe", 0) + measured(
        "feedback_cosine", {0: [0.0, 0.5]}, "probe", 1
    )
    rows += measured("angle_to_bp", {0: [88.0, 60.0]}, "probe", 0) + measured(
        "angle_to_bp", {0: [None, None]}, "probe", 1
    )
    figure = alignment(table(rows), "title")
    assert figure is not None
    cosine, angle = figure.axes
    assert {name: list(line.get_ydata()) for name, line in named(cosine).items()} == {
        "layer 1": [0, 0.1],
        "layer 2": [0, 0.5],
    }
    assert set(named(angle)) == {"layer 1"}
    dashed = [line for line in angle.get_lines() if set(line.get_ydata()) == {90}]
    assert len(dashed) == 1
    assert dashed[0].is_dashed()
    assert "°" in angle.get_ylabel()
    assert "cosine" in cosine.get_ylabel()


def test_cosines_that_hardly_move_look_like_it() -> None:
    """Where the same weights run both ways the cosine is 1 but for rounding."""
    figure = alignment(table(measured("feedback_cosine", {0: [1.0, 1 - 2e-7, 1 - 1e-7]}, "probe", 1)), "title")
    assert figure is not None
    (ax,) = figure.axes
    figure.canvas.draw()  # type: ignore[attr-defined]
    low, high = ax.get_ylim()
    assert high - low == pytest.approx(0.1) and high < 1.01
    assert ax.yaxis.get_major_formatter().get_offset() == ""  # type: ignore[attr-defined]
    assert " ".join(ax.get_ylabel().split()) == "cosine between forward and feedback weights"


def test_a_band_on_a_logarithmic_axis_is_within_its_limits() -> None:
    """The upper edge always, the lower one where the axis can show it."""
    data = {0: [10.0, 0.1], 1: [30.0, 0.1], 2: [20.0, 0.1]}
    figure = learning_curves(table(measured("loss", data)), "title")
    assert figure is not None
    (ax,) = figure.axes
    low, high = ax.get_ylim()
    assert ax.get_yscale() == "log" and high > 20 + T_2 * 10 / math.sqrt(3) and 0.02 < low < 0.1


@pytest.mark.parametrize(("seeds", "says"), [(1, "no band"), (2, "13 times as wide"), (3, "95 % interval (Student's t)")])
def test_the_footnote_says_which_interval_or_why_there_is_none(seeds: int, says: str) -> None:
    figure = learning_curves(table(measured("loss", {s: [1.0, 0.5 + 0.1 * s] for s in range(seeds)})), "title")
    assert figure is not None and says in " ".join(figure._supxlabel.get_text().split())  # type: ignore[attr-defined]
    # of two values d apart the interval is mean -+ t_{0.975, 1} (d / sqrt 2) / sqrt 2
    assert round(12.706 * 2 / math.sqrt(2) / math.sqrt(2)) == 13


def test_alignment_draws_a_panel_for_what_was_measured() -> None:
    rows = measured("feedback_cosine", {0: [0.0, 0.1]}, "probe", 0)
    figure = alignment(table(rows), "title")
    assert figure is not None
    assert len(figure.axes) == 1
    angles = alignment(table(measured("angle_to_bp", {0: [10.0]}, "probe", 0)), "title")
    assert angles is not None and "angle" in angles.axes[0].get_ylabel()
    assert alignment(table(measured("angle_to_bp", {0: [0.0]}, "probe", 0)), "title") is None  # backprop against itself
    assert alignment(table(measured("feedback_cosine", {0: [None]}, "probe", 0)), "title") is None


def test_layers_differ_in_colour_and_keep_it_across_panels() -> None:
    rows = [
        row
        for layer in range(3)
        for m in ("feedback_cosine", "angle_to_bp")
        for row in measured(m, {0: [0.1, 0.2]}, "probe", layer)
    ]
    figure = alignment(table(rows), "title")
    assert figure is not None
    first, second = ({name: line.get_color() for name, line in named(ax).items()} for ax in figure.axes)
    assert len(set(first.values())) == 3
    assert first == second


def test_cka_levels_count_from_the_input() -> None:
    rows = measured("cka", {0: [0.2, 0.3]}, "probe", 0) + measured("cka", {0: [0.4, 0.6]}, "probe", 1)
    figure = cka(table(rows), "title")
    assert figure is not None
    (ax,) = figure.axes
    assert {name: list(line.get_ydata()) for name, line in named(ax).items()} == {
        "level 0 (input)": [0.2, 0.3],
        "level 1": [0.4, 0.6],
    }
    assert ax.get_ylim()[0] == 0


def test_updates_are_logarithmic_and_frozen_layers_left_out() -> None:
    rows = measured("update_ratio", {0: [1e-2, 1e-3]}, "probe", 0) + measured(
        "update_ratio", {0: [0.0, 0.0]}, "probe", 1
    )
    figure = updates(table(rows), "title")
    assert figure is not None
    (ax,) = figure.axes
    assert ax.get_yscale() == "log"
    assert set(named(ax)) == {"layer 1"}
    assert updates(table(measured("update_ratio", {0: [0.0]}, "probe", 0)), "title") is None


def test_mean_update_is_geometric() -> None:
    figure = updates(
        table(measured("update_ratio", {0: [1e-4] * 2, 1: [1e-2] * 2, 2: [1e-3] * 2}, "probe", 0)), "title"
    )
    assert figure is not None
    (ax,) = figure.axes
    assert named(ax)["layer 1"].get_ydata() == pytest.approx([1e-3, 1e-3])
    decades = T_2 / math.sqrt(3)  # the logarithms -4, -3, -2 have std 1
    assert {round(math.log10(y), 4) for _, y in band(ax)} == {round(-3 - decades, 4), round(-3 + decades, 4)}


def test_names_beside_lines_keep_order_and_distance() -> None:
    ends = [0.5, 0.52, 0.1, 0.51, 0.99]
    places = spread(ends, 0.1)
    assert places[2] == pytest.approx(0.1)  # free ones stay
    assert places[4] == pytest.approx(0.99)
    assert [places[i] for i in (0, 3, 1)] == pytest.approx([0.41, 0.51, 0.61])  # the crowd keeps its centre
    crowd = spread([1.0, 1.0, 1.0], 0.1)
    assert sorted(crowd) == pytest.approx([0.8, 0.9, 1.0])
    assert sorted(spread([0.5] * 5, 0.9)) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert spread([]) == []


# files


def test_all_figures_are_written_as_png_and_nothing_else(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = draw_all(full_table(), np.eye(16), tmp_path / "new" / "figures", "ccl on digits ($mlp_[16])")
    names = {"learning_curves.png", "alignment.png", "cka.png", "weights.png", "updates.png", "firing.png"}
    assert {path.name for path in paths} == names
    assert {path.name for path in (tmp_path / "new" / "figures").iterdir()} == names  # no temporary file is left
    for path in paths:
        head = path.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert abs(int.from_bytes(head[16:20], "big") - 1000) <= 2
        assert path.stat().st_size > 5000


def test_rule_without_probes_gets_learning_curves_alone(tmp_path: Path) -> None:
    rows = measured("loss", {0: [1.0, 0.5]})
    assert draw_all(table(rows), None, tmp_path, "title") == [tmp_path / "learning_curves.png"]
    assert draw_all(table([]), None, tmp_path, "title") == []


def test_old_figure_is_replaced(tmp_path: Path) -> None:
    old = tmp_path / "learning_curves.png"
    old.write_bytes(b"old")
    draw_all(table(measured("loss", {0: [1.0, 0.5]})), None, tmp_path, "title")
    assert old.read_bytes()[:4] == b"\x89PNG"


def test_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RunError, match=r"cannot write .*learning_curves\.png") as caught:
        draw_all(full_table(), None, tmp_path / "file" / "figures", "title")
    assert "\n" not in str(caught.value)


def test_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "learning_curves.png" / "in the way").mkdir(parents=True)  # cannot be replaced by a file
    with pytest.raises(RunError, match="cannot write"):
        draw_all(full_table(), None, tmp_path, "title")
    assert [path.name for path in tmp_path.iterdir()] == ["learning_curves.png"]


def test_folder_without_permission_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        (tmp_path / "probe").touch()
    except PermissionError:
        with pytest.raises(RunError, match="Permission denied"):
            draw_all(full_table(), None, tmp_path, "title")
    else:
        pytest.skip("permissions do not bind this user")
    finally:
        tmp_path.chmod(0o700)


def test_pyplot_and_torch_are_not_loaded_and_import_is_lazy() -> None:
    code = (
        "import sys, bioplaus.plots as p\n"
        "assert not {'torch', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "import numpy as np\n"
        "assert p.weight_images(np.eye(9), 'title') is not None\n"
        "assert not {'torch', 'matplotlib.pyplot'} & set(sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
