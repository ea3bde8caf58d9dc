"""Runs that survive: a finished one is read again, an interrupted one is resumed, and only what is missing is run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bioplaus import api, config
from bioplaus.errors import BioplausError
from bioplaus.progress import Progress, Silent
from bioplaus.settings import Settings
from bioplaus.store import Store

__all__ = ["found", "measure"]


def found(wanted: Settings) -> Store | None:
    """Return the run with these settings from its root folder, finished or not; None if it was never started.

    A run kept by an earlier version, which lacks a setting that came later, counts as having that setting's default.
    """
    tree, text = config.as_dict(wanted), config.to_yaml(wanted)
    paths = sorted(Path(wanted.run.root).expanduser().glob("*/config.yaml"))
    same = (path for path in paths if path.read_text(encoding="utf-8") == text)
    older = (path for path in paths if _tree(path) == tree)  # reading settings is slow: only if no file has the very text
    path = next(same, None) or next(older, None)
    return None if path is None else Store.open(path.parent)


def _tree(path: Path) -> dict[str, Any] | None:
    """Return the settings in a file as plain data; None if this version cannot read them."""
    try:
        return config.as_dict(config.resolve({}, file=config.read_file(path), locate=False))
    except BioplausError:
        return None


def measure(settings: Mapping[str, Any], folder: str | Path, progress: Silent | None = None, *, controls: bool = False) -> dict[str, Any]:
    """Return the summary of a run with these overrides, from `folder` if it is there already; the run draws no figures.

    Controls that the rule wants beside the run follow it if they are asked for.
    """
    wanted = config.resolve({**settings, "run.root": str(folder), "run.figures": False})
    progress = progress or Progress()
    store = found(wanted)
    if store is None:
        return api.run(wanted, progress, controls=controls).summary
    summary = store.summary()
    return summary if summary is not None else api.resume(store.path, progress, controls=controls).summary
