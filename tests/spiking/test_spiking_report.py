"""What is said and drawn of a spiking network, beside spikes worked out by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.integrate_fire import IntegrateFire
from bioplaus.pictures import Curves, Panel
from bioplaus.plasticity.sgd import Sgd
from bioplaus.plots.pictures import draw_picture, picture_figure
from bioplaus.rules.surrogate import Surrogate
from bioplaus.spiking.picture import SHOWN, one_sample
from bioplaus.spiking.report import spiking_findings
from bioplaus.spiking.task import SpikingClassification
from bioplaus.streams import Streams
from bioplaus.view import Batch, Clock, View
from bioplaus.world import Model, new_world, view

T = 8


def seen(hidden: list[int], weights: dict[int, list[list[float]]], x: Tensor, label: int = 1, **settings: Any) -> View:
    """A view of integrate-and-fire units under given weights; x ``[T or 1, *shape]``."""
    unit = IntegrateFire(steps=T, **settings)
    net = Mlp.build(MlpConfig(hidden=hidden), tuple(x.shape[1:]), (2,), unit)
    groups = Surrogate().groups({"forward": net})
    model = Model(
        Surrogate(),
        {"forward": net},
        groups,
        {},
        Sgd(),
        SpikingClassification(2, unit.config),
        Streams((0,), dtype=torch.float64),
    )
    world = new_world(model)
    for layer, rows in weights.items():
        world.params[f"forward/{layer}/weight"] = torch.tensor(rows, dtype=torch.float64).unsqueeze(0)
    return view(model, world, Batch(x.double().view(1, 1, *x.shape), torch.tensor([[label]])), Clock())


#: currents of 1/4, 1, -1 and 1/2, whose spikes are every fourth, every, no and every second step; output: 1/2 per spike of the second
HIDDEN = [[0.25], [1.0], [-1.0], [0.5]]
OUTPUT = [[0.0] * 4, [0.0, 0.5, 0.0, 0.0]]
ONE = torch.ones(1, 1)


def by_hand(**settings: Any) -> View:
    return seen([4], {0: HIDDEN, 1: OUTPUT}, ONE, **settings)


def titled(picture: Curves, words: str) -> Panel:
    (found,) = [panel for panel in picture.panels if words in panel.title]
    return found


def dots(panel: Panel) -> set[tuple[float, float]]:
    """Return (step, unit) of every spike."""
    return {point for series in panel.series for point in zip(series.x, series.y)}


def test_findings_by_hand() -> None:
    found = spiking_findings([by_hand()])
    assert found.values == {
        "firing_rate": [14 / 32, 4 / 16],
        "silent_share": [0.25, 0.5],
        "saturated_share": [0.25, 0.0],
        "tie_fraction": 0.0,
        "synaptic_operations_per_sample": 28.0,
        "spiking_warning": None,
    }
    assert (
        "43.75 %, 25.00 %; units that never fire: 25 %, 50 %" in found.text and "28 synaptic operations" in found.text
    )


def test_findings_of_several_packs_are_their_mean() -> None:
    """The second network gets no input: silent, and a tie."""
    silent = seen([4], {0: HIDDEN, 1: OUTPUT}, 0 * ONE)
    values = spiking_findings([by_hand(), silent]).values
    assert (
        values["firing_rate"] == [7 / 32, 2 / 16]
        and values["tie_fraction"] == 0.5
        and values["synaptic_operations_per_sample"] == 14
    )


def test_layers_that_never_fire_are_warned_of_and_named_as_in_figures() -> None:
    assert (
        "layers 1 and 2 never fire (spikes per unit and step, bottom first: 0, 0)"
        in spiking_findings([by_hand(threshold=100.0)]).values["spiking_warning"]
    )
    deaf = seen([4], {0: HIDDEN, 1: [[0.0] * 4] * 2}, ONE)
    assert spiking_findings([deaf]).values["spiking_warning"].startswith("layer 2 never fires")


def test_a_leaky_read_out_is_no_silent_layer() -> None:
    found = spiking_findings([by_hand(readout="leaky")])
    assert found.values["firing_rate"] == [14 / 32, None] and found.values["spiking_warning"] is None
    assert "43.75 %, read-out without spikes" in found.text
    assert not [panel for panel in found.pictures[0].panels if panel.title == "output units: spikes"]  # type: ignore[union-attr]
    assert not [line for line in titled(found.pictures[0], "output units").series if line.dashed]  # type: ignore[arg-type]


def test_rasters_show_each_spike_at_its_step_from_one() -> None:
    picture = one_sample(by_hand())
    expected = {(4, 0), (8, 0), *((t, 1) for t in range(1, 9)), *((t, 3) for t in (2, 4, 6, 8))}
    assert dots(titled(picture, "hidden layer 1: spikes")) == expected
    assert dots(titled(picture, "output units: spikes")) == {(t, 1) for t in (2, 4, 6, 8)}
    assert picture.note.startswith("Of class 1, read as 1.")


def test_membranes_of_outputs_and_of_three_hidden_units() -> None:
    """Read-out: 1/2 up, fires at 1, reset. Units: the one that fires most, the middle one of three that fire (4 spikes), the silent one."""
    picture = one_sample(by_hand(threshold=1.0))
    lines = {line.label: list(line.y) for line in titled(picture, "output units: membranes").series}
    assert lines["class 1 (right)"] == [0.5, 1.0] * 4 and lines["threshold"] == [1.0, 1.0]
    lines = {line.label: list(line.y) for line in titled(picture, "hidden layer 1: membranes").series}
    assert lines["unit 1 (8 spikes)"] == [1.0] * 8 and lines["unit 2 (0 spikes)"] == [-1.0 * t for t in range(1, 9)]
    assert lines["unit 3 (4 spikes)"] == [0.5, 1.0] * 4
    wrong = titled(one_sample(by_hand(label=0)), "output units: membranes")
    assert [line.label for line in wrong.series] == ["class 1 (read)", "class 0 (right)", "threshold"]


@pytest.mark.parametrize("threshold", [1.0, 100.0])
def test_all_steps_and_all_units_lie_within_the_axes_even_if_nothing_fires(threshold: float, tmp_path: Path) -> None:
    picture = one_sample(by_hand(threshold=threshold))
    figure = picture_figure(picture)
    axes = {ax.get_title(loc="left"): ax for ax in figure.axes}
    for title, units in (("hidden layer 1: spikes", 4), ("output units: spikes", 2)):
        (left, right), (low, high) = axes[title].get_xlim(), axes[title].get_ylim()
        assert 0 <= left < 1 and T < right < T + 1 and -1 < low < 0 and units - 1 < high < units
        assert [text.get_text() for text in axes[title].texts] == (["no spikes"] if threshold > 1 else [])
    low, high = axes["output units: membranes"].get_ylim()
    assert low < 0 and threshold < high
    assert draw_picture(picture, tmp_path).name == "spikes.png"


def test_wide_layers_are_shown_in_part_up_to_their_last_unit() -> None:
    count = 3 * SHOWN + 7
    picture = one_sample(seen([count], {0: [[1.0]] * count, 1: [[0.0] * count] * 2}, ONE))
    panel = titled(picture, "hidden layer 1: spikes")
    units = sorted({unit for _, unit in dots(panel)})
    assert len(units) == SHOWN and (units[0], units[-1]) == (0, count - 1) and panel.y == f"unit ({SHOWN} of {count})"
    gaps = {b - a for a, b in itertools.pairwise(units)}
    assert gaps <= {3, 4}
    assert panel.y_limits is not None and panel.y_limits[1] > count - 1


@pytest.mark.parametrize(("depth", "shown"), [(0, []), (1, [1]), (3, [1, 2, 3]), (5, [1, 2, 5])])
def test_deep_networks_are_shown_by_their_first_and_last_layers(depth: int, shown: list[int]) -> None:
    picture = one_sample(seen([3] * depth, {}, ONE))
    assert [panel.title for panel in picture.panels if "hidden" in panel.title and "spikes" in panel.title] == [
        f"hidden layer {i}: spikes" for i in shown
    ]
    assert len(picture.panels) <= 6


def test_inputs_are_spikes_an_image_or_currents() -> None:
    spikes = torch.zeros(T, 3)
    spikes[2, 1] = spikes[7, 0] = 1
    panel = one_sample(seen([2], {}, spikes)).panels[0]
    assert panel.title == "input: spikes" and dots(panel) == {(3, 1), (8, 0)}
    image = torch.arange(6.0).view(1, 1, 2, 3)
    panel = one_sample(seen([2], {}, image / 6)).panels[0]
    assert panel.image.tolist() == pytest.approx((image[0, 0] / 6).numpy())
    panel = one_sample(seen([2], {}, torch.tensor([[0.5, 0.25, 1.0]]))).panels[0]
    assert dots(panel) == {(0, 0.5), (1, 0.25), (2, 1.0)}


def test_convolutions_are_drawn_too() -> None:
    unit = IntegrateFire(steps=T)
    net = Cnn5.build(Cnn5Config(channels=[4]), (2, 8, 8), (2,), unit)
    model = Model(
        Surrogate(),
        {"forward": net},
        {},
        {},
        Sgd(),
        SpikingClassification(2, unit.config),
        Streams((0,), dtype=torch.float64),
    )
    x = torch.rand(1, 3, 1, 2, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    now = view(model, new_world(model), Batch(x, torch.zeros(1, 3, dtype=torch.int64)), Clock())
    picture = one_sample(now)
    spikes = net.forward(now.params, x, {}).traces[0].out[0, 0].flatten(1)
    assert len(dots(titled(picture, "hidden layer 1: spikes"))) == int(spikes.sum()) > 0
    assert "behind their pooling" in picture.note and picture_figure(replace(picture, note=""))
