"""Overlap of signs with teachers, counted by hand; and the course that a run records."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from driving import command

from bioplaus import simulate
from bioplaus.data.teacher import teachers
from bioplaus.probes.overlap import overlap


def test_signs_are_counted_and_a_zero_is_positive() -> None:
    weight = torch.tensor([[[0.2, -3.0, 0.0, 1e-9]], [[-1.0, -1.0, 1.0, -0.0]]])
    B = torch.tensor([[[1.0, 1, 1, 1], [-1, -1, 1, 1]], [[-1.0, -1, 1, 1], [1, 1, -1, -1]]])
    assert overlap(weight, B).tolist() == [[0.5, 0.5], [1.0, -1.0]]


def test_a_run_records_both_teachers_of_every_seed() -> None:
    """The last look is that of the weights at the end."""
    keys = {"rule": "vcl_binary", "data": "teacher", "network": "perceptron", "data.N": 31, "data.checked": 20, "tasks": 2, "epochs": 4}
    result = simulate({**keys, "seeds": 3, "probes": ["overlap"], "run.save": False, "data.r0": 0.4, "run.pack": "2"})
    found = [row for row in result.simulator.recorder.rows if row[4] == "overlap" and row[0] == 8]
    weights = result.parameters()["forward/0/weight"][:, 0]
    for seed in range(3):
        B = teachers(result.simulator.settings.data, seed, 2)  # type: ignore[arg-type]
        expected = [float((np.where(weights[seed] < 0, -1, 1) * one).mean()) for one in B]
        assert [row[6] for row in found if row[2] == seed] == pytest.approx(expected, abs=1e-7)
        assert [row[5] for row in found if row[2] == seed] == [0, 1]


def test_without_a_teacher_it_is_refused_in_one_line() -> None:
    answer = command("simulate", "rule=bp", "data=digits", "probes=[overlap]")
    assert answer.code == 2 and "data=teacher" in answer.err and answer.err.count("\n") == 1
