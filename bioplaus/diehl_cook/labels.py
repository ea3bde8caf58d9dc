"""What a neuron stands for, and what a network's response then means (Diehl & Cook 2015)."""

from __future__ import annotations

from typing import Any

import numpy as np

from bioplaus.errors import ConfigError

__all__ = ["assign_labels", "class_means", "labels_of", "predict"]

Array = np.ndarray[Any, Any]


def assign_labels(counts: Array, labels: Array, classes: int = 10) -> Array:
    """Give each neuron the class for which it fires most on average, ``argmax_c mean_{n: label_n = c} counts_nj``.

    Parameters
    ----------
    counts
        Spikes of each neuron for each image, ``[n, N]``.
    labels
        Class of each image, ``[n]``, 0..classes-1. A class without images gets no neuron.
    classes
        Number of classes, >= 1.

    Returns
    -------
    Array
        int64 ``[N]``; the lowest class of a tie, -1 for a neuron that never fired.

    Raises
    ------
    ConfigError
        Shapes that do not match, a label outside its range.

    Examples
    --------
    >>> assign_labels(np.array([[4, 0, 1], [2, 0, 5]]), np.array([1, 0]), 2).tolist()
    [1, -1, 0]
    """
    counts, labels = np.asarray(counts), np.asarray(labels)
    if counts.ndim != 2 or labels.shape != counts.shape[:1]:
        raise ConfigError(
            f"counts of shape {counts.shape} with labels of shape {labels.shape}: must be (images, neurons) and (images,)"
        )
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ConfigError(f"labels {labels.min()}..{labels.max()}: must be in 0..{classes - 1}")
    of_class = labels == np.arange(classes)[:, None]
    return labels_of(of_class.astype(np.float64) @ counts, of_class.sum(1))


def labels_of(sums: Array, images: Array) -> Array:
    """Return what `assign_labels` does, from sums over images: spikes ``[K, N]`` and numbers of images ``[K]`` of each class.

    Examples
    --------
    >>> labels_of(np.array([[6.0, 0.0], [4.0, 0.0]]), np.array([3, 1])).tolist()
    [1, -1]
    """
    means = sums / np.maximum(images, 1)[:, None]
    return np.where(means.max(0) > 0, means.argmax(0), -1)


def predict(counts: Array, assignment: Array, classes: int = 10) -> Array:
    """Return the class whose neurons fire most on average, ``argmax_c mean_{j: assignment_j = c} counts_nj``.

    Parameters
    ----------
    counts
        Spikes of each neuron for each image, ``[n, N]``.
    assignment
        Class of each neuron, ``[N]``; -1 = none.
    classes
        Number of classes, >= 1.

    Returns
    -------
    Array
        int64 ``[n]``; the lowest class of a tie. A class without neurons counts as silent.

    Raises
    ------
    ConfigError
        Shapes that do not match.

    Examples
    --------
    >>> predict(np.array([[3, 2, 2], [0, 2, 2]]), np.array([0, 0, 1]), 2).tolist()
    [0, 1]
    """
    counts, assignment = np.asarray(counts), np.asarray(assignment)
    if counts.ndim != 2 or assignment.shape != counts.shape[1:]:
        raise ConfigError(
            f"counts of shape {counts.shape} with assignment of shape {assignment.shape}: must be (images, neurons), (neurons,)"
        )
    return np.asarray(class_means(counts, assignment, classes).argmax(1))


def class_means(counts: Array, assignment: Array, classes: int) -> Array:
    """Return the mean spike count of the neurons of each class, float64 ``[n, K]``; 0 for a class without neurons."""
    members = assignment[:, None] == np.arange(classes)
    return np.asarray(counts @ members / np.maximum(members.sum(0), 1))
