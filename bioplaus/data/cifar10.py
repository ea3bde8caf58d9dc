"""CIFAR-10 (Krizhevsky 2009), and the mark that a lossy copy of it must carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioplaus.data.base import DataConfig, Raw, data_root
from bioplaus.data.cifar import SHAPE, Layout

__all__ = ["SUMMARY", "locate", "read"]

SUMMARY = "photographs 3x32x32, 10 classes, 50000 train + 10000 test images; files in cifar-10-batches-bin"
LAYOUT = Layout(
    folder="cifar-10-batches-bin",
    train=tuple(f"data_batch_{k}.bin" for k in range(1, 6)),
    test=("test_batch.bin",),
    train_records=10_000,
    test_records=10_000,
    label_bytes=1,
    classes=10,
    archive="cifar-10-binary.tar.gz",
)
MEAN = (0.49139968, 0.48215841, 0.44653091)
STD = (0.24703223, 0.24348513, 0.26158784)
JPEG_FILE, JPEG_MARK, EXACT_MARK = "cifar10_jpeg.bin", "JPEG", "OPENML"


def locate(config: DataConfig) -> None:
    """Raise DataError unless the six files are there; knows what to do with a JPEG copy of the set."""
    root, _ = data_root(config)
    hint = ""
    if (root / JPEG_FILE).is_file() and not (root / LAYOUT.folder).is_dir():
        hint = (
            f"{root / JPEG_FILE} holds the images as JPEG: run `python {root / 'unpack_cifar10.py'} DEST`"
            " and give data.root=DEST"
        )
    LAYOUT.locate(config, hint)


def read(config: DataConfig) -> Raw:
    """Read the records; `Raw.note` is "CIFAR-10 (JPEG)" if they come from a JPEG copy."""
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
        note="CIFAR-10 (JPEG)" if _is_jpeg(data_root(config)[0], test_y) else "",
    )


def _is_jpeg(root: Path, test_y: NDArray[np.uint8]) -> bool:
    """Whether the files were decoded from lossy images.

    Signs: a file JPEG beside the records, the JPEG file in or next to the data root, or test labels in
    ascending order, as its decoder writes them (the published test set is shuffled). A downloaded copy carries
    a file that says it is none.
    """
    folder = root / LAYOUT.folder
    if (folder / JPEG_MARK).exists():
        return True
    if (folder / EXACT_MARK).exists():
        return False
    beside = any((place / JPEG_FILE).is_file() for place in (root, root.absolute().parent))
    return beside or bool((test_y[1:] >= test_y[:-1]).all())
