"""The figure of what a spiking network fires while it learns, read back before it becomes pixels."""

from __future__ import annotations

import pytest
from test_plots import measured, named, table

from bioplaus.plots import firing


def test_firing_has_a_line_per_layer_and_no_panel_for_what_was_not_measured() -> None:
    rows = measured("firing_rate", {0: [0.125, 0.25]}, "probe", 0) + measured("firing_rate", {0: [None, None]}, "probe", 1)
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


def test_saturated_units_and_ties_have_a_panel_where_there_are_any_and_operations_their_own_size() -> None:
    rows = measured("firing_rate", {0: [0.1, 0.2], 1: [0.3, 0.2]}, "probe", 0)
    rows += measured("saturated_share", {0: [0.0, 0.0], 1: [0.0, 0.0]}, "probe", 0)
    rows += measured("tie_fraction", {0: [0.0, 0.0], 1: [0.0, 0.0]}, "probe")
    rows += measured("synaptic_operations", {0: [100.0, 900.0], 1: [300.0, 1100.0]}, "probe")
    figure = firing(table(rows), "title")
    assert figure is not None
    assert [ax.get_ylabel() for ax in figure.axes] == ["spikes per unit and step", "synaptic operations per sample"]
    *single, mean = (line.get_ydata().tolist() for line in figure.axes[1].get_lines())
    assert single == [[100.0, 900.0], [300.0, 1100.0]] and mean == [200.0, 1000.0]
    low, high = figure.axes[1].get_ylim()
    assert low < 100 and high > 1100
    rows += measured("saturated_share", {2: [0.0, 0.5]}, "probe", 0) + measured("tie_fraction", {2: [0.25, 1.0]}, "probe")
    figure = firing(table(rows), "title")
    assert figure is not None
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels[1] == "share of units that always fire" and labels[3] == "share of samples with a tie"
    assert 1 < figure.axes[3].get_ylim()[1] < 1.05  # it stays a share
