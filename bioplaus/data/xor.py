"""XOR: four patterns of two bits, which are training, validation and test set at once. To learn them is to fit them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bioplaus.data.base import DataConfig, Splits
from bioplaus.data.fitting import check_whole

__all__ = ["SUMMARY", "Config", "XorConfig", "draw", "locate"]

SUMMARY = "the four patterns of two bits and whether they differ: training, validation and test set at once, a task of fitting; no files needed"
NOTE = "XOR: the same four patterns train, validate and test; the score is one of fitting"


@dataclass
class XorConfig(DataConfig):
    """Settings of XOR."""

    name: str = "xor"
    validation: float = 0.0
    """Always 0: the four patterns are the validation set as well."""


Config = XorConfig


def locate(config: XorConfig) -> None:
    """Refuse what four patterns cannot have.

    Raises
    ------
    ConfigError
        A part for validation, a limit, or augmentation is asked for.
    """
    check_whole(config)


def draw(config: XorConfig, seeds: tuple[int, ...]) -> Splits:
    """Return inputs (0,0), (0,1), (1,0), (1,1) with labels 0, 1, 1, 0, three times over; no seed changes them."""
    locate(config)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    y, index = np.array([0, 1, 1, 0], dtype=np.int64), np.arange(4)
    return Splits("xor", x, y, x, y, x, y, 2, (2,), (0.0,), (1.0,), index, index, index, note=NOTE)
