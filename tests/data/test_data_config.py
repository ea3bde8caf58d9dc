"""Names, ranges and the data folder: what can be judged before any file is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import bioplaus
from bioplaus import data
from bioplaus.data import DataConfig, Raw
from bioplaus.data.base import data_root
from bioplaus.errors import ConfigError, DataError

FILES = ["mnist", "permuted_mnist", "split_mnist", "mnist_fashion", "fashion_mnist", "cifar10", "cifar100"]


def test_all_known_sets_are_listed_and_described_in_one_line() -> None:
    embedded = ["digits", "synthetic", "patterns", "xor", "parity", "two_spirals", "permuted_digits", "split_digits", "teacher"]
    assert data.names() == [*embedded, *FILES]
    for name in data.names():
        assert data.describe(name).strip() and "\n" not in data.describe(name)


@pytest.mark.parametrize(
    ("wrong", "right"), [("mnits", "mnist"), ("Fashion-MNIST", "fashion_mnist"), ("cifar-100", "cifar100")]
)
def test_unknown_name_gets_the_nearest_match_and_the_list(wrong: str, right: str) -> None:
    for call in (
        data.describe,
        lambda name: data.load(DataConfig(name=name)),
        lambda name: data.locate(DataConfig(name=name)),
    ):
        with pytest.raises(ConfigError, match=f"did you mean {right}\\?.*digits, synthetic, .*two_spirals, .*mnist, .*cifar100"):
            call(wrong)


def test_a_name_like_no_other_gets_only_the_list() -> None:
    with pytest.raises(ConfigError) as caught:
        data.describe("zzz")
    assert "did you mean" not in str(caught.value) and "cifar100" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("validation", -0.01),
        ("validation", 1.0),
        ("validation", float("nan")),
        ("limit", 0),
        ("limit", -3),
        ("limit", 2.5),
        ("split_seed", -1),
        ("augment", "mirror"),
        ("standardise", "yes"),
    ],
)
def test_values_out_of_range_are_named(field: str, value: object) -> None:
    config = DataConfig(**{field: value})  # type: ignore[arg-type]
    for call in (data.locate, data.load):
        with pytest.raises(ConfigError, match=f"data.{field}={value}"):
            call(config)


def test_data_root_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("BIOPLAUS_DATA", "/from/environment")
    monkeypatch.setenv("XDG_CACHE_HOME", "/from/xdg")
    assert data_root(DataConfig(root="~/mine")) == (Path("/home/someone/mine"), "data.root")
    assert data_root(DataConfig()) == (Path("/from/environment"), "BIOPLAUS_DATA")
    monkeypatch.setenv("BIOPLAUS_DATA", "")
    assert data_root(DataConfig()) == (Path("/from/xdg/bioplaus"), "the default")
    for ignored in ("", "relative/cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert data_root(DataConfig())[0] == Path("/home/someone/.cache/bioplaus")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert data_root(DataConfig())[0] == Path("/home/someone/.cache/bioplaus")


def _third_party() -> SimpleNamespace:
    def read(config: DataConfig) -> Raw:
        x = np.arange(12, dtype=np.float32).reshape(6, 2)
        y = np.array([0, 1, 2, 0, 1, 2])
        return Raw(train_x=x, train_y=y, test_x=x, test_y=y, classes=3, shape=(2,), note="a note")

    return SimpleNamespace(SUMMARY="three classes", locate=lambda config: None, read=read)


@pytest.fixture
def own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_SOURCES", dict(data._SOURCES))


@pytest.mark.usefixtures("own_table")
def test_a_registered_source_is_split_and_scaled_like_the_others() -> None:
    data.register("mine", _third_party())
    assert "mine" in data.names() and data.describe("mine") == "three classes"
    splits = data.load(DataConfig(name="mine", validation=1 / 3))
    assert len(splits.train_y) == 4 and len(splits.validation_y) == 2 and splits.note == "a note"
    assert abs(splits.train_x.mean()) < 1e-6 and abs(splits.train_x.std() - 1) < 1e-6  # no published scaling: measured


@pytest.mark.usefixtures("own_table")
def test_registering_a_dotted_name_a_taken_name_or_half_a_source() -> None:
    data.register("again", "bioplaus.data.synthetic")
    assert data.load(DataConfig(name="again")).classes == 4
    with pytest.raises(ConfigError, match="mnist is already registered"):
        data.register("mnist", _third_party())
    with pytest.raises(ConfigError, match="no locate and no read"):
        data.register("half", SimpleNamespace(SUMMARY="x"))  # type: ignore[arg-type]
    data.register("late", "bioplaus.errors")
    with pytest.raises(ConfigError, match="no SUMMARY"):
        data.describe("late")


@pytest.mark.usefixtures("own_table")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_y": np.array([0, 1, 2, 0, 1, 3])}, "train.*label 3 is out of range 0..2"),
        ({"test_y": np.array([0, 1, -1, 0, 1, 2])}, "test.*label -1 is out of range"),
        ({"train_y": np.array([0, 1])}, "do not fit 2 labels"),
        ({"shape": (3,)}, "do not fit"),
        ({"test_x": np.empty((0, 2)), "test_y": np.empty(0, int)}, "holds no images"),
        ({"train_x": np.ones((6, 2))}, "all equal"),
    ],
)
def test_a_source_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    source, good = _third_party(), _third_party().read(DataConfig())
    source.read = lambda config: Raw(**{**good.__dict__, **change})
    data.register("mine", source)
    with pytest.raises(DataError, match=message):
        data.load(DataConfig(name="mine"))


def test_flip_crop_is_refused_for_vectors_only() -> None:
    with pytest.raises(ConfigError, match="flip_crop needs images"):
        data.load(DataConfig(name="synthetic", augment="flip_crop"))
    assert data.load(DataConfig(name="digits", augment="flip_crop")).shape == (1, 8, 8)


def test_importing_the_package_stays_light() -> None:
    code = (
        "import sys, bioplaus.data; heavy = {'torch', 'sklearn', 'numpy'} & set(sys.modules); assert not heavy, heavy;"
        "import bioplaus.data.download, bioplaus.data.augment, bioplaus.data.digits, bioplaus.data.synthetic;"
        "heavy = {'torch', 'sklearn'} & set(sys.modules); assert not heavy, heavy"
    )
    root = Path(bioplaus.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
