"""The run directory: ``config.yaml``, ``environment.json``, ``metrics.parquet``, ``checkpoints/``, ``summary.json``, ``figures/``."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from bioplaus import __version__, checkpoint, config
from bioplaus.data.base import Splits
from bioplaus.errors import BioplausError, RunError
from bioplaus.recorder import Recorder, Row
from bioplaus.settings import Settings

__all__ = ["Listener", "Store", "environment", "versions"]

#: Is told of a run directory and all its measurements so far, whenever they are written.
Listener = Callable[[Path, Sequence[Row]], None]

#: What a summary cannot do without; a file that lacks one of these was not written by a run.
_NEEDED = ("rule", "data", "network", "seeds", "epochs", "selected_epoch", "seconds", "plausibility")
PACKAGES = ("torch", "numpy", "numba", "scipy", "scikit-learn", "safetensors", "pyarrow", "omegaconf", "snntorch", "brian2")


class Store:
    """One run on disk. Every file is replaced atomically; nothing is ever written in place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listeners: tuple[Listener, ...] = ()

    @classmethod
    def create(cls, settings: Settings, device: str) -> Store:
        """Make a new run directory and prove that it can be written, before any training.

        Raises
        ------
        RunError
            If it cannot be made or written.
        """
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{settings.rule.name}-{settings.data.name}-{secrets.token_hex(3)}"
        path = Path(settings.run.root).expanduser() / name
        try:
            (path / "checkpoints").mkdir(parents=True)
        except OSError as error:
            raise RunError(f"cannot make the run directory {path}: {error.strerror}; choose another with run.root=DIR") from error
        store = cls(path.resolve())
        try:
            checkpoint.write_text(store.path / "config.yaml", config.to_yaml(settings))
            checkpoint.write_text(store.path / "environment.json", json.dumps(environment(settings, device), indent=2))
        except RunError as error:
            store.discard()
            reason = str(error).partition(";")[0]
            raise RunError(f"{reason}: nothing was trained; free space or choose another folder with run.root=DIR") from error
        return store

    def discard(self) -> None:
        """Remove a directory in which nothing has been trained; one with a checkpoint stays."""
        if not self.last.is_file():
            shutil.rmtree(self.path, ignore_errors=True)

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open an existing run directory.

        Raises
        ------
        RunError
            If it is not one.
        """
        found = Path(path).expanduser().resolve()
        if not found.is_dir():
            raise RunError(f"no run directory {path}; see the run_dir line of bioplaus simulate, or ls runs/")
        if (found / "plan.json").is_file():
            runs = sorted(str(one.parent) for one in found.glob("rows/*/run/*/config.yaml"))
            some = f", for example {runs[0]}" if runs else ""
            raise RunError(f"{path} is a comparison, not a run; its runs are the directories in {path}/rows/NAME/run{some}")
        if (found / "sweep-plan.json").is_file():
            raise RunError(f"{path} is a sweep, not a run; sweep.json in it names the directories of its runs, {path}/packs/*/run/*")
        if not (found / "config.yaml").is_file():
            raise RunError(f"{path} is not a run of bioplaus: it has no config.yaml")
        return cls(found)

    @property
    def last(self) -> Path:
        """The checkpoint to resume from."""
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def best(self) -> Path:
        """Weights of each seed at its selected epoch."""
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def metrics(self) -> Path:
        """The table of all measurements."""
        return self.path / "metrics.parquet"

    def settings(self) -> Settings:
        """Return the settings the run was started with.

        Raises
        ------
        RunError
            If its configuration is corrupt or from another version.
        """
        try:
            return config.resolve({}, file=config.read_file(self.path / "config.yaml"), locate=False)
        except BioplausError as error:
            raise RunError(f"{self.path / 'config.yaml'} is not usable: {error}") from error

    def fingerprint(self) -> str:
        """Return a digest of the configuration, kept in every checkpoint so that a foreign one is noticed."""
        return hashlib.blake2b((self.path / "config.yaml").read_bytes(), digest_size=8).hexdigest()

    def summary(self) -> dict[str, Any] | None:
        """Return the summary of a finished run, None if it is not finished."""
        file = self.path / "summary.json"
        if not file.is_file():
            return None
        try:
            found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"{file} cannot be read: {error.strerror or error}") from error
        except (ValueError, RecursionError) as error:
            raise RunError(f"{file} is corrupt ({error}); remove it and bioplaus resume {self.path} writes it anew") from error
        missing = [key for key in _NEEDED if key not in found] if isinstance(found, dict) else ["its mapping"]
        if missing:
            raise RunError(f"{file} is corrupt (no {missing[0]}); remove it and bioplaus resume {self.path} writes it anew")
        return found

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write the summary: the mark of a finished run."""
        checkpoint.write_text(self.path / "summary.json", json.dumps(summary, indent=2, allow_nan=False))

    def write_splits(self, splits: Splits) -> None:
        """Record which samples of the source were trained on, validated on and tested on: ``splits.safetensors``."""
        names = ("train_index", "validation_index", "test_index")
        arrays = {name: torch.from_numpy(getattr(splits, name)) for name in names}
        for task, one in enumerate(splits.later, start=2):
            arrays |= {f"{task}/{name}": torch.from_numpy(getattr(one, name)) for name in names}
        checkpoint.save(self.path / "splits.safetensors", arrays, {"data": splits.name, "note": splits.note})

    def write_metrics(self, recorder: Recorder) -> None:
        """Write the table of measurements, and tell who listens."""
        recorder.write(self.metrics)
        for listener in self.listeners:
            listener(self.path, recorder.rows)


def environment(settings: Settings, device: str) -> dict[str, Any]:
    """Return what the run ran on: versions, machine, device, threads, code revision, command."""
    return {
        "versions": versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else device,
        "threads": torch.get_num_threads(),
        "flush_denormal": True,
        "seeds": list(settings.seed_list),
        "revision": _revision(),
        "command": sys.argv,
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def versions(*packages: str) -> dict[str, str]:
    """Return the installed versions of packages, those that matter to a run by default."""
    found = {"bioplaus": __version__}
    for package in packages or PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _revision() -> str | None:
    """Return the git commit of a checkout, read from its files; None for an installed package."""
    git = Path(__file__).resolve().parent.parent / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        return (git / head.removeprefix("ref: ")).read_text(encoding="utf-8").strip()
    except OSError:
        return None
