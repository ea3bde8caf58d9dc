"""Facts about the published MNIST files; only where BIOPLAUS_DATA points at them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from bioplaus import data
from bioplaus.data import DataConfig, download
from bioplaus.data.idx import read_idx

ROOT = Path(os.environ.get("BIOPLAUS_DATA") or "/nonexistent")
RAW = ROOT / "MNIST" / "raw"
# published MD5 sums of the uncompressed files
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason="BIOPLAUS_DATA does not point at a folder with MNIST/raw")


def test_mnist_sizes_counts_and_standardisation() -> None:
    splits = data.load(DataConfig(name="mnist", root=str(ROOT)))
    assert [len(y) for y in (splits.train_y, splits.validation_y, splits.test_y)] == [54_000, 6_000, 10_000]
    assert splits.train_x.shape == (54_000, 1, 28, 28) and splits.train_x.flags.c_contiguous
    assert np.bincount(splits.test_y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    both = np.bincount(np.concatenate((splits.train_y, splits.validation_y)))
    assert both.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    in_order = np.empty(60_000, np.int64)
    in_order[splits.train_index], in_order[splits.validation_index] = splits.train_y, splits.validation_y
    assert in_order[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    # the constants were measured on the training set: nearly 0 and 1 on a 90 % sample
    assert abs(splits.train_x.mean(dtype=np.float64)) < 2e-3 and abs(splits.train_x.std(dtype=np.float64) - 1) < 2e-3


def test_downloaded_mnist_would_be_the_published_files_byte_by_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str) -> Path:
        return RAW / name if (RAW / name).is_file() else RAW / f"{name}.gz"

    names = list(MD5)
    pixels = np.concatenate([read_idx(find(names[k]), 3).reshape(-1, 784) for k in (0, 2)])
    labels = np.concatenate([read_idx(find(names[k]), 1) for k in (1, 3)])
    monkeypatch.setattr(download, "openml", lambda data_id: (pixels, labels.astype(str)))
    download.fetch("mnist", tmp_path)
    for name, md5 in MD5.items():
        assert hashlib.md5((tmp_path / "MNIST/raw" / name).read_bytes()).hexdigest() == md5
