"""Parity: all patterns of n bits and whether their number of ones is odd; training, validation and test set at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bioplaus.data.base import DataConfig, Splits
from bioplaus.data.fitting import check_whole
from bioplaus.errors import ConfigError

__all__ = ["SUMMARY", "Config", "ParityConfig", "draw", "locate"]

SUMMARY = "all patterns of data.n bits (default 3) and whether their ones are odd in number: one set for all, a task of fitting; no files needed"
NOTE = "parity: the same patterns train, validate and test; the score is one of fitting"
#: 65,536 patterns
MOST = 16


@dataclass
class ParityConfig(DataConfig):
    """Settings of parity."""

    name: str = "parity"
    validation: float = 0.0
    """Always 0: the patterns are the validation set as well."""
    n: int = 3
    """Bits, 1 to 16."""


Config = ParityConfig


def locate(config: ParityConfig) -> None:
    """Refuse what all patterns of n bits cannot be.

    Raises
    ------
    ConfigError
        n is out of range; or a part for validation, a limit, or augmentation is asked for.
    """
    check_whole(config)
    if not 1 <= config.n <= MOST:
        raise ConfigError(f"data.n={config.n} must be between 1 and {MOST}")


def draw(config: ParityConfig, seeds: tuple[int, ...]) -> Splits:
    """Return the 2^n inputs of zeros and ones in counting order, the first bit the highest, with their parity; no seed changes them."""
    locate(config)
    numbers = np.arange(2**config.n)
    bits = (numbers[:, None] >> np.arange(config.n)[::-1]) & 1
    x, y = bits.astype(np.float32), (bits.sum(1) % 2).astype(np.int64)
    return Splits("parity", x, y, x, y, x, y, 2, (config.n,), (0.0,), (1.0,), numbers, numbers, numbers, note=NOTE)
