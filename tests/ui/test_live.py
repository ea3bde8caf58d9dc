"""Runs that are shown while they go on: the numbers are those of `simulate`, and every epoch is shown."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from bioplaus import simulate
from bioplaus.errors import BioplausError, ConfigError, RunError
from bioplaus.ui import live, recall


def _controls(rule: str, **changed: Any) -> dict[str, Any]:
    return live.settings_of(rule, "digits", **{"depth": 1, "width": 8, "neuron": "", "rate": 0.5, "epochs": 3, "seeds": 2} | changed)


def test_a_watched_run_equals_one_that_nobody_watches() -> None:
    seen: list[live.Snapshot] = []
    wanted = _controls("ccl")
    summary = live.train(wanted, seen.append, every=0.0)
    plain = simulate(wanted)
    assert summary["test_accuracy"] == plain.summary["test_accuracy"]
    assert [shot.epoch for shot in seen] == [1, 2, 3, 3]
    assert all(a.table.num_rows < b.table.num_rows for a, b in itertools.pairwise(seen[:3]))
    assert seen[-1].weights.shape == (8, 1, 8, 8) and not np.array_equal(seen[0].weights, seen[-1].weights)
    assert len(live.figures(seen[-1])) >= 3


def test_controls_become_settings() -> None:
    chosen = _controls("fa", rate=0.25, neuron="tanh", depth=2)
    assert chosen["network.hidden"] == [8, 8] and chosen["neuron"] == "tanh" and chosen["run.save"] is False
    assert chosen["rule.lr"] == pytest.approx(0.25 * 0.4)  # the recipe's rate of fa on digits is 0.4
    assert "network.hidden" not in _controls("fa", depth=0)


def test_rules_to_play_with_are_those_of_the_perceptron() -> None:
    names = live.rules_to_play_with()
    assert {"bp", "ccl", "fa", "surrogate"} <= set(names) and not {"multitasking", "cascor", "stdp", "han"} & set(names)


def test_a_run_that_cannot_be_says_so() -> None:
    with pytest.raises(BioplausError, match="n_epochs_to_switch"):
        live.train(_controls("perforated"), lambda shot: None)


def test_recall_lies_beside_theory_and_in_the_diagram() -> None:
    wanted = recall.settings_of("random patterns", K=2, d=0.5, T=0.05, N=1000, start="hierarchical", seed=0)
    text, figures = recall.recalled(wanted)
    assert "N=1000, K=2, d=0.5, T=0.05" in text and len(figures) == 1
    axes = recall.diagram(2, 0.5, 0.05).axes[0]
    assert [0.5] in [list(line.get_xdata()) for line in axes.lines]
    assert "data.N" not in recall.settings_of("digits", K=2, d=0.5, T=0.0, N=1000, start="parallel", seed=0)


def test_ports_that_cannot_be_used_get_one_line() -> None:
    import socket

    from bioplaus.ui.serve import HOST, serve

    with pytest.raises(ConfigError, match="port=70000"):
        serve(70000)
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        with pytest.raises(RunError, match="cannot be used"):
            serve(other.getsockname()[1])
