"""Files that survive: arrays and their JSON state in one safetensors file, written beside the old one, synced, then renamed over it.

The JSON lies in the header of the same file, so arrays and state can never disagree, and a checksum covers both. Loading never executes code.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bioplaus.errors import RunError

__all__ = ["atomic", "load", "save", "write_text"]


def atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file through a temporary one in the same folder; whatever fails, the old file stays.

    Raises
    ------
    RunError
        If the file cannot be written (no permission, no space).
    """
    temporary = path.with_name(f".{path.name}.tmp")  # one name, so that what a kill leaves behind is written over
    try:
        write(temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise RunError(
            f"cannot write {path}: {reason}; free space or mend permissions, then bioplaus resume (what was saved before is whole)"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut; only POSIX systems can open a folder."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    atomic(path, lambda temporary: _write(temporary, text))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _digest(arrays: Mapping[str, Tensor], state: str) -> str:
    """Return a checksum over the state and every array's name, type, shape and bytes."""
    crc = zlib.crc32(state.encode())
    for key in sorted(arrays):
        value = arrays[key]
        crc = zlib.crc32(f"{key}|{value.dtype}|{tuple(value.shape)}".encode(), crc)
        if value.numel():
            data: Any = value.reshape(-1).view(torch.uint8).numpy()
            crc = zlib.crc32(data, crc)
    return f"{crc:08x}"


def _ready(arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the arrays in main memory, each with memory of its own: the format refuses two views of one."""
    found: dict[str, Tensor] = {}
    taken: set[int] = set()
    for key, value in arrays.items():
        ours = value.detach().cpu().contiguous()
        found[key] = ours.clone() if ours.untyped_storage().data_ptr() in taken else ours
        taken.add(found[key].untyped_storage().data_ptr())
    return found


def save(path: Path, arrays: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write arrays and a JSON-able state to one file, atomically.

    Raises
    ------
    RunError
        If the file cannot be written; the old one is then still there.
    """
    ready, text = _ready(arrays), json.dumps(state)
    metadata = {"bioplaus": text, "crc32": _digest(ready, text)}
    atomic(path, lambda temporary: save_file(ready, temporary, metadata))


def load(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of `save`.

    Raises
    ------
    RunError
        If it is missing, truncated, corrupt or not ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        text, expected = metadata["bioplaus"], metadata["crc32"]
    except FileNotFoundError as error:
        raise RunError(f"there is no checkpoint {path}") from error
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"checkpoint {path} cannot be read ({reason}); it is truncated, corrupt or not ours") from error
    if _digest(arrays, text) != expected:
        raise RunError(f"checkpoint {path} is corrupt (its checksum does not fit); restore it from a copy or run again")
    state: dict[str, Any] = json.loads(text)
    # into memory of torch's own: arrays in the file start anywhere, and sums over them round by where they start
    return {key: value.to(device, copy=True) for key, value in arrays.items()}, state
