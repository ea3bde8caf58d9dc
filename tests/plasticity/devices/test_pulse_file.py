"""Files of pulses: the layouts that are read, and one line that names the place where a file is wrong."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bioplaus.errors import DataError
from bioplaus.plasticity.devices.pulse_file import read_pulses

UP, DOWN = [1.0, 2.0, 2.8, 3.4], [2.2, 1.6, 1.1]


def written(folder: Path, text: str) -> Path:
    file = folder / "pulses.txt"
    file.write_text(text)
    return file


LAYOUTS = {
    "one column": "".join(f"{g}\n" for g in UP + DOWN),
    "counted through": "".join(f"{i} {g}\n" for i, g in enumerate(UP + DOWN)),
    "anew from 1": "pulse,G\n" + "".join(f"{i},{g}\n" for i, g in [*enumerate(UP), *enumerate(DOWN, 1)]),
    "counted back": "".join(f"{i}\t{g}\n" for i, g in [*enumerate(UP), *zip((2, 1, 0), DOWN)]),
    "signs": "".join(f"{i}; {g}; up\n" for i, g in enumerate(UP)) + "".join(f"{i}; {g}; LTD\n" for i, g in enumerate(DOWN, 1)),
    "signs as numbers, counted through": "".join(f"{i},{g},{'+1' if i < 4 else '-1'}\n" for i, g in enumerate(UP + DOWN)),
    "comments": "# measured today\n\n% another\npulse  conductance (S)\n" + "".join(f"  {i}   {g}  # good\n" for i, g in enumerate(UP + DOWN)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str, tmp_path: Path) -> None:
    data = read_pulses(written(tmp_path, LAYOUTS[layout]))
    assert data.up.tolist() == UP and data.down.tolist() == DOWN
    assert data.up_pulses.tolist() == [0, 1, 2, 3] and data.down_pulses.tolist() == [1, 2, 3]
    assert data.range == pytest.approx(2.4)


def test_depression_that_begins_with_the_state_before_it(tmp_path: Path) -> None:
    rows = [*enumerate(UP), *enumerate([3.4, *DOWN])]
    data = read_pulses(written(tmp_path, "".join(f"{i} {g}\n" for i, g in rows)))
    assert data.down_pulses.tolist() == [0, 1, 2, 3] and data.down.tolist() == [3.4, *DOWN]


def test_units_and_sparse_measurements(tmp_path: Path) -> None:
    data = read_pulses(written(tmp_path, "0 1\n10 2\n20 3\n30 2\n50 1.5\n60 1\n"), "uS")
    assert data.up == pytest.approx([1e-6, 2e-6, 3e-6]) and data.down_pulses.tolist() == [10, 30, 40]


def test_noise_against_the_direction_is_no_mistake(tmp_path: Path) -> None:
    data = read_pulses(written(tmp_path, "0 1\n1 2\n2 1.9\n3 3\n4 2\n5 2.1\n6 1\n"))
    assert data.up.tolist() == [1, 2, 1.9, 3] and data.against == (3, 6)


def test_a_plateau_belongs_to_potentiation_and_noise_does_not_move_the_turn_far(tmp_path: Path) -> None:
    rise = [round(10 * (1 - math.exp(-k / 6)), 1) for k in range(60)]  # 10.0 from k = 32 on
    fall = [round(10 * math.exp(-k / 6), 1) for k in range(1, 60)]
    data = read_pulses(written(tmp_path, "".join(f"{g}\n" for g in rise + fall)))
    assert (len(data.up), len(data.down), data.turn) == (60, 59, 61)
    noise = np.random.default_rng(0).normal(0, 0.5, 119)
    noisy = np.abs(np.array([k / 6 for k in range(60)] + [10 - k / 6 for k in range(1, 60)]) + noise)
    found = read_pulses(written(tmp_path, "".join(f"{g}\n" for g in noisy)))
    assert abs(len(found.up) - 60) <= 3
    assert read_pulses(written(tmp_path, LAYOUTS["signs"])).turn is None and read_pulses(written(tmp_path, LAYOUTS["anew from 1"])).turn is None


BAD = {
    "potentiation alone": ("0 1\n1 2\n2 3\n3 4\n4 5\n5 6\n", "depression is missing"),
    "depression alone": ("0 6\n1 5\n2 4\n3 3\n4 2\n5 1\n", "potentiation is missing: the conductance falls from line 1"),
    "signs of one kind": ("0 1 up\n1 2 up\n2 3 up\n3 4 up\n4 5 up\n5 6 up\n", "no depression"),
    "signs the other way": ("0 6 -1\n1 5 -1\n2 4 -1\n0 4 1\n1 5 1\n2 6 1\n", "line 4 changes the sign"),
    "two cycles": ("0 1 1\n1 2 1\n2 3 1\n0 3 -1\n1 2 -1\n2 1 -1\n0 1 1\n1 2 1\n2 3 1\n", "line 7 changes the sign"),
    "nan": ("0 1\n1 2\n2 nan\n3 4\n4 3\n5 2\n6 1\n", "line 3: 2 nan is not finite"),
    "infinite": ("# c\n0 1\n1 inf\n2 3\n3 4\n4 3\n5 2\n", "line 3: 1 inf is not finite"),
    "a word": ("0 1\n1 2\n2 three\n3 4\n4 3\n5 2\n", "line 3: 'three' is not a number"),
    "out of order": ("0 1\n1 2\n3 3\n2 3.5\n4 4\n3 3\n5 2\n6 1\n", "line 4: pulse number 2 is out of order"),
    "out of order late": (
        "".join(f"{k} {g}\n" for k, g in zip((0, 1, 2, 4, 3, 5, 6, 7, 8), (1, 2, 3, 4, 4.5, 4, 3, 2, 1))),
        "line 5: pulse number 3 is out of order; depression counts on, anew from 0 or 1, or back",
    ),
    "two cycles counted through": (
        "".join(f"{k} {g}\n" for k, g in enumerate((1, 2, 3, 4, 3, 2, 1, 2, 3, 3.9, 3, 2, 1))),
        "line 9: since line 7 the conductance has moved against depression",
    ),
    "two cycles, the second higher": (
        "".join(f"{k} {g}\n" for k, g in enumerate((1, 2, 3, 4, 3, 2, 1, 2, 3, 4.5, 3, 2, 1))),
        "line 6: since line 4 the conductance has moved against potentiation",
    ),
    "two cycles, each anew": (
        "".join(f"{k} {g}\n" for k, g in [*enumerate((1, 2, 3, 4)), *enumerate((3, 2, 1), 1)] * 2),
        "line 8: pulse number 0 is out of order in depression",
    ),
    "constant": ("0 2\n1 2\n2 2\n3 2\n4 2\n5 2\n", "the conductance is 2 S on every line"),
    "decimal commas": ("0;0,5\n1;0,6\n2;0,7\n", "line 1: '0,5' is not a number; decimals have a point"),
    "twice the same number": ("0 1\n1 2\n2 3\n0 3\n1 2\n1 1.5\n2 1\n", "line 6: pulse number 1 is out of order in depression"),
    "a slip": ("0 1\n1 2.5\n2 0.03\n3 4\n4 5\n0 5\n1 4\n2 3\n3 1\n", "line 3: the conductance moves against potentiation"),
    "no rise": ("0 5\n1 4.9\n2 4.8\n0 5\n1 4\n2 3\n", "does not rise in potentiation (lines 1 to 3)"),
    "negative": ("0 1\n1 -2\n2 3\n3 2\n4 1\n5 1\n", "line 2: the conductance -2 is below 0"),
    "too few": ("0 1\n1 2\n", "2 measurements"),
    "empty": ("# nothing\n", "0 measurements"),
    "four columns": ("0 1 2 3\n1 2 3 4\n", "line 1: 4 cells where 3 belong"),
    "a cell is lost": ("0 1\n1 2\n2\n3 4\n", "line 3: 1 cells where 2 belong"),
    "decimal commas between commas": ("0,2,0000\n1,3,0000\n", "line 1: '0000' is no sign; write +1 or -1, up or down, LTP or LTD; dec"),
    "a strange sign": ("0 1 up\n1 2 sideways\n", "line 2: 'sideways' is no sign"),
    "a negative pulse": ("-1 1\n1 2\n2 3\n3 2\n4 1\n5 1\n", "line 1: the pulse number -1"),
    "no turn in signs' branch": ("0 1 1\n1 2 1\n2 3 1\n0 2 -1\n1 2.5 -1\n2 2.6 -1\n", "does not fall in depression (lines 4 to 6)"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_line_that_names_the_place(case: str, tmp_path: Path) -> None:
    text, words = BAD[case]
    with pytest.raises(DataError) as caught:
        read_pulses(written(tmp_path, text))
    assert words in str(caught.value) and "\n" not in str(caught.value) and "pulses.txt" in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_pulses(tmp_path / "absent.csv")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(DataError, match="it is no text"):
        read_pulses(tmp_path / "picture.png")
    with pytest.raises(DataError, match="directory"):
        read_pulses(tmp_path)
