"""Files that survive: arrays and their JSON state in one safetensors file, written beside the old one, synced, then renamed over it.

The JSON lies in the header of the same file, so arrays and state can never disagree. Loading never executes code.
"""

from __future__ import annotations

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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        temporary.unlink(missing_ok=True)
        raise RunError(
            f"cannot write {path}: {str(error).splitlines()[0]}; free space or mend permissions, then bioplaus resume (what was saved is whole)"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    atomic(path, lambda temporary: _write(temporary, text))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _digest(arrays: Mapping[str, Tensor]) -> int:
    crc = 0
    for key in sorted(arrays):
        value = arrays[key].detach().cpu().contiguous()
        crc = zlib.crc32(key.encode(), crc)
        if value.numel():
            data: Any = value.reshape(-1).view(torch.uint8).numpy()
            crc = zlib.crc32(data, crc)
    return crc


def save(path: Path, arrays: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write arrays and a JSON-able state to one file, atomically."""
    ready = {key: value.detach().cpu().contiguous() for key, value in arrays.items()}
    metadata = {"bioplaus": json.dumps({**state, "crc32": _digest(ready)})}
    atomic(path, lambda temporary: save_file(ready, temporary, metadata))


def load(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of `save`.

    Raises
    ------
    RunError
        If it is missing, truncated, corrupt or not ours.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        state: dict[str, Any] = json.loads(metadata["bioplaus"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise RunError(f"checkpoint {path} cannot be read ({str(error).splitlines()[0]}); it is truncated, corrupt or not ours") from error
    if _digest(arrays) != state.pop("crc32", None):
        raise RunError(f"checkpoint {path} is corrupt (its checksum does not fit); restore it from a copy or run again")
    return arrays, state
