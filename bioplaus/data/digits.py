"""The 8x8 handwritten digits that come with scikit-learn: 1797 images, no download.

Source: E. Alpaydin & C. Kaynak, Optical Recognition of Handwritten Digits (UCI), test part; grey values 0..16.
"""

from __future__ import annotations

import importlib.util

import numpy as np

from bioplaus.data.base import DataConfig, Raw
from bioplaus.data.splitting import TEST_STREAM, permutation
from bioplaus.errors import DataError

__all__ = ["SUMMARY", "locate", "read"]

SUMMARY = "handwritten digits 1x8x8, 10 classes, 1437 train + 360 test images; embedded, no files needed"
TEST_IMAGES = 360  # 20 % of 1797


def locate(config: DataConfig) -> None:
    """Raise DataError if scikit-learn is not installed."""
    if importlib.util.find_spec("sklearn") is None:
        raise DataError(f"data={config.name} needs scikit-learn, which is not installed: pip install scikit-learn")


def read(config: DataConfig) -> Raw:
    """Read the digits and set 20 % (360 images, drawn by ``split_seed``) aside as test set.

    They are scaled later by one mean and one standard deviation of the training pixels: scaling each pixel by
    its own would blow up border pixels, which are almost always 0.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = digits.images.astype(np.uint8)[:, None]
    labels = digits.target.astype(np.int64)
    order = permutation(config.split_seed, TEST_STREAM, len(labels))
    test, train = np.sort(order[:TEST_IMAGES]), np.sort(order[TEST_IMAGES:])
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
    )
