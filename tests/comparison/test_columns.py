"""Columns of a row, from measurements made by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from bioplaus.comparison.columns import audit_card, epochs_to_share, measured, start_and_end
from bioplaus.recorder import Recorder


def recorded() -> Recorder:
    """Two seeds, four epochs; angles of two layers, the first one undefined, and one seed without a last look."""
    found = Recorder()
    for epoch, values in enumerate([(0.1, 0.1), (0.5, 0.94), (0.95, 0.96), (0.9, 0.99), (1.0, 0.97)]):
        found.add(epoch, 10 * epoch, (3, 4), "validation", {"accuracy": torch.tensor(values, dtype=torch.float64)})
    nan = math.nan
    found.add(0, 0, (3, 4), "probe", {"angle_to_bp": torch.tensor([[nan, 90.0], [nan, 80.0]])})
    found.add(4, 40, (3, 4), "probe", {"angle_to_bp": torch.tensor([[nan, 30.0], [nan, nan]])})
    return found


SUMMARY: dict[str, Any] = {
    "validation_accuracy": {"values": [1.0, 0.99]}, "seeds": [3, 4], "seconds": {"training_per_epoch": 3.0},
    "flops_per_sample": 1e6, "parameters": 7, "selected_epoch": [4, 3], "stopped_at": None,
}  # fmt: skip


def test_epochs_to_95_percent_of_what_the_tested_weights_reach() -> None:
    # 0.95 of 1.0 is first met at epoch 2; 0.95 of 0.99 is 0.9405, met at epoch 2 and not yet by 0.94
    assert epochs_to_share(SUMMARY, recorded().table()) == [2.0, 2.0]
    lost = {**SUMMARY, "validation_accuracy": {"values": [None, 0.98]}}
    assert epochs_to_share(lost, recorded().table()) == [None, 1.0]
    assert epochs_to_share({**SUMMARY, "validation_accuracy": None}, recorded().table()) == [None, None]


def test_angles_at_start_and_end_are_means_over_the_seeds_that_have_one() -> None:
    assert start_and_end(recorded().table(), "angle_to_bp") == ([None, 85.0], [None, 30.0])
    assert start_and_end(recorded().table(), "feedback_cosine") == ([], [])


def test_seconds_are_of_one_network() -> None:
    found = measured(SUMMARY, recorded().table())
    assert (found["seconds_per_epoch"], found["epochs_to_95"], found["seconds_to_95"]) == (1.5, 2.0, 3.0)
    assert found["angle_to_bp"] == [None, pytest.approx(30.0)] and found["feedback_cosine"] == []


def test_untrained_weights_were_never_reached() -> None:
    """No time of a row is a mean over its other seeds alone; a seed that stopped has no weights to speak of."""
    found = measured({**SUMMARY, "selected_epoch": [0, 3]}, recorded().table())
    assert found["epochs_to_95_values"] == [None, 2.0] and found["epochs_to_95"] is None and found["seconds_to_95"] is None
    stopped = {**SUMMARY, "selected_epoch": [0, 3], "stopped_at": [12, None], "validation_accuracy": {"values": [None, 0.99]}}
    assert measured(stopped, recorded().table())["epochs_to_95"] == 2.0


@pytest.mark.parametrize("rule", ["bidirectional", "han"])
def test_a_rule_that_generates_pixels_is_audited_on_pixels(rule: str) -> None:
    """Its errors come down through the transposed forward weights (Pontes-Filho & Liwicki 2018); on drawn numbers it could not run at all."""
    found = audit_card({"rule": rule, "network": "mlp", "data.standardise": "none"})
    assert found["card"] is not None and found["card"]["weight_transport"], found["short"]
