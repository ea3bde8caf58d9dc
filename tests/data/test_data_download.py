"""The optional download, with a table made here in place of the network."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets

from bioplaus import data
from bioplaus.data import DataConfig, cifar10, cifar100, download
from bioplaus.errors import DataError

TRAIN, TEST = 20, 10


class FakeOpenML:
    """A table of equal classes as scikit-learn hands it over (float pixels, text labels); notes what was asked."""

    def __init__(self, width: int, classes: int = 10) -> None:
        draw = np.random.default_rng(0)
        self.pixels = draw.integers(0, 256, (TRAIN + TEST, width)).astype(np.float64)
        self.labels = np.arange(TRAIN + TEST) % classes
        self.asked: list[int] = []

    def __call__(self, data_id: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(data_id)
        return self.pixels, self.labels.astype(str).astype(object)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published sets, shrunk to 20 + 10 images; CIFAR-100 to its first 10 classes."""
    for name, remote in list(download.SETS.items()):
        tiny = replace(remote, train=TRAIN, test=TEST, classes=10, sha256=None)
        monkeypatch.setitem(download.SETS, name, tiny)
    monkeypatch.setattr(cifar10, "LAYOUT", replace(cifar10.LAYOUT, train_records=TRAIN // 5, test_records=TEST))
    monkeypatch.setattr(cifar100, "LAYOUT", replace(cifar100.LAYOUT, train_records=TRAIN, test_records=TEST))


def fake(monkeypatch: pytest.MonkeyPatch, width: int = 784) -> FakeOpenML:
    table = FakeOpenML(width)
    monkeypatch.setattr(download, "openml", table)
    return table


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("name", "data_id", "width"),
    [("mnist", 554, 784), ("fashion_mnist", 40996, 784), ("cifar10", 40927, 3072), ("cifar100", 41983, 3072)],
)
def test_a_missing_set_is_fetched_once_and_then_read(
    name: str, data_id: int, width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = fake(monkeypatch, width)
    config = DataConfig(name=name, root=str(tmp_path / "new"), download=True, validation=0, standardise="none")
    data.locate(config)
    assert table.asked == []  # locate fetches nothing
    splits = data.load(config)
    again = data.load(replace(config, download=False))
    data.load(config)
    assert table.asked == [data_id]
    for got in (splits, again):
        np.testing.assert_allclose(got.train_x.reshape(TRAIN, -1) * 255, table.pixels[:TRAIN], atol=1e-4)
        np.testing.assert_allclose(got.test_x.reshape(TEST, -1) * 255, table.pixels[TRAIN:], atol=1e-4)
        assert (
            got.train_y.tolist() == table.labels[:TRAIN].tolist()
            and got.test_y.tolist() == table.labels[TRAIN:].tolist()
        )
    # the fake test labels ascend like those of a JPEG copy, but a download is none
    assert splits.note == ""
    assert not list(tmp_path.rglob(".*"))  # no temporary file is left


def test_offline_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(data_id: int) -> Any:
        raise URLError("no route to host")

    monkeypatch.setattr(download, "openml", offline)
    with pytest.raises(DataError, match=r"data=mnist: openml.org could not be reached .*no route to host") as caught:
        data.load(DataConfig(name="mnist", root=str(tmp_path), download=True))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*-ubyte"))


def test_without_consent_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = fake(monkeypatch)
    with pytest.raises(DataError, match=r"data\.download=true"):
        data.load(DataConfig(name="mnist", root=str(tmp_path)))
    assert table.asked == []


def test_a_set_that_nobody_offers_is_still_reported_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def locate(config: DataConfig) -> None:
        raise DataError("mine is missing")

    monkeypatch.setattr(data, "_SOURCES", {"mine": SimpleNamespace(SUMMARY="", locate=locate, read=None)})
    with pytest.raises(DataError, match="mine is missing"):
        data.load(DataConfig(name="mine", download=True))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: setattr(t, "pixels", t.pixels[:-1]),
        lambda t: setattr(t, "pixels", t.pixels[:, :-1]),
        lambda t: setattr(t, "labels", t.labels[:-1]),
        lambda t: t.pixels.__setitem__((3, 3), 256),
        lambda t: t.pixels.__setitem__((3, 3), -1),
        lambda t: t.pixels.__setitem__((3, 3), 0.5),
        lambda t: t.pixels.__setitem__((3, 3), np.nan),
        lambda t: t.labels.__setitem__(0, 10),
        lambda t: t.labels.__setitem__(0, -1),
        lambda t: t.labels.__setitem__(0, 5),  # classes no longer equal in size
        lambda t: setattr(t, "labels", np.array(["cat"] * (TRAIN + TEST))),
    ],
)
def test_unexpected_data_are_refused_and_leave_no_file(
    spoil: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = fake(monkeypatch)
    spoil(table)
    with pytest.raises(DataError, match=r"data=fashion_mnist: openml.org did not send the expected data"):
        data.load(DataConfig(name="fashion_mnist", root=str(tmp_path), download=True))
    assert not list(tmp_path.rglob("*-ubyte"))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("part", [0, 1])
def test_known_checksums_are_enforced(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = fake(monkeypatch)
    x, y = table.pixels.astype(np.uint8), table.labels.astype(np.uint8)
    sums = [
        hashlib.sha256(x[rows].tobytes() + y[rows].tobytes()).hexdigest()
        for rows in (slice(0, TRAIN), slice(TRAIN, None))
    ]
    monkeypatch.setitem(download.SETS, "mnist", replace(download.SETS["mnist"], sha256=(sums[0], sums[1])))
    config = DataConfig(name="mnist", root=str(tmp_path), download=True)
    row = 0 if part == 0 else TRAIN
    table.pixels[row, 5] = 255 - table.pixels[row, 5]
    with pytest.raises(DataError, match=f"wrong checksum of the {('training', 'test')[part]} part"):
        data.load(config)
    table.pixels[row, 5] = 255 - table.pixels[row, 5]
    assert len(data.load(config).test_y) == TEST


@pytest.mark.usefixtures("small")
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"cannot write to .*No space left"):
        data.load(DataConfig(name="mnist", root=str(tmp_path), download=True))
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


@pytest.mark.usefixtures("small")
def test_a_file_of_the_wrong_size_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = fake(monkeypatch, 3072)
    broken = tmp_path / "cifar-10-batches-bin" / "data_batch_1.bin"
    broken.parent.mkdir()
    broken.write_bytes(b"half")
    splits = data.load(DataConfig(name="cifar10", root=str(tmp_path), download=True, validation=0))
    assert splits.train_y.tolist() == table.labels[:TRAIN].tolist()


def test_openml_is_asked_by_number_and_for_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def fetch_openml(**keywords: Any) -> SimpleNamespace:
        seen.update(keywords)
        return SimpleNamespace(data="pixels", target="labels")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch_openml)
    assert download.openml(554) == ("pixels", "labels")
    assert seen["data_id"] == 554 and seen["as_frame"] is False
