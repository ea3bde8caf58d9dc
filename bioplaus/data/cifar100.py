"""CIFAR-100 with its 100 fine labels (Krizhevsky 2009)."""

from __future__ import annotations

from bioplaus.data.base import DataConfig, Raw
from bioplaus.data.cifar import SHAPE, Layout

__all__ = ["SUMMARY", "locate", "read"]

SUMMARY = "photographs 3x32x32, 100 classes, 50000 train + 10000 test images; files in cifar-100-binary"
LAYOUT = Layout(
    folder="cifar-100-binary",
    train=("train.bin",),
    test=("test.bin",),
    train_records=50_000,
    test_records=10_000,
    label_bytes=2,
    classes=100,
    archive="cifar-100-binary.tar.gz",
)
MEAN = (0.50707516, 0.48654887, 0.44091784)
STD = (0.26733429, 0.25643846, 0.27615047)


def locate(config: DataConfig) -> None:
    """Raise DataError unless both files are there."""
    LAYOUT.locate(config)


def read(config: DataConfig) -> Raw:
    """Read the records; the coarse label of each is skipped."""
    (train_x, train_y), (test_x, test_y) = LAYOUT.read(config)
    return Raw(
        train_x=train_x,
        train_y=train_y,
        test_x=test_x,
        test_y=test_y,
        classes=LAYOUT.classes,
        shape=SHAPE,
        scale=255.0,
        mean=MEAN,
        std=STD,
    )
