"""``bioplaus device list | show | fit`` as scripts and readers meet it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import ROOT, command

from bioplaus import registry
from bioplaus.answers.device_pictures import fit_picture, picture, responses
from bioplaus.plasticity.devices import get, load
from bioplaus.plasticity.devices.fitting import fit
from bioplaus.plasticity.devices.pulse_file import read_pulses

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def asked(*words: str) -> dict[str, Any]:
    answer = command("device", *words, "--json")
    assert answer.code == 0, answer.err
    assert answer.out.count("\n") == 1
    found: dict[str, Any] = json.loads(answer.out, parse_constant=lambda word: pytest.fail(word))
    return found


def pulses(name: str = "one.csv", device: str = "ag_asi") -> str:
    d = get(device)
    rows = [*enumerate(d.siemens(d.curve(+1))), *list(enumerate(d.siemens(d.curve(-1))))[1:]]
    Path(name).write_text("pulse,G\n" + "".join(f"{i},{g:.12e}\n" for i, g in rows))
    return name


def test_list() -> None:
    answer = command("device", "list")
    lines = answer.out.splitlines()
    assert answer.code == 0 and [line.split()[0] for line in lines[1:18]] == registry.DEVICES.names()
    assert lines[1].split()[:6] == ["ag_asi", "exponential", "12.5", "97", "/", "100"] and "Jo et al. 2010" in lines[1]
    rows = asked("list")["devices"]
    assert [row["name"] for row in rows] == registry.DEVICES.names()
    first, pcm = rows[0], next(row for row in rows if row["name"] == "pcm")
    assert first["levels"] == [97, 100] and first["nonlinearity"] == [2.4, -4.88] and first["on_off"] == pytest.approx(12.5, rel=1e-4)
    assert pcm["on_off"] is None and pcm["nonlinearity"][1] is None and pcm["symmetry_point"] is None


def test_the_registry_lists_them_too() -> None:
    assert [line.split()[0] for line in command("list", "devices").out.splitlines()] == registry.DEVICES.names()


@pytest.mark.parametrize("name", registry.DEVICES.names())
def test_show(name: str) -> None:
    answer = command("device", "show", name, "figure=false")
    assert answer.code == 0, answer.err
    assert answer.out.startswith(f"{name}: {registry.DEVICES.summary(name)}") and "figure:" not in answer.out
    for key, value in get(name).values().items():
        assert key == "source" or f"\n  {key}=" in answer.out
        assert key != "source" or str(value) in answer.out


def test_show_prints_the_numbers_and_draws() -> None:
    answer = command("device", "show", "ag_asi")
    assert "g = 0.3369 (1.4999e-08 S)" in answer.out and answer.out.endswith("figure: runs/device/ag_asi.png\n")
    assert "dG up           1.128e-10 .. 8.361e-10 S" in answer.out
    assert Path("runs/device/ag_asi.png").read_bytes()[:8] == PNG
    found = asked("show", "ag_asi", "nl_up=4", "out=here")
    assert found["parameters"]["nl_up"] == 4 and found["nonlinearity"] == [4, -4.88] and found["figures"] == ["here/ag_asi.png"]
    assert Path("here/ag_asi.png").read_bytes()[:8] == PNG and "figures" not in asked("show", "ag_asi")
    assert asked("show", "epiram")["up_step"][1] == pytest.approx(0.0157805, abs=6e-8)


def test_what_is_drawn() -> None:
    response, steps = picture(get("ag_asi"), "ag_asi").panels
    *noisy, up, down = response.series
    assert len(noisy) == 6 and all(one.faint for one in noisy)
    assert up.y[0] == pytest.approx(3.0769) and up.y[-1] == down.y[0] == pytest.approx(38.462) and down.y[-1] == pytest.approx(3.0769)
    assert (up.x[-1], down.x[-1]) == (97, 197) and response.y == "conductance G, nS"
    assert steps.marks[0][0] == pytest.approx(14.999, abs=1e-3) and steps.marks[0][1] == "symmetry point"
    crossing = steps.series[-1]
    assert crossing.points and crossing.y[0] == pytest.approx(0.016737, abs=1e-5)
    weights, _ = picture(get("ecram"), "ecram").panels
    assert weights.y == "weight w" and len(weights.series) == 8
    quiet = picture(get("epiram", cycle_noise=0), "epiram")
    assert len(quiet.panels[0].series) == 2 and quiet.note == "This device has no noise."


def test_noisy_devices_follow_the_seed() -> None:
    device = get("ag_asi")
    one, mean = responses(device, [1] * 5)
    assert one.shape == (6, 6) and np.array_equal(one, responses(device, [1] * 5)[0])
    assert not np.array_equal(one, responses(device, [1] * 5, seed=1)[0])
    assert mean == pytest.approx(device.curve(+1, 5), abs=1e-12)


def test_fit() -> None:
    found = asked("fit", pulses(), "out=here")
    assert found["model"] == "exponential" and {"model", "parameters", "rmse", "ranking"} <= set(found)
    assert found["parameters"]["nl_up"] == pytest.approx(2.4, abs=1e-4) and found["parameters"]["nl_down"] == pytest.approx(-4.88, abs=1e-4)
    assert found["parameters"]["g_max"] == pytest.approx(3.8462e-8, rel=1e-4) and found["rmse"] < 1e-14
    assert len(found["ranking"]) == 8 and found["ranking"][0]["model"] == "exponential"
    assert Path(found["figures"][0]).read_bytes()[:8] == PNG
    device = load(found["device_file"])
    assert device.pulse(0.5, 1) == pytest.approx(0.513407, abs=1e-5)
    again = asked("fit", "one.csv", "model=linear", "unit=uS")
    assert [one["model"] for one in again["ranking"]] == ["linear"] and "figures" not in again
    assert again["parameters"]["g_max"] < 1e-13 and again["rmse_relative"] > 0.1


def test_fit_for_readers_says_what_to_do_next() -> None:
    answer = command("device", "fit", pulses(), "model=exponential")
    assert answer.code == 0 and "97 measurements" not in answer.out and "98 measurements of potentiation, 100 of depression" in answer.out
    assert "figure: runs/device/one-fit.png" in answer.out
    assert "plasticity.device=runs/device/one.json" in answer.out
    line = next(line for line in answer.out.splitlines() if line.startswith("next: "))
    shown = command(*shlex.split(line.removeprefix("next: bioplaus ")))
    assert shown.code == 0 and shown.out.startswith("one: a device of the model exponential")


def test_the_fit_that_is_drawn() -> None:
    data = read_pulses(pulses())
    panel, left = fit_picture(data, [fit(data, "linear")], "one").panels
    measured, line = panel.series
    assert measured.points and len(measured.x) == 198 and measured.x[-1] == 197
    assert left.series[0].y[0] == pytest.approx(measured.y[0] - line.y[0])


def test_a_fit_that_is_none_says_so() -> None:
    """A saw tooth of single steps below half of the range: no monotone model comes near it."""
    up, down = [0, 0.45, 0.1, 0.55, 0.2, 0.65, 0.3, 1], [0.6, 0.9, 0.5, 0.8, 0.3, 0.6, 0.1, 0.4, 0]
    Path("saw.txt").write_text("".join(f"{1e-6 * (1 + g)}\n" for g in up + down))
    found = asked("fit", "saw.txt", "model=linear")
    assert found["rmse_relative"] > 0.2 and "look at the figure" in found["warning"]
    assert "Warning: no model comes nearer than" in command("device", "fit", "saw.txt", "model=linear", "figure=false").out
    answer = command("device", "fit", pulses(), "model=exponential", "figure=false").out
    assert "Warning" not in answer and "read as siemens" in answer
    assert asked("fit", pulses(), "model=exponential")["warning"] is None


def test_noise_is_reported_with_its_lines() -> None:
    Path("noisy.txt").write_text("0 1e-6\n1 2e-6\n2 1.9e-6\n3 3e-6\n4 2e-6\n5 1.5e-6\n6 1e-6\n")
    answer = command("device", "fit", "noisy.txt", "model=linear", "figure=false")
    assert "1 of them move against the direction of their branch (lines 3)" in answer.out
    assert asked("fit", "noisy.txt", "model=linear")["lines_against_their_branch"] == [3]


BAD = [
    ("device", "arguments are required"),
    ("device lst", "did you mean 'list'"),
    ("device list ag_asi", "device list takes nothing"),
    ("device show", "device show needs NAME"),
    ("device fit", "device fit needs FILE"),
    ("device show nl_up=3", "device show needs NAME"),
    ("device show ag_asl", "did you mean 'ag_asi'"),
    ("device show ag_asi nl_up=11", "no device has such a nonlinearity"),
    ("device show ag_asi pulses_up=0", "pulses_up=0 is out of range"),
    ("device show ag_asi g_max=1e-9", "must be below"),
    ("device show ag_asi figure=3", "figure=3 must be true or false"),
    ("device show ag_asi nl_up=[1,2]", "nl_up=[1,2] must be a number"),
    ("device show absent.json", "cannot be read"),
    ("device fit absent.csv", "cannot be read"),
    ("device fit half.csv", "depression is missing"),
    ("device fit nan.csv", "line 3"),
    ("device fit whole.csv unit=kS", "unit=kS is not known; choose one of S, mS, uS, nS, pS"),
    ("device fit whole.csv model=expo", "cannot be fitted"),
    ("device fit whole.csv units=S", "did you mean 'unit'"),
]


@pytest.mark.parametrize(("words", "text"), BAD, ids=[words for words, _ in BAD])
def test_one_clear_line(words: str, text: str) -> None:
    pulses("whole.csv")
    Path("half.csv").write_text("".join(f"{i} {i + 1}\n" for i in range(9)))
    Path("nan.csv").write_text("0 1\n1 2\n2 nan\n3 4\n4 2\n5 1\n")
    answer = command(*words.split())
    assert answer.code == 2 and answer.out == "" and text in answer.err
    assert answer.err.count("\n") == 1 and answer.err.startswith("bioplaus: ")


def test_a_folder_that_cannot_be_written() -> None:
    Path("file").write_text("")
    answer = command("device", "show", "epiram", "out=file")
    assert answer.code == 1 and answer.err.count("\n") == 1


def test_listing_and_showing_load_neither_torch_nor_numba() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from bioplaus.cli import main\n"
        "for words in (['device', 'list'], ['device', 'show', 'reram_es', '--json']):\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        main(words)\n"
        "print(sorted({'torch', 'numba', 'matplotlib', 'scipy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
