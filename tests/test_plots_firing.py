"""The figure of firing rates, read back before it becomes pixels."""

from __future__ import annotations

import pytest
from test_plots import measured, named, table

from bioplaus.plots import firing


def test_firing_has_a_line_per_layer_and_no_panel_for_what_was_not_measured() -> None:
    rows = measured("firing_rate", {0: [0.125, 0.25]}, "probe", 0) + measured(
        "firing_rate", {0: [None, None]}, "probe", 1
    )
    figure = firing(table(rows), "title")
    assert figure is not None and len(figure.axes) == 1
    assert list(named(figure.axes[0])) == ["layer 1"]  # a read-out without spikes has no rate
    assert named(figure.axes[0])["layer 1"].get_ydata().tolist() == [0.125, 0.25]
    figure = firing(table(rows + measured("silent_share", {0: [0.0, 1.0]}, "probe", 1)), "title")
    assert figure is not None
    silent = figure.axes[1]
    assert named(silent)["layer 2"].get_ydata().tolist() == [0.0, 1.0]
    assert silent.get_ylim() == pytest.approx((-0.01, 1.01), abs=0.005)  # it stays a share
    assert firing(table(measured("loss", {0: [1.0]})), "title") is None
