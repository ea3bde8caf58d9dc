"""Checkpoints: what goes in comes out, damage of any byte is noticed, and a write that fails loses nothing."""

from __future__ import annotations

import errno
import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from driving import same_arrays
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from bioplaus import checkpoint
from bioplaus.errors import RunError

DTYPES = (torch.float32, torch.float64, torch.int64, torch.bool)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(lambda name: name != "__metadata__")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
STATES = st.dictionaries(st.text(max_size=6), JSON, max_size=4)
FUZZ = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    """Arrays of any of the types, 0 to 3 axes, empty ones and views among them; every bit pattern of the floats."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    size = torch.Size(shape).numel()
    if dtype is torch.bool:
        flat = torch.tensor(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=dtype)
    else:
        width = torch.empty((), dtype=dtype).element_size()
        raw = draw(st.binary(min_size=size * width, max_size=size * width))
        flat = torch.frombuffer(bytearray(raw), dtype=dtype) if size else torch.empty(0, dtype=dtype)
    value = flat.reshape(shape)
    return value.mT if value.dim() >= 2 and draw(st.booleans()) else value


ARRAYS = st.dictionaries(NAMES, tensors(), max_size=4)


@FUZZ
@given(ARRAYS, STATES)
def test_round_trip(tmp_path: Path, arrays: dict[str, Tensor], state: dict[str, Any]) -> None:
    path = tmp_path / "file"
    checkpoint.save(path, arrays, state)
    found, told = checkpoint.load(path)
    assert same_arrays(dict(sorted(found.items())), dict(sorted((k, v.contiguous()) for k, v in arrays.items())))
    assert told == json.loads(json.dumps(state))


def check_damaged(path: Path, content: bytes, arrays: dict[str, Tensor], state: dict[str, Any]) -> bool:
    """Assert that damaged content is refused or makes no difference, and return whether it was refused."""
    path.write_bytes(content)
    try:
        found, told = checkpoint.load(path)
    except RunError as error:
        assert "\n" not in str(error) and str(path) in str(error)
        return True
    assert same_arrays(dict(sorted(found.items())), dict(sorted(arrays.items()))) and told == state
    return False


SMALL: dict[str, Tensor] = {
    "0/params/w": torch.tensor([[[1.5, -2.0], [0.0, 3.0]]]),
    "0/alive": torch.tensor([True, False]),
    "empty": torch.zeros(2, 0, 3),
    "0/counts/n": torch.tensor([1, 2]),
}
STATE = {"epoch": 3, "steps": [15, 15], "config": "a1b2c3", "seconds": 0.25}


def test_a_flipped_bit_of_any_byte_is_noticed(tmp_path: Path) -> None:
    """Only the padding of the header may go unnoticed, where it changes nothing."""
    path = tmp_path / "file"
    checkpoint.save(path, SMALL, STATE)
    content = path.read_bytes()
    harmless = 0
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        harmless += not check_damaged(path, bytes(damaged), SMALL, STATE)
    assert harmless <= 8


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    checkpoint.save(path, SMALL, STATE)
    content = path.read_bytes()
    assert all(check_damaged(path, content[:length], SMALL, STATE) for length in range(len(content)))
    assert check_damaged(path, content + b"\0", SMALL, STATE)


@FUZZ
@given(ARRAYS, STATES, st.data())
def test_any_damage_is_noticed(tmp_path: Path, arrays: dict[str, Tensor], state: dict[str, Any], data: st.DataObject) -> None:
    path = tmp_path / "file"
    checkpoint.save(path, arrays, state)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    plain = {key: value.contiguous() for key, value in arrays.items()}
    check_damaged(path, bytes(content), plain, json.loads(json.dumps(state)))


def test_arrays_of_two_files_cannot_be_mixed(tmp_path: Path) -> None:
    """Same sizes, other numbers: the header of one before the data of the other."""
    a, b = tmp_path / "a", tmp_path / "b"
    checkpoint.save(a, {"w": torch.zeros(5)}, STATE)
    checkpoint.save(b, {"w": torch.ones(5)}, STATE)
    one, two = a.read_bytes(), b.read_bytes()
    a.write_bytes(one[:-20] + two[-20:])
    with pytest.raises(RunError, match="checksum"):
        checkpoint.load(a)


def test_views_of_one_array_are_kept_apart(tmp_path: Path) -> None:
    base = torch.arange(6.0)
    arrays = {"a": base, "b": base[2:4], "c": base, "e": torch.empty(0), "f": torch.empty(0)}
    checkpoint.save(tmp_path / "file", arrays, {})
    assert same_arrays(dict(sorted(checkpoint.load(tmp_path / "file")[0].items())), arrays)


def test_what_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for write in (lambda: save_file({"w": torch.ones(2)}, path), lambda: path.write_text("{}"), lambda: path.write_bytes(b"")):
        write()
        with pytest.raises(RunError, match=r"truncated, corrupt or not ours"):
            checkpoint.load(path)
    with pytest.raises(RunError, match="no checkpoint"):
        checkpoint.load(tmp_path / "none")
    with pytest.raises(RunError, match="cannot be read"):
        checkpoint.load(tmp_path)


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let the system refuse to write more than so many bytes into a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_that_the_system_refuses_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    checkpoint.save(path, SMALL, STATE)
    before = path.read_bytes()
    with files_up_to(1000), pytest.raises(RunError, match=r"cannot write .*file: .*resume"):
        checkpoint.save(path, {"w": torch.ones(1000)}, STATE)
    assert path.read_bytes() == before and names(tmp_path) == ["file"]
    with files_up_to(10), pytest.raises(RunError, match="cannot write"):
        checkpoint.write_text(path, "x" * 100)
    assert path.read_bytes() == before and names(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_full_disk_leaves_the_old_file(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    checkpoint.save(path, SMALL, STATE)
    before = path.read_bytes()

    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(RunError, match="No space left on device") as caught:
            checkpoint.save(path, {"w": torch.ones(3)}, STATE)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before and names(tmp_path) == ["file"]
    checkpoint.save(path, {"w": torch.ones(3)}, STATE)
    assert checkpoint.load(path)[0]["w"].tolist() == [1, 1, 1]


def test_what_a_kill_left_behind_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(*args: Any, **options: Any) -> None:
        raise Killed

    path = tmp_path / "file"
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", kill)
        patch.setattr(Path, "unlink", kill)
        with pytest.raises(Killed):
            checkpoint.write_text(path, "old")
    assert len(names(tmp_path)) == 1 and not path.exists()
    checkpoint.write_text(path, "new")
    assert names(tmp_path) == ["file"] and path.read_text() == "new"


def test_missing_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "gone" / "x", tmp_path / "file" / "x"):
        with pytest.raises(RunError, match="cannot write") as caught:
            checkpoint.write_text(path, "text")
        assert "\n" not in str(caught.value)
        with pytest.raises(RunError, match="cannot write"):
            checkpoint.save(path, SMALL, STATE)


def test_written_before_it_is_renamed_and_synced_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut after the rename must find the content on disk: data, then name, then folder."""
    events: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (events.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append("replace"), replace(a, b))[1])
    checkpoint.write_text(tmp_path / "file", "text")
    assert events == ["fsync", "replace", "fsync"]


def test_arrays_are_read_into_memory_of_their_own(tmp_path: Path) -> None:
    """Where an array starts decides how sums over it round: what is read starts where torch lets every array start."""
    arrays = {"a": torch.zeros(3, dtype=torch.uint8), **{f"b{i}": torch.zeros(2 * i + 1, dtype=torch.float64) for i in range(8)}}
    checkpoint.save(tmp_path / "file", arrays, {})
    found, _ = checkpoint.load(tmp_path / "file")
    assert all(value.data_ptr() % 64 == 0 for value in found.values())
