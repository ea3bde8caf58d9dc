"""CIFAR-10 and CIFAR-100 from record files of three images each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bioplaus import data
from bioplaus.data import DataConfig, cifar10, cifar100
from bioplaus.errors import ConfigError, DataError

TEN_FILES = [f"data_batch_{k}.bin" for k in range(1, 6)] + ["test_batch.bin"]


def pixel(image: int, channel: int, row: int, column: int) -> int:
    """A byte that depends on all four indices."""
    return (7 * image + 50 * channel + 3 * row + column) % 256


def record(image: int, *labels: int) -> bytes:
    planes = (pixel(image, c, i, j) for c in range(3) for i in range(32) for j in range(32))
    return bytes(labels) + bytes(planes)


@pytest.fixture
def ten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Root with 15 training and 3 test images; image k has label k mod 10, test images 2, 0, 1."""
    monkeypatch.setattr(cifar10, "LAYOUT", replace(cifar10.LAYOUT, train_records=3, test_records=3))
    root = tmp_path / "data"
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for k in range(5):
        (folder / TEN_FILES[k]).write_bytes(b"".join(record(i, i % 10) for i in range(3 * k, 3 * k + 3)))
    (folder / "test_batch.bin").write_bytes(b"".join(record(100 + i, label) for i, label in enumerate((2, 0, 1))))
    return root


@pytest.fixture
def hundred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cifar100, "LAYOUT", replace(cifar100.LAYOUT, train_records=4, test_records=2))
    folder = tmp_path / "cifar-100-binary"
    folder.mkdir()
    (folder / "train.bin").write_bytes(b"".join(record(i, 19, 90 + i) for i in range(4)))
    (folder / "test.bin").write_bytes(b"".join(record(50 + i, 18, 5 * i) for i in range(2)))
    return tmp_path


def expected(image: int, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    out = np.empty((3, 32, 32))
    for c in range(3):
        for i in range(32):
            for j in range(32):
                out[c, i, j] = (pixel(image, c, i, j) / 255 - mean[c]) / std[c]
    return out


def test_cifar10_planes_labels_and_standardisation(ten: Path) -> None:
    config = DataConfig(name="cifar10", root=str(ten), validation=0.2)
    data.locate(config)
    splits = data.load(config)
    assert len(splits.train_y) == 12 and len(splits.validation_y) == 3 and splits.classes == 10
    assert splits.mean == (0.49139968, 0.48215841, 0.44653091) and splits.std == (0.24703223, 0.24348513, 0.26158784)
    for x, y, index in (
        (splits.train_x, splits.train_y, splits.train_index),
        (splits.validation_x, splits.validation_y, splits.validation_index),
    ):
        assert (y == index % 10).all()
        for row, image in zip(x, index, strict=True):
            np.testing.assert_allclose(row, expected(image, splits.mean, splits.std), atol=1e-6)
    assert splits.test_y.tolist() == [2, 0, 1]
    np.testing.assert_allclose(splits.test_x[2], expected(102, splits.mean, splits.std), atol=1e-6)


def test_colours_scaled_as_for_imagenet(ten: Path) -> None:
    """As published code does with CIFAR for convolutions: means and standard deviations of ImageNet, red, green, blue."""
    splits = data.load(DataConfig(name="cifar10", root=str(ten), validation=0, standardise="imagenet"))
    scaled = expected(3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    np.testing.assert_allclose(splits.train_x[3], scaled, atol=1e-6)
    with pytest.raises(ConfigError, match=r"imagenet scales three colours, data=digits has inputs of shape \(1, 8, 8\); use auto or none"):
        data.load(DataConfig(name="digits", standardise="imagenet"))


def test_cifar100_takes_the_fine_label(hundred: Path) -> None:
    splits = data.load(DataConfig(name="cifar100", root=str(hundred), validation=0))
    assert splits.train_y.tolist() == [90, 91, 92, 93] and splits.test_y.tolist() == [0, 5] and splits.classes == 100
    assert splits.mean == (0.50707516, 0.48654887, 0.44091784) and splits.std == (0.26733429, 0.25643846, 0.27615047)
    np.testing.assert_allclose(splits.train_x[3], expected(3, splits.mean, splits.std), atol=1e-6)


def test_published_sizes() -> None:
    assert [cifar10.LAYOUT.train_records * 5, cifar10.LAYOUT.test_records] == [50_000, 10_000]
    assert [cifar100.LAYOUT.train_records, cifar100.LAYOUT.test_records] == [50_000, 10_000]


@pytest.mark.parametrize("file", TEN_FILES)
@pytest.mark.parametrize("size", [0, 1, 3073, 3 * 3073 - 1, 3 * 3073 + 1, 4 * 3073])
def test_a_file_of_the_wrong_size_is_named_at_once(file: str, size: int, ten: Path) -> None:
    path = ten / "cifar-10-batches-bin" / file
    path.write_bytes(bytes(size))
    for call in (data.locate, data.load):
        with pytest.raises(DataError, match=f"{file}: has {size} bytes, expected 9219 .*fetch it again"):
            call(DataConfig(name="cifar10", root=str(ten)))


@pytest.mark.parametrize("file", TEN_FILES)
def test_a_missing_file_is_named(file: str, ten: Path) -> None:
    (ten / "cifar-10-batches-bin" / file).unlink()
    with pytest.raises(DataError, match=f"no {file} in .*from data.root.*cifar-10-binary.tar.gz.*data.download=true"):
        data.locate(DataConfig(name="cifar10", root=str(ten)))


def test_a_label_out_of_range_is_refused(ten: Path, hundred: Path) -> None:
    path = ten / "cifar-10-batches-bin" / "data_batch_4.bin"
    path.write_bytes(path.read_bytes()[: 2 * 3073] + record(0, 10))
    with pytest.raises(DataError, match=r"data_batch_4.bin: label 10 is out of range 0\.\.9"):
        data.load(DataConfig(name="cifar10", root=str(ten)))
    (hundred / "cifar-100-binary" / "test.bin").write_bytes(record(0, 1, 100) + record(0, 1, 1))
    with pytest.raises(DataError, match=r"test.bin: label 100 is out of range 0\.\.99"):
        data.load(DataConfig(name="cifar100", root=str(hundred)))


def test_a_jpeg_copy_alone_leads_to_its_decoder(tmp_path: Path) -> None:
    (tmp_path / "cifar10_jpeg.bin").write_bytes(b"x")
    with pytest.raises(DataError, match=r"unpack_cifar10.py DEST` and give data.root=DEST") as caught:
        data.locate(DataConfig(name="cifar10", root=str(tmp_path)))
    assert str(tmp_path / "unpack_cifar10.py") in str(caught.value)
    (tmp_path / "cifar-10-batches-bin").mkdir()  # unpacked, but incompletely
    with pytest.raises(DataError, match=r"no data_batch_1.bin in .*cifar-10-binary.tar.gz"):
        data.locate(DataConfig(name="cifar10", root=str(tmp_path)))


def note(root: Path) -> str:
    return data.load(DataConfig(name="cifar10", root=str(root))).note


def test_a_jpeg_copy_carries_its_mark(ten: Path) -> None:
    folder = ten / "cifar-10-batches-bin"
    assert note(ten) == ""
    for sign in (folder / "JPEG", ten / "cifar10_jpeg.bin", ten.parent / "cifar10_jpeg.bin"):
        sign.write_bytes(b"")
        assert note(ten) == "CIFAR-10 (JPEG)"
        sign.unlink()
    assert note(ten) == ""
    # the decoder leaves the test images in the order of their classes, the published set does not
    (folder / "test_batch.bin").write_bytes(b"".join(record(i, label) for i, label in enumerate((0, 0, 1))))
    assert note(ten) == "CIFAR-10 (JPEG)"
    (folder / "OPENML").write_bytes(b"")
    assert note(ten) == ""
