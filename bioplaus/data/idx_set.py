"""A data set of four IDX files in one folder (MNIST, Fashion-MNIST), in the layout that torchvision uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioplaus.data.base import DataConfig, Raw, data_root
from bioplaus.data.idx import read_idx
from bioplaus.data.splitting import check_labels
from bioplaus.errors import DataError

__all__ = ["FILES", "IdxSet"]

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SIDE = 28
CLASSES = 10


@dataclass(frozen=True)
class IdxSet:
    """28x28 grey images in ``ROOT/<folder>/*-ubyte[.gz]``; an uncompressed file comes before its .gz.

    Attributes
    ----------
    folder : str
        Below the data root.
    mean, std : float
        Published standardisation of pixels in 0..1.
    """

    folder: str
    mean: float
    std: float

    def _path(self, folder: Path, file: str) -> Path | None:
        return next((p for p in (folder / file, folder / f"{file}.gz") if p.is_file()), None)

    def locate(self, config: DataConfig) -> None:
        """Raise DataError, naming the first missing file, unless all four are there."""
        root, origin = data_root(config)
        folder = root / self.folder
        for file in FILES:
            if self._path(folder, file) is None:
                raise DataError(
                    f"data={config.name}: no {file}[.gz] in {folder} (data folder from {origin});"
                    f" put {', '.join(FILES)} (plain or .gz) there, or set data.root=DIR (or BIOPLAUS_DATA)"
                    f" for DIR/{self.folder}, or data.download=true"
                )

    def read(self, config: DataConfig) -> Raw:
        """Read the four files; raise DataError, naming the file, if one is damaged."""
        self.locate(config)
        folder = data_root(config)[0] / self.folder
        train_x, train_y = self._pair(folder, FILES[0], FILES[1])
        test_x, test_y = self._pair(folder, FILES[2], FILES[3])
        return Raw(
            train_x=train_x,
            train_y=train_y,
            test_x=test_x,
            test_y=test_y,
            classes=CLASSES,
            shape=(1, SIDE, SIDE),
            scale=255.0,
            mean=(self.mean,),
            std=(self.std,),
        )

    def _pair(self, folder: Path, images: str, labels: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        image_path, label_path = self._path(folder, images), self._path(folder, labels)
        assert image_path is not None and label_path is not None  # read() has just located them
        x, y = read_idx(image_path, 3), read_idx(label_path, 1)
        if x.shape[1:] != (SIDE, SIDE):
            size = f"{x.shape[1]}x{x.shape[2]}"
            raise DataError(f"{image_path}: images are {size}, expected {SIDE}x{SIDE}; fetch it again")
        if len(x) != len(y):
            raise DataError(
                f"{image_path}: holds {len(x)} images but {label_path.name} {len(y)} labels; fetch both again"
            )
        check_labels(y, CLASSES, str(label_path))
        return x[:, None], y
