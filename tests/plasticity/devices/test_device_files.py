"""Devices by name, with changes, from files: what is refused, and that a file is data alone."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bioplaus import registry
from bioplaus.errors import ConfigError, DataError, RunError
from bioplaus.plasticity.devices import get, load, names, save
from bioplaus.plasticity.devices.choice import FORMAT, MODELS, model_class

BAD_CHANGES = [
    ("ag_asi", {"pulses_up": 0.5}, "pulses_up=0.5 is out of range; it must be >= 1"),
    ("ag_asi", {"nl_up": 10.1}, "nl_up=10.1: no device has such a nonlinearity"),
    ("ag_asi", {"nl_down": -12}, "nl_down=-12: no device"),
    ("ag_asi", {"g_min": 1e-6}, "g_min=1e-06 must be below g_max=3.8462e-08"),
    ("ag_asi", {"g_min": 3.8462e-8}, "must be below"),
    ("ag_asi", {"g_min": None}, "give both, in siemens, or none"),
    ("ag_asi", {"nl_up": "steep"}, "nl_up=steep must be a number"),
    ("ag_asi", {"nl_up": True}, "nl_up=true must be a number"),
    ("ag_asi", {"nl_up": float("nan")}, "nl_up=nan is out of range; it must be finite"),
    ("ag_asi", {"cycle_noise": -0.1}, "cycle_noise=-0.1 is out of range; it must be >= 0"),
    ("ag_asi", {"nl_upp": 1}, "unknown key 'nl_upp' of a device of the model exponential, did you mean 'nl_up'?"),
    ("ag_asi", {"dw_min": 1}, "unknown key 'dw_min'"),
    ("ag_asi", {"beta_up": "x"}, "beta_up=x must be a number"),
    ("ecram", {"w_min": 2}, "w_min=2 must be below w_max=1.1724"),
    ("ecram", {"w_min": 0.1}, "w = 0, which must lie between them"),
    ("reram_sb", {"w_max": -0.1}, "w = 0, which must lie between them"),
    ("ecram", {"dw_min": 3}, "dw_min=3 must be at most the range"),
    ("ecram", {"gamma_up": 1.2}, "gamma_up=1.2 is out of range; it must be >= 0, <= 1"),
    ("reram_es", {"up_down": 1}, "up_down=1 is out of range"),
    ("reram_es", {"noise": "loud"}, "noise=loud is not known; choose one of multiplicative, additive"),
    ("reram_es", {"noise": 3}, "noise=3 must be a text"),
    ("ag_as", {}, "unknown device 'ag_as', did you mean 'ag_asi'?"),
]


@pytest.mark.parametrize(("name", "changes", "words"), BAD_CHANGES, ids=lambda x: str(x)[:30])
def test_one_line_for_a_wrong_device(name: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        get(name, **changes)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_changes_leave_the_preset_alone() -> None:
    assert get("ag_asi", nl_up=1.0).nl_up == 1.0 and get("ag_asi").nl_up == 2.4


def test_beta_is_another_name() -> None:
    device = get("ag_asi", beta_up=5.0)
    assert device.nl_up == pytest.approx(4.8845312, abs=6e-8)


def test_there_and_back(tmp_path: Path) -> None:
    for name in names():
        file = save(get(name, read_noise=0.01), tmp_path / f"{name}.json", fitted={"rmse": 1e-9})
        assert load(file) == get(name, read_noise=0.01) == get(str(file))
    assert get(str(tmp_path / "ag_asi.json"), nl_up=1.0).nl_up == 1.0
    assert len(list(tmp_path.iterdir())) == len(names()), "no temporary file is left"


def test_what_a_file_looks_like(tmp_path: Path) -> None:
    content = json.loads(save(get("epiram"), tmp_path / "one.json").read_text())
    assert content["format"] == FORMAT == "bioplaus device 1" and content["model"] == "exponential" and content["parameters"]["nl_up"] == 0.5
    (tmp_path / "short.json").write_text(json.dumps({"format": FORMAT, "model": "linear", "parameters": {"pulses_up": 8}}))
    assert load(tmp_path / "short.json").pulse(0.0, 1) == 1 / 8


GOOD: dict[str, Any] = {"format": FORMAT, "model": "linear", "parameters": {}}
BAD_FILES = [
    ("{", "is not JSON"),
    ("[1]", "does not say"),
    (json.dumps({**GOOD, "format": "other"}), "does not say"),
    (json.dumps({**GOOD, "model": 3}), 'needs "model"'),
    (json.dumps({**GOOD, "parameters": [1]}), 'needs "model"'),
    (json.dumps({**GOOD, "model": "linaer"}), "unknown device model 'linaer', did you mean 'linear'?"),
    (json.dumps({**GOOD, "model": "os:system"}), "unknown device model 'os:system'"),
    (json.dumps({**GOOD, "parameters": {"pulse_up": 3}}), "unknown parameter 'pulse_up' of linear, did you mean 'pulses_up'?"),
    (json.dumps({**GOOD, "parameters": {"pulses_up": "__import__('os')"}}), "must be a number"),
    (json.dumps({**GOOD, "parameters": {"pulses_up": 0}}), "pulses_up=0 is out of range"),
    ('{"format": "bioplaus device 1", "model": "linear", "parameters": {"g_max": NaN}}', "g_max=nan is out of range"),
    ("[" * 100_000, "is not JSON"),
]


@pytest.mark.parametrize(("text", "words"), BAD_FILES, ids=lambda x: str(x)[:40])
def test_one_line_for_a_wrong_file(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "device.json"
    file.write_text(text)
    with pytest.raises((ConfigError, DataError)) as caught:
        get(str(file))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        load(tmp_path / "absent.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"):
        save(get("epiram"), tmp_path / "file" / "one.json")


def test_models_are_those_of_the_package() -> None:
    assert {model_class(name).model for name in MODELS} == set(MODELS)


DEVICE = '''
"""A device that lives elsewhere."""

from dataclasses import dataclass

from bioplaus.plasticity.devices.linear import Linear

SQUARE = Linear(pulses_up=4, pulses_down=4)
"""Four levels, and no more."""

NOTHING = 3


@dataclass(frozen=True, kw_only=True)
class Coarse(Linear):
    """Two levels by default."""

    pulses_up: float = 2
'''


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with devices for one test."""
    info = tmp_path / "elsewhere_devices-1.0.dist-info"
    info.mkdir()
    (tmp_path / "elsewhere_devices.py").write_text(DEVICE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere-devices\nVersion: 1.0\n")
    lines = "square = elsewhere_devices:SQUARE\ncoarse = elsewhere_devices:Coarse\nnothing = elsewhere_devices:NOTHING\n"
    (info / "entry_points.txt").write_text(f"[bioplaus.devices]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.setattr(registry.DEVICES, "_targets", dict(registry.DEVICES._targets))
    monkeypatch.setattr(registry.DEVICES, "_classes", dict(registry.DEVICES._classes))
    monkeypatch.setattr(registry.DEVICES, "_scanned", False)
    yield
    sys.modules.pop("elsewhere_devices", None)


@pytest.mark.usefixtures("elsewhere")
def test_devices_of_other_packages() -> None:
    assert {"square", "coarse"} < set(names())
    assert registry.DEVICES.summary("square") == "Four levels, and no more." and registry.DEVICES.summary("coarse") == "Two levels by default."
    assert get("square").pulse(0.0, 1) == 0.25 and get("coarse").pulse(0.0, 1) == 0.5 and get("coarse", pulses_up=8).pulse(0.0, 1) == 1 / 8
    assert registry.DEVICES.summary("square") == "Four levels, and no more.", "once it is imported too"
    with pytest.raises(ConfigError, match="'nothing' is registered but is no Device"):
        get("nothing")
