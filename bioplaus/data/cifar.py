"""The binary record files of CIFAR-10 and CIFAR-100.

Source: Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html ("binary version"). One record is 1 label
byte (CIFAR-10) or 2 (CIFAR-100: coarse, fine), then 3072 bytes of pixels: red, green, blue plane, row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioplaus.data.base import DataConfig, data_root
from bioplaus.data.splitting import check_labels
from bioplaus.errors import DataError

__all__ = ["PIXELS", "SHAPE", "Layout"]

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32

Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class Layout:
    """Files of one set: ``ROOT/<folder>/<file>``.

    Attributes
    ----------
    folder : str
        Below the data root.
    train, test : tuple of str
        File names, in the order of the images.
    train_records, test_records : int
        Records in each file of the part.
    label_bytes : int
        Label bytes before the pixels; the last one is the class.
    classes : int
        Number of classes.
    archive : str
        Published archive that unpacks to `folder`, for messages.
    """

    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    train_records: int
    test_records: int
    label_bytes: int
    classes: int
    archive: str

    def locate(self, config: DataConfig, hint: str = "") -> None:
        """Raise DataError if a file is missing or has not the size of its records.

        Parameters
        ----------
        config : DataConfig
        hint : str
            A better way to get the files than the usual ones, if the caller knows one.
        """
        root, origin = data_root(config)
        folder = root / self.folder
        usual = (
            f"unpack {self.archive} (https://www.cs.toronto.edu/~kriz/cifar.html) in the data folder,"
            f" or set data.root=DIR (or BIOPLAUS_DATA) for DIR/{self.folder}, or data.download=true"
        )
        for files, records in ((self.train, self.train_records), (self.test, self.test_records)):
            for file in files:
                path = folder / file
                if not path.is_file():
                    raise DataError(
                        f"data={config.name}: no {file} in {folder} (data folder from {origin}); {hint or usual}"
                    )
                self._check_size(path, path.stat().st_size, records)

    def read(self, config: DataConfig) -> tuple[Part, Part]:
        """Read all files.

        Returns
        -------
        (train_x, train_y), (test_x, test_y)
            Pixels uint8 [N, 3, 32, 32] and labels uint8 [N].

        Raises
        ------
        DataError
            A file is missing, truncated or corrupt.
        """
        folder = data_root(config)[0] / self.folder
        train = self._part(folder, self.train, self.train_records)
        return train, self._part(folder, self.test, self.test_records)

    def _check_size(self, path: Path, size: int, records: int) -> None:
        record = self.label_bytes + PIXELS
        if size != records * record:
            raise DataError(
                f"{path}: has {size} bytes, expected {records * record} ({records} records of {record});"
                " it is truncated or corrupt, fetch it again"
            )

    def _part(self, folder: Path, files: tuple[str, ...], records: int) -> Part:
        x = np.empty((len(files) * records, PIXELS), np.uint8)
        y = np.empty(len(files) * records, np.uint8)
        for k, file in enumerate(files):
            path = folder / file
            try:
                content = np.fromfile(path, np.uint8)
            except OSError as error:
                raise DataError(f"{path}: cannot be read ({error.strerror}); fetch it again") from error
            self._check_size(path, content.size, records)
            rows = slice(k * records, (k + 1) * records)
            content = content.reshape(records, -1)
            x[rows], y[rows] = content[:, self.label_bytes :], content[:, self.label_bytes - 1]
            check_labels(y[rows], self.classes, str(path))
        return x.reshape(-1, *SHAPE), y
