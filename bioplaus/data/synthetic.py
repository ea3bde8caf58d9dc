"""A small classification task made by a random teacher network; drawn in milliseconds, no files."""

from __future__ import annotations

import numpy as np

from bioplaus.data.base import DataConfig, Raw

__all__ = ["SUMMARY", "locate", "read"]

SUMMARY = "random tanh teacher on 20 Gaussian inputs, 4 classes, 4000 train + 2000 test rows; no files needed"
SEED, ROWS, TRAIN, INPUTS, HIDDEN, CLASSES = 12345, 6000, 4000, 20, 8, 4


def locate(config: DataConfig) -> None:
    """Return: nothing is read from disk."""


def read(config: DataConfig) -> Raw:
    """Draw the task: ``y = argmax(tanh(2 X B^T / sqrt(20)) A^T)`` row by row.

    ``X [6000, 20]``, ``B [8, 20]`` and ``A [4, 8]`` are standard normal, drawn in this order from
    ``numpy.random.default_rng(12345)`` and cast to float32. No seed and no ``standardise`` changes them. Rows
    0..3999 train (validation comes out of them), the rest tests. The two largest scores of a row differ by at
    least 9e-5, so rounding cannot change a label.
    """
    draw = np.random.default_rng(SEED)
    shapes = ((ROWS, INPUTS), (HIDDEN, INPUTS), (CLASSES, HIDDEN))
    x, hidden, out = (draw.standard_normal(shape).astype(np.float32) for shape in shapes)
    scores = np.tanh(2 * (x @ hidden.T) / np.float32(np.sqrt(INPUTS))) @ out.T
    y = scores.argmax(axis=1)
    return Raw(
        train_x=x[:TRAIN],
        train_y=y[:TRAIN],
        test_x=x[TRAIN:],
        test_y=y[TRAIN:],
        classes=CLASSES,
        shape=(INPUTS,),
        mean=(0.0,),
        std=(1.0,),
        test_index=np.arange(TRAIN, ROWS),
    )
