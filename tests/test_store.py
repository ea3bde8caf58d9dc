"""The run directory: what is in it, and what is said when it cannot be made, is not one, or is damaged."""

from __future__ import annotations

import errno
import json
import os
import platform
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from driving import TINY, folder, started, to_the_end

from bioplaus import checkpoint, config, data
from bioplaus.errors import RunError
from bioplaus.store import Store, versions


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(**given: Any) -> Any:
    return config.resolve({**TINY, **given})


def test_what_a_finished_run_leaves() -> None:
    path = folder(started({}))
    simulator = started({"seeds": 2, "run.figures": True, "probes": ["angle"]})
    to_the_end(simulator)
    done = folder(simulator)
    assert path != done and path.parent == done.parent == Path("runs").resolve()
    assert "-bp-digits-" in done.name
    files = sorted(str(p.relative_to(done)) for p in done.rglob("*") if p.is_file() and p.suffix != ".png")
    assert files == [
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
        "config.yaml",
        "environment.json",
        "metrics.parquet",
        "summary.json",
    ]
    assert (done / "figures" / "learning_curves.png").read_bytes().startswith(b"\x89PNG")


def test_environment() -> None:
    store = Store.create(settings(seeds=2, seed=5), "cpu")
    found = json.loads((store.path / "environment.json").read_text())
    assert found["seeds"] == [5, 6] and found["device"] == "cpu" and found["cores"] == os.cpu_count()
    assert found["versions"]["torch"] == torch.__version__ and found["python"] == platform.python_version()
    assert {"platform", "threads", "revision", "command", "time"} <= set(found)


def test_versions_of_what_is_not_there() -> None:
    assert versions("no-such-package") == {"bioplaus": versions()["bioplaus"], "no-such-package": "not installed"}


def test_splits_are_recorded() -> None:
    """The three parts are disjoint, and are those of the data."""
    store, chosen = Store.create(settings(), "cpu"), settings()
    splits = data.load(chosen.data)
    store.write_splits(splits)
    arrays, state = checkpoint.load(store.path / "splits.safetensors")
    parts = [arrays[f"{name}_index"].tolist() for name in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [160, 144, 360] and state["data"] == "digits"
    assert len({row for part in parts for row in part}) == 160 + 144 + 360  # digits counts all three in one array
    assert parts[0] == splits.train_index.tolist()


def test_settings_come_back() -> None:
    mine = settings(rule="ccl", seeds=2, **{"rule.lr": [0.1, 0.2]})
    again = Store.open(Store.create(mine, "cpu").path).settings()
    assert config.as_dict(again) == config.as_dict(mine)


def test_two_runs_of_one_second_do_not_meet() -> None:
    chosen = settings()
    assert len({Store.create(chosen, "cpu").path for _ in range(20)}) == 20


def test_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Store.create(settings(**{"run.root": "~/mine"}), "cpu").path.parent == tmp_path / "home" / "mine"


@pytest.mark.parametrize("root", ["file", "file/below"])
def test_root_that_cannot_be_a_folder(root: str) -> None:
    Path("file").write_text("")
    with pytest.raises(RunError, match=r"cannot make the run directory .*run\.root=DIR"):
        Store.create(settings(**{"run.root": root}), "cpu")


def test_full_disk_is_noticed_before_training_and_leaves_no_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"No space left on device: nothing was trained.*run\.root=DIR"):
        Store.create(settings(), "cpu")
    assert list(Path("runs").iterdir()) == []


def test_discard_never_takes_a_checkpoint() -> None:
    store = Store.create(settings(), "cpu")
    checkpoint.save(store.last, {}, {})
    store.discard()
    assert store.last.is_file()
    store.last.unlink()
    store.discard()
    assert not store.path.exists()


def test_what_is_no_run() -> None:
    with pytest.raises(RunError, match="no run directory nothing"):
        Store.open("nothing")
    Path("empty").mkdir()
    with pytest.raises(RunError, match=r"no config\.yaml"):
        Store.open("empty")
    with pytest.raises(RunError, match="no run directory"):
        Path("file").write_text("")
        Store.open("file")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"- 1\n", b"rule: {name: nobody}\n", b"rule: [1\n", b"epochs: many\n"])
def test_config_that_is_damaged(content: bytes) -> None:
    store = Store.create(settings(), "cpu")
    (store.path / "config.yaml").write_bytes(content)
    with pytest.raises(RunError, match=r"config\.yaml is not usable") as caught:
        Store.open(store.path).settings()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b'{"rule": "bp"}', b"\xff\xff", b"[" * 100_000])
def test_summary_that_is_damaged(content: bytes) -> None:
    store = Store.create(settings(), "cpu")
    (store.path / "summary.json").write_bytes(content)
    with pytest.raises(RunError, match=r"summary\.json is corrupt") as caught:
        store.summary()
    assert "\n" not in str(caught.value)


def test_summary_that_cannot_be_read_as_a_file() -> None:
    store = Store.create(settings(), "cpu")
    assert store.summary() is None
    (store.path / "summary.json").mkdir()
    assert store.summary() is None  # not a file: not finished


def test_nan_is_never_written() -> None:
    store = Store.create(settings(), "cpu")
    with pytest.raises(ValueError, match="Out of range float"):
        store.write_summary({"loss": float("nan")})
    assert store.summary() is None


def test_fingerprint_follows_the_configuration() -> None:
    store = Store.create(settings(), "cpu")
    first = store.fingerprint()
    assert first == store.fingerprint() and len(first) == 16
    tree = yaml.safe_load((store.path / "config.yaml").read_text())
    (store.path / "config.yaml").write_text(yaml.safe_dump({**tree, "epochs": 4}))
    assert store.fingerprint() != first
