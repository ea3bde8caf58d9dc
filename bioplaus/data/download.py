"""Optional download from openml.org through scikit-learn, written in the layouts that the sources read.

Used only with ``data.download=true``. Files appear whole or not at all. MNIST is checked against the checksum of
its pixels and labels, the others against their published numbers of images per class.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.data import cifar10, cifar100, fashion_mnist, mnist
from bioplaus.data.cifar import SHAPE, Layout
from bioplaus.data.idx import pack_idx
from bioplaus.data.idx_set import FILES, IdxSet
from bioplaus.errors import DataError

__all__ = ["SETS", "Remote", "fetch", "openml"]

Bytes = NDArray[np.uint8]
# training pixels, training labels, test pixels, test labels
Write = Callable[[Path, Bytes, Bytes, Bytes, Bytes], None]


@dataclass(frozen=True)
class Remote:
    """A data set at openml.org: all rows in one table, training images first.

    Attributes
    ----------
    data_id : int
        Number of the table.
    train, test : int
        Images in each part.
    classes : int
        Number of classes.
    shape : tuple of int
        Shape of one image in the written file.
    write : callable
        Writes ``(root, train_x, train_y, test_x, test_y)``.
    sha256 : tuple of two str, or None
        Checksums of pixels followed by labels, of the training and the test part. None: every class must have
        the same number of images instead.
    """

    data_id: int
    train: int
    test: int
    classes: int
    shape: tuple[int, ...]
    write: Write
    sha256: tuple[str, str] | None = None


def openml(data_id: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Fetch a table of openml.org: pixels [N, n] and labels [N], their MD5 sum checked by scikit-learn."""
    from sklearn.datasets import fetch_openml

    table = fetch_openml(data_id=data_id, as_frame=False, parser="liac-arff", cache=False)
    return table.data, table.target


def fetch(name: str, root: Path) -> None:
    """Download a data set into the data folder.

    Parameters
    ----------
    name : str
        A key of `SETS`.
    root : Path
        Data folder; made if missing.

    Raises
    ------
    DataError
        No connection, not the data that were expected, or the folder cannot be written.
    """
    remote = SETS[name]
    try:
        pixels, labels = openml(remote.data_id)
        parts = _decoded(remote, np.asarray(pixels), np.asarray(labels))
    except (OSError, HTTPException) as error:
        raise DataError(
            f"data={name}: openml.org could not be reached ({error}); go online, or put the files in {root}"
        ) from error
    except ValueError as error:
        raise DataError(f"data={name}: openml.org did not send the expected data ({error}); try again later") from error
    try:
        remote.write(root, *parts)
    except OSError as error:
        raise DataError(f"data={name}: cannot write to {root} ({error}); set data.root to a folder of yours") from error


def _decoded(remote: Remote, pixels: NDArray[Any], labels: NDArray[Any]) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    total = remote.train + remote.test
    if pixels.shape != (total, int(np.prod(remote.shape))) or labels.shape != (total,):
        raise ValueError(f"table of shape {pixels.shape}")
    if not (pixels.min() >= 0 and pixels.max() <= 255):  # false for NaN too
        raise ValueError("pixels out of range")
    x, classes = pixels.astype(np.uint8), labels.astype(np.int64)
    if (x != pixels).any() or classes.min() < 0 or classes.max() >= remote.classes:
        raise ValueError("values out of range")
    x, y = x.reshape(total, *remote.shape), classes.astype(np.uint8)
    parts = (x[: remote.train], y[: remote.train], x[remote.train :], y[remote.train :])
    for k, part in enumerate(("training", "test")):
        images, answers = parts[2 * k], parts[2 * k + 1]
        if remote.sha256 is None:
            counts = np.bincount(answers, minlength=remote.classes)
            if (counts * remote.classes != len(answers)).any():
                raise ValueError(f"unequal classes in the {part} part")
        elif hashlib.sha256(images.tobytes() + answers.tobytes()).hexdigest() != remote.sha256[k]:
            raise ValueError(f"wrong checksum of the {part} part")
    return parts


def _write_whole(path: Path, content: bytes) -> None:
    """Write so that the file is there whole or not at all, whenever the program is stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _idx_writer(files: IdxSet) -> Write:
    def write(root: Path, *arrays: Bytes) -> None:
        for name, values in zip(FILES, arrays, strict=True):
            _write_whole(root / files.folder / name, pack_idx(values))

    return write


def _record_writer(layout: Layout, marker: str | None = None) -> Write:
    def write(root: Path, train_x: Bytes, train_y: Bytes, test_x: Bytes, test_y: Bytes) -> None:
        folder = root / layout.folder
        for names, x, y in ((layout.train, train_x, train_y), (layout.test, test_x, test_y)):
            # the table has no coarse labels: 255 there, which no class has
            labels = np.full((len(y), layout.label_bytes), 255, np.uint8)
            labels[:, -1] = y
            records = np.concatenate((labels, x.reshape(len(x), -1)), axis=1)
            for name, part in zip(names, np.split(records, len(names)), strict=True):
                _write_whole(folder / name, part.tobytes())
        if marker is not None:  # last: it vouches for all files
            _write_whole(folder / marker, b"These files were written from the data set of openml.org.\n")

    return write


_GREY = (28, 28)
_MNIST_SHA256 = (
    "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b",
    "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b",
)
SETS: dict[str, Remote] = {
    "mnist": Remote(554, 60_000, 10_000, 10, _GREY, _idx_writer(mnist.FILES), _MNIST_SHA256),
    "fashion_mnist": Remote(40996, 60_000, 10_000, 10, _GREY, _idx_writer(fashion_mnist.FILES)),
    "cifar10": Remote(40927, 50_000, 10_000, 10, SHAPE, _record_writer(cifar10.LAYOUT, cifar10.EXACT_MARK)),
    "cifar100": Remote(41983, 50_000, 10_000, 100, SHAPE, _record_writer(cifar100.LAYOUT)),
}
