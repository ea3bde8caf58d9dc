"""Binary weights on the command line: what is printed, what scripts get, what is drawn."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from driving import command

from bioplaus import simulate
from bioplaus.answers.command import solve
from bioplaus.answers.taught import overlaps, two_tasks
from bioplaus.data.teacher import teachers
from bioplaus.pictures import Curves


def asked(*words: str) -> dict[str, Any]:
    answer = command("theory", *words, "--json")
    assert answer.code == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out, parse_constant=lambda word: pytest.fail(word))
    return found


def test_words_name_points_of_the_perceptron() -> None:
    assert asked("perceptron", "transition")["alpha"] == pytest.approx(1.244684, abs=1e-6)
    assert asked("perceptron", "spinodal")["alpha"] == pytest.approx(1.492632, abs=1e-6)
    assert asked("perceptron", "capacity")["alpha"] == pytest.approx(0.833079, abs=1e-6)
    state = asked("perceptron", "alpha=1.3", "branch=stable")
    assert (state["q"], state["q_hat"], state["error_gibbs"]) == (1.0, None, 0.0)
    assert "entropy per weight                         0.000000" in command("theory", "perceptron", "transition", "figure=false").out


def test_a_scan_of_the_perceptron_keeps_points_beyond_the_end_as_nulls() -> None:
    found = asked("perceptron", "scan=alpha", "from=1.4", "to=1.6", "points=3")
    assert [point["q"] is None for point in found["points"]] == [False, True, True]


def test_two_tasks() -> None:
    found = asked("continual", "alpha1=2", "alpha2=1", "r0=0.5", "gamma=1")
    assert (found["error_1"], found["error_2"]) == pytest.approx((0.1131, 0.3129), abs=1.2e-3)
    assert found["first_task"]["branch"] == "good" and found["first_task"]["error"] == pytest.approx(0.0013275, abs=1e-6)
    assert found["second_task_alone"]["error"] == pytest.approx(0.28276, abs=1e-5)


def test_the_figure_leaves_a_gap_where_the_state_jumps() -> None:
    picture = solve("continual", {"alpha1": 2.0, "alpha2": 4.0, "r0": 0.5, "gamma": 1.0}).pictures[0]
    assert isinstance(picture, Curves)
    for series in picture.panels[0].series:
        assert sum(math.isnan(value) for value in series.y) == 1


def test_networks_learn_beside_two_tasks() -> None:
    keys = {"alpha1": 1.0, "alpha2": 0.5, "r0": 0.5, "gamma": 1.0, "N": 31, "seeds": 3, "epochs": 30, "lr": 0.02}
    answer = solve("continual", keys)
    found = answer.values["simulation"]
    assert (found["N"], found["seeds"], found["epochs"], len(found["p_1"]["values"])) == (31, 3, 30, 3)
    for k in "12":
        assert found[f"error_{k}"]["values"] == pytest.approx([math.acos(p) / math.pi for p in found[f"p_{k}"]["values"]])
    assert "learned, N=31, 3 seeds" in answer.text
    labels = [series.label for series in answer.pictures[0].panels[0].series]  # type: ignore[union-attr]
    assert labels == ["first task", "second task", "learned, N=31", "learned, N=31"]
    assert asked("continual", "alpha2=0.5")["simulation"] is None


def test_overlaps_are_those_of_signs_with_the_teachers_of_each_seed() -> None:
    """Fields put by hand: those of the second teacher, but for one weight, whose sign is that of a tie (+1)."""
    settings = two_tasks(21, 1.0, 1.0, 0.2, 1.0, epochs=1, seeds=2)
    result = simulate({**settings, "run.save": False})
    pack = result.simulator.packs[0]
    expected = []
    for r, seed in enumerate(pack.model.seeds):
        B = teachers(result.simulator.settings.data, seed, 2)
        field = 0.3 * B[1]
        field[4] = 0.0
        pack.world.params["forward/0/weight"][r, 0] = torch.from_numpy(field)
        pack.world.state["prior/forward/0/weight"][r, 0] = 0.5
        signs = B[1].copy()
        signs[4] = 1
        expected.append(([float((signs * one).sum()) / 21 for one in B], math.tanh(0.5) ** 2))
    for (p, Q), (wanted, square) in zip(overlaps(result), expected):
        assert p == pytest.approx(wanted, abs=1e-6) and pytest.approx(square, abs=1e-6) == Q
