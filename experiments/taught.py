"""What claims about perceptrons and their teachers share: overlaps at the end of a run and over its epochs, the row of a mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioplaus.experiments.claims import Measurement

__all__ = ["ends_of", "error_over_epochs", "overlap_at_steps", "overlaps_at_the_end", "row_of"]


def ends_of(settings: Mapping[str, Any], folder: str) -> list[tuple[list[float], float]]:
    """Return, per seed, the overlaps of the last signs with every teacher, and <m^2> at the end of the first task (of the run, if it is one)."""
    from bioplaus import api
    from bioplaus.answers.taught import overlaps

    return overlaps(api.load(_finished(settings, folder)))


def overlaps_at_the_end(settings: Mapping[str, Any], folder: str) -> list[float]:
    """Return, per seed, the overlap of the last signs with the first teacher."""
    return [p[0] for p, _ in ends_of(settings, folder)]


def error_over_epochs(settings: Mapping[str, Any], folder: str) -> tuple[list[int], list[float], list[float]]:
    """Return epochs, and mean and standard error over the seeds of ``arccos(p)/pi``, p the overlap with the first teacher.

    The run needs the probe `overlap`.
    """
    import numpy as np

    when, p = _course(settings, folder, 0)
    values = np.arccos(np.clip(p, -1, 1)) / np.pi
    error = np.std(values, 0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros(values.shape[1])
    return when, values.mean(0).tolist(), error.tolist()


def overlap_at_steps(settings: Mapping[str, Any], folder: str) -> tuple[list[int], Any]:
    """Return updates, and the overlap with the first teacher at each of them, ``[seeds, looks]``."""
    return _course(settings, folder, 1)


def _course(settings: Mapping[str, Any], folder: str, column: int) -> tuple[list[int], Any]:
    """Return when the probe looked (column 0: epoch, 1: update) and what it saw of the first teacher, ``[seeds, looks]``."""
    import numpy as np

    from bioplaus.recorder import read_metrics, rows_of
    from bioplaus.store import Store

    found: dict[int, dict[int, float]] = {}
    for row in rows_of(read_metrics(Store.open(_finished(settings, folder)).metrics)):
        if row[4] == "overlap" and row[5] == 0 and row[6] is not None:
            found.setdefault(row[2], {})[int(row[column] or 0)] = row[6]
    when = sorted(next(iter(found.values())))
    return when, np.array([[values[one] for one in when] for values in found.values()])


def _finished(settings: Mapping[str, Any], folder: str) -> Any:
    """Return where the run with these settings is; it is run if it is not there."""
    from bioplaus import config, kept
    from bioplaus.experiments.rows import measure

    measure(settings, folder)
    store = kept.found(config.resolve({**settings, "run.root": folder, "run.figures": False}))
    assert store is not None
    return store.path


def row_of(name: str, values: list[float], target: str, settings: Mapping[str, Any], note: str = "") -> Measurement:
    """Return the row of a mean over seeds, with its 95 % interval and no verdict."""
    from bioplaus.stats import summarise

    found = summarise(values)
    ci95 = tuple(found["ci95"]) if found["ci95"] else None
    return Measurement(name, target, found["mean"], ci95, len(values), None, dict(settings), note)
