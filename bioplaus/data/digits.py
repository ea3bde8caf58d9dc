"""The 8x8 handwritten digits that come with scikit-learn: 1797 images, no download.

Source: E. Alpaydin & C. Kaynak, Optical Recognition of Handwritten Digits (UCI), test part; grey values 0..16.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioplaus.data.base import DataConfig, Raw
from bioplaus.data.splitting import TEST_STREAM, permutation
from bioplaus.errors import ConfigError, DataError

__all__ = ["SUMMARY", "Config", "DigitsConfig", "locate", "read"]

SUMMARY = "handwritten digits 1x8x8, 10 classes, 1437 train + 360 test images; embedded, no files needed"
TEST_IMAGES = 360  # 20 % of 1797
#: training and validation images of the fixed split, in the order of a permutation
FIXED = "1000_397_400"
FIXED_TRAIN, FIXED_VALIDATION = 1000, 397


@dataclass
class DigitsConfig(DataConfig):
    """Settings of the digits."""

    split: str = "random"
    """random (by split_seed and validation) | 1000_397_400 (train, validation, test in the order of numpy's RandomState(0).permutation)."""


Config = DigitsConfig


def locate(config: DataConfig) -> None:
    """Raise DataError if scikit-learn is not installed, and ConfigError for an unknown split."""
    if _split_of(config) not in ("random", FIXED):
        raise ConfigError(f"data.split={_split_of(config)} is not known; choose random or {FIXED}")
    if importlib.util.find_spec("sklearn") is None:
        raise DataError(f"data={config.name} needs scikit-learn, which is not installed: pip install scikit-learn")


def read(config: DataConfig) -> Raw:
    """Read the digits and set 20 % (360 images, drawn by ``split_seed``) aside as test set.

    They are scaled later by one mean and one standard deviation of the training pixels: scaling each pixel by
    its own would blow up border pixels, which are almost always 0.
    """
    pixels, labels = _images()
    if _split_of(config) == FIXED:
        order = np.random.RandomState(0).permutation(len(labels))
        train, validation, test = (np.sort(part) for part in np.split(order, [FIXED_TRAIN, FIXED_TRAIN + FIXED_VALIDATION]))
        train, kept = np.concatenate([validation, train]), len(validation)
    else:
        order = permutation(config.split_seed, TEST_STREAM, len(labels))
        test, train = np.sort(order[:TEST_IMAGES]), np.sort(order[TEST_IMAGES:])
        kept = 0
    return Raw(
        train_x=pixels[train],
        train_y=labels[train],
        test_x=pixels[test],
        test_y=labels[test],
        classes=10,
        shape=(1, 8, 8),
        scale=16.0,
        train_index=train,
        test_index=test,
        validation=kept,
    )


def _split_of(config: DataConfig) -> str:
    """Return the split that is asked for; settings of any source may ask where the digits are."""
    return getattr(config, "split", "random")


def _images() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return pixels ``[1797, 1, 8, 8]`` in 0..16 and labels, from the file itself: importing scikit-learn for it takes two seconds."""
    spec = importlib.util.find_spec("sklearn")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            table = np.loadtxt(file, delimiter=",", dtype=np.int64)
            return table[:, :-1].astype(np.uint8).reshape(-1, 1, 8, 8), table[:, -1]
    from sklearn.datasets import load_digits  # a version that keeps it elsewhere

    digits = load_digits()
    return digits.images.astype(np.uint8)[:, None], digits.target.astype(np.int64)
