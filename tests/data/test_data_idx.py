"""MNIST and Fashion-MNIST from small IDX files, whole and damaged."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bioplaus import data
from bioplaus.data import DataConfig
from bioplaus.data.idx import pack_idx, read_idx
from bioplaus.errors import DataError

Writer = Callable[..., tuple[np.ndarray, ...]]
CASES = [("mnist", "MNIST/raw", 0.1307, 0.3081), ("fashion_mnist", "FashionMNIST/raw", 0.2860, 0.3530)]


def idx_bytes(values: np.ndarray) -> bytes:
    """IDX file spelled out byte by byte from the format's description."""
    out = bytearray([0, 0, 8, values.ndim])
    for length in values.shape:
        out += int(length).to_bytes(4, "big")
    return bytes(out) + bytes(int(v) for v in values.ravel())


@pytest.fixture
def write_idx_set(tmp_path: Path) -> Callable[..., tuple[np.ndarray, ...]]:
    """Write four small IDX files under tmp_path/<folder>; returns train_x, train_y, test_x, test_y."""

    def write(
        folder: str = "MNIST/raw", train: int = 20, test: int = 7, compress: bool = False
    ) -> tuple[np.ndarray, ...]:
        draw = np.random.default_rng(3)
        arrays = []
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for prefix, count in (("train", train), ("t10k", test)):
            x = draw.integers(0, 256, (count, 28, 28), dtype=np.uint8)
            y = draw.integers(0, 10, count, dtype=np.uint8)
            for kind, values in (("images-idx3", x), ("labels-idx1", y)):
                content, path = idx_bytes(values), tmp_path / folder / f"{prefix}-{kind}-ubyte"
                if compress:
                    path, content = path.with_name(path.name + ".gz"), gzip.compress(content)
                path.write_bytes(content)
            arrays += [x, y]
        return tuple(arrays)

    return write


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(("name", "folder", "mean", "std"), CASES)
def test_load_gives_the_written_images_as_published(
    name: str, folder: str, mean: float, std: float, compress: bool, write_idx_set: Writer, tmp_path: Path
) -> None:
    train_x, train_y, test_x, test_y = write_idx_set(folder, compress=compress)
    config = DataConfig(name=name, root=str(tmp_path))
    data.locate(config)
    splits = data.load(config)
    assert splits.shape == (1, 28, 28) and splits.classes == 10 and splits.note == ""
    assert splits.mean == (mean,) and splits.std == (std,)
    assert len(splits.train_y) == 18 and len(splits.validation_y) == 2
    for x, y, source_x, source_y in (
        (splits.train_x, splits.train_y, train_x[splits.train_index], train_y[splits.train_index]),
        (splits.validation_x, splits.validation_y, train_x[splits.validation_index], train_y[splits.validation_index]),
        (splits.test_x, splits.test_y, test_x, test_y),
    ):
        np.testing.assert_allclose(x[:, 0], (source_x / 255 - mean) / std, atol=1e-6)
        assert (y == source_y).all()


def test_unscaled_pixels_lie_in_0_to_1(write_idx_set: Writer, tmp_path: Path) -> None:
    train_x, *_ = write_idx_set()
    splits = data.load(DataConfig(name="mnist", root=str(tmp_path), standardise="none", validation=0))
    assert (splits.train_x[:, 0] == train_x.astype(np.float32) / np.float32(255)).all()


def test_data_are_found_through_the_environment(
    write_idx_set: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_idx_set()
    monkeypatch.setenv("BIOPLAUS_DATA", str(tmp_path))
    assert len(data.load(DataConfig(name="mnist")).test_y) == 7


@pytest.mark.parametrize("missing", ["train-images-idx3", "t10k-labels-idx1"])
def test_a_missing_file_is_named_with_the_place_and_the_remedy(
    missing: str, write_idx_set: Writer, tmp_path: Path
) -> None:
    write_idx_set()
    (tmp_path / "MNIST/raw" / f"{missing}-ubyte").unlink()
    for call in (data.locate, data.load):
        with pytest.raises(DataError) as caught:
            call(DataConfig(name="mnist", root=str(tmp_path)))
        message = str(caught.value)
        assert f"no {missing}-ubyte[.gz] in {tmp_path / 'MNIST/raw'}" in message and "\n" not in message
        assert "from data.root" in message and "data.download=true" in message and "BIOPLAUS_DATA" in message


def test_locate_reads_no_arrays(write_idx_set: Writer, tmp_path: Path) -> None:
    write_idx_set()
    for path in (tmp_path / "MNIST/raw").iterdir():
        path.write_bytes(b"junk")
    data.locate(DataConfig(name="mnist", root=str(tmp_path)))
    with pytest.raises(DataError):
        data.load(DataConfig(name="mnist", root=str(tmp_path)))


VALUES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
GOOD = idx_bytes(VALUES)


def test_the_reader_and_the_packer_follow_the_format(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(GOOD)
    assert (read_idx(path, 3) == VALUES).all()
    assert pack_idx(VALUES) == GOOD
    assert pack_idx(VALUES[:, ::2]) == idx_bytes(VALUES[:, ::2])  # not contiguous


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 15, 16, 17, len(GOOD) - 1])
def test_a_shortened_file_is_refused(length: int, compress: bool, tmp_path: Path) -> None:
    path = tmp_path / ("file.gz" if compress else "file")
    path.write_bytes(gzip.compress(GOOD[:length]) if compress else GOOD[:length])
    with pytest.raises(DataError, match=f"{re.escape(str(path))}: .*fetch it again"):
        read_idx(path, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD + b"\0", "trailing bytes"),
        (b"\1" + GOOD[1:], "not an IDX file"),
        (GOOD[:2] + b"\x0d" + GOOD[3:], "not an IDX file of bytes"),  # 0x0d: floats
        (GOOD[:3] + b"\1" + GOOD[4:], "1 axes where 3"),
        (GOOD[:4] + b"\xff\xff\xff\xff" + GOOD[8:], "truncated"),
        (GOOD[:4] + b"\0\0\0\1" + GOOD[8:], "trailing bytes"),
        (gzip.compress(GOOD, mtime=0), "not an IDX file"),  # the .gz was lost from the name
    ],
)
def test_a_wrong_file_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{re.escape(str(path))}: .*{message}.*fetch it again"):
        read_idx(path, 3)


PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    "content",
    [
        *(PACKED[:n] for n in (1, 5, 10, len(PACKED) // 2, len(PACKED) - 8, len(PACKED) - 1)),
        PACKED[:-8] + bytes([PACKED[-8] ^ 1]) + PACKED[-7:],  # check sum
        PACKED[:-4] + bytes([PACKED[-4] ^ 1]) + PACKED[-3:],  # length
        PACKED[:10] + b"\xff" * 4 + PACKED[14:],  # compressed data
        PACKED + b"more",
        GOOD,
    ],
)
def test_a_damaged_gzip_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{re.escape(str(path))}: cannot be read .*fetch it again"):
        read_idx(path, 3)


def test_an_unreadable_path_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path, 1)


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        ("train-labels-idx1", np.full(20, 10), "train-labels.*label 10 is out of range 0..9"),
        ("t10k-labels-idx1", np.full(6, 1), "holds 7 images but t10k-labels-idx1-ubyte 6 labels"),
        ("t10k-images-idx3", np.zeros((7, 27, 28)), "t10k-images.*27x28, expected 28x28"),
        ("train-images-idx3", np.zeros(20), "1 axes where 3"),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused(
    file: str, values: np.ndarray, message: str, write_idx_set: Writer, tmp_path: Path
) -> None:
    write_idx_set()
    (tmp_path / "MNIST/raw" / f"{file}-ubyte").write_bytes(idx_bytes(values))
    with pytest.raises(DataError, match=message):
        data.load(DataConfig(name="mnist", root=str(tmp_path)))


def test_a_set_without_images_is_refused(write_idx_set: Writer, tmp_path: Path) -> None:
    write_idx_set(test=0)
    with pytest.raises(DataError, match=r"t10k-labels.*holds no images"):
        data.load(DataConfig(name="mnist", root=str(tmp_path)))
