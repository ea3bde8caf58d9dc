"""Labels and predictions on tables that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bioplaus.diehl_cook.labels import assign_labels, predict
from bioplaus.errors import ConfigError

COUNTS = np.array([[6, 0, 1, 0], [0, 0, 1, 0], [2, 3, 1, 0], [2, 0, 1, 0]])
LABELS = np.array([0, 0, 0, 2])


def test_labels_are_of_the_highest_mean_not_sum() -> None:
    # means: class 0 (8/3, 1, 1, 0), class 2 (2, 0, 1, 0); class 1 has no images; neuron 2 ties, neuron 3 is silent
    assert assign_labels(COUNTS, LABELS, 3).tolist() == [0, 0, 0, -1]
    assert assign_labels(COUNTS[[1, 2, 3]], LABELS[[1, 2, 3]], 3).tolist() == [2, 0, 0, -1]


def test_predictions_are_of_the_highest_mean_per_group() -> None:
    # class 0 has three neurons, class 2 one, class 1 none, the last neuron counts nowhere
    assignment = np.array([0, 0, 0, 2, -1])
    counts = np.array([[3, 3, 0, 3, 9], [5, 5, 0, 3, 9], [0, 0, 0, 0, 9], [1, 1, 1, 1, 0]])
    assert predict(counts, assignment, 3).tolist() == [2, 0, 0, 0]


def test_shapes_and_ranges() -> None:
    with pytest.raises(ConfigError, match="counts of shape"):
        assign_labels(COUNTS, LABELS[:3])
    with pytest.raises(ConfigError, match=r"labels 0..2: must be in 0..1"):
        assign_labels(COUNTS, LABELS, 2)
    with pytest.raises(ConfigError, match="assignment of shape"):
        predict(COUNTS, LABELS[:3])
