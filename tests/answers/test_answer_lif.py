"""``bioplaus theory lif``: what it answers, Brian2 beside it, and what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bioplaus.answers import brian
from bioplaus.answers.command import ask, solve
from bioplaus.errors import ConfigError
from bioplaus.theory import lif


def test_closed_form_clock_and_simulation(tmp_path: Path) -> None:
    answer = solve("lif", {"current": 1.5, "tau_mem": 10})
    values = answer.values
    assert values["rate"] == pytest.approx(91.0239, abs=5e-5) and values["interval_steps"] == 110
    assert values["count"] == values["clocked_count"] == 90 and values["last_interval"] == pytest.approx(11.0)
    assert values["brian2_count"] is None and "91.0239 Hz" in answer.text and "one every 110 steps" in answer.text
    printed = json.loads(ask("lif", {"current": 1.5, "out": str(tmp_path)}, as_json=True))
    assert [Path(path).name for path in printed["figures"]] == ["lif-f-I.png"] and (tmp_path / "lif-f-I.png").exists()


def test_the_curve_of_the_figure_is_the_closed_form() -> None:
    picture = solve("lif", {"t_ref": 2, "current": 2}).pictures[0]
    curves = {series.label: series for series in picture.panels[0].series}
    exact, simulated = curves["closed form"], curves["simulation"]
    for current, hertz, counted in zip(exact.x, exact.y, simulated.y):
        assert hertz == lif.rate(current, 10.0, 2.0)
        assert abs(counted - hertz) <= 1.0 + 0.02 * hertz  # of a second, and of a clock of 0.1 ms
    assert curves["this current"].x == [2.0] and curves["this current"].y == [111.0]


def test_other_cells_have_no_closed_form() -> None:
    values = solve("lif", {"model": "hodgkin_huxley", "duration": 500}).values
    assert values["count"] == 35 and values["rate"] is None and values["current"] == 10 and values["tau_mem"] is None
    values = solve("lif", {"model": "izhikevich", "cell": "fs", "duration": 200, "dt": 0.1}).values
    assert values["count"] == lif.count("izhikevich", 10.0, 0.1, 200.0, cell="fs").count > 10


def test_a_scan_of_the_current() -> None:
    answer = solve("lif", {"scan": "current", "from": 0.5, "to": 2.0, "points": 4})
    assert [row["current"] for row in answer.values["points"]] == [0.5, 1.0, 1.5, 2.0]
    assert [row["count"] for row in answer.values["points"]] == [0, 0, 90, 142]
    assert answer.values["marks"] == {"rheobase": 1.0}


def test_brian2_counts_the_same_spikes_of_a_leaky_cell() -> None:
    pytest.importorskip("brian2")
    currents = [0.5, 1.0, 1.001, 1.2, 1.5, 2.0, 2.7, 5.0]
    for dt, tau_mem, t_ref in ((0.1, 10.0, 0.0), (0.1, 20.0, 2.0), (0.5, 7.0, 0.5)):
        ours = [lif.count("lif", current, dt, 1000.0, tau_mem=tau_mem, t_ref=t_ref).count for current in currents]
        assert brian.spike_counts("lif", currents, dt, 1000.0, tau_mem=tau_mem, t_ref=t_ref) == ours
        assert ours[0] == ours[1] == 0 < ours[2] < ours[-1]
    values = solve("lif", {"current": 1.2, "brian2": True}).values
    assert values["brian2_count"] == values["count"] == 55


def test_brian2_beside_the_other_cells() -> None:
    """Other integrators: a spike more or less."""
    brian2 = pytest.importorskip("brian2")
    before, hook = brian2.prefs.codegen.target, sys.excepthook
    for model, dt, duration in (("izhikevich", 0.05, 500.0), ("hodgkin_huxley", 0.02, 200.0)):
        currents = [0.0, 10.0, 15.0]
        ours = [lif.count(model, current, dt, duration).count for current in currents]
        theirs = brian.spike_counts(model, currents, dt, duration)
        assert ours[0] == theirs[0] == 0 and ours[1] > 10
        assert all(abs(a - b) <= 1 for a, b in zip(ours, theirs))
    assert brian2.prefs.codegen.target == before and sys.excepthook is hook


@pytest.mark.usefixtures("without_brian2")
def test_without_brian2_one_line_says_which_versions_work() -> None:
    with pytest.raises(ConfigError, match=r"Brian2 cannot be imported .*; Brian2 2\.9 works with numpy < 2\.4") as caught:
        solve("lif", {"brian2": True})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("keys", "words"), [
    ({"model": "alif"}, "model=alif is not known; choose one of lif, izhikevich, hodgkin_huxley"),
    ({"model": "izhikevich", "tau_mem": 5}, "tau_mem=5.0 belongs to model=lif, not to model=izhikevich"),
    ({"cell": "rs"}, "cell=rs belongs to model=izhikevich"),
    ({"model": "izhikevich", "cell": "xx"}, "cell=xx is not one of rs"),
    ({"tau_mem": 0}, "tau_mem=0.0 is out of range"),
    ({"dt": -1}, "dt=-1.0 is out of range"),
    ({"scan": "current", "brian2": True}, "brian2=true belongs to one current"),
    ({"currant": 2}, "unknown key 'currant', did you mean 'current'"),
])  # fmt: skip
def test_bad_settings_are_refused_in_one_line(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        solve("lif", keys)
    assert "\n" not in str(caught.value)
