"""Two spirals: 194 points on two intertwined arms, three turns each; between them lie the points of the test.

Lang & Witbrock 1988; ``r = 6.5 (104 - i)/104``, ``t = i pi/16``, point (r sin t, r cos t) of class 1 and its negative of class 0, i = 0 .. 96.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.data.base import DataConfig, Splits
from bioplaus.data.fitting import check_whole

__all__ = ["SUMMARY", "Config", "TwoSpiralsConfig", "draw", "locate"]

SUMMARY = "194 points on two intertwined spirals, which train and validate, and 192 test points between them; no files needed"
NOTE = "two spirals: the training points choose the epoch as well; test points lie between them on the same arms"
RADIUS, TURNS = 6.5, 97


@dataclass
class TwoSpiralsConfig(DataConfig):
    """Settings of the two spirals."""

    name: str = "two_spirals"
    validation: float = 0.0
    """Always 0: the training points are the validation set as well."""


Config = TwoSpiralsConfig


def locate(config: TwoSpiralsConfig) -> None:
    """Refuse what a set without parts cannot have."""
    check_whole(config)


def draw(config: TwoSpiralsConfig, seeds: tuple[int, ...]) -> Splits:
    """Return points divided by 6.5 (by nothing with ``standardise=none``), the two arms taking turns; no seed changes them."""
    locate(config)
    scale = 1.0 if config.standardise == "none" else RADIUS
    (x, y), (test_x, test_y) = _arms(np.arange(TURNS), scale), _arms(np.arange(TURNS - 1) + 0.5, scale)
    index, test = np.arange(len(y)), np.arange(len(test_y))
    return Splits("two_spirals", x, y, x, y, test_x, test_y, 2, (2,), (0.0,), (scale,), index, index, test, note=NOTE)


def _arms(i: NDArray[Any], scale: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the points at positions i of both arms, and their classes."""
    r, t = RADIUS * (104 - i) / 104, i * np.pi / 16
    one = np.stack([r * np.sin(t), r * np.cos(t)], 1) / scale
    both = np.stack([one, -one], 1).reshape(-1, 2).astype(np.float32)
    return both, np.tile(np.array([1, 0], dtype=np.int64), len(i))
