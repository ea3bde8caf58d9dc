"""The measurements of a run as events of TensorBoard, beside ``metrics.parquet``: ``run.tensorboard=true``.

Who keeps the measurements (`Store.write_metrics`) tells whoever listens; the simulator knows nothing of it.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bioplaus.errors import ConfigError, RunError
from bioplaus.recorder import Row
from bioplaus.settings import Settings
from bioplaus.store import Listener

__all__ = ["FOLDER", "Events", "listeners"]

#: Below the run directory; each seed has a folder in it, which TensorBoard shows as a run.
FOLDER = "tensorboard"


def listeners(settings: Settings) -> tuple[Listener, ...]:
    """Return who wants to be told of measurements.

    Raises
    ------
    ConfigError
        If TensorBoard is asked for and is not installed, or the run is not kept.
    """
    if not settings.run.tensorboard:
        return ()
    if not settings.run.save:
        raise ConfigError("run.tensorboard=true writes into the run directory, and run.save=false makes none; leave one of them out")
    if importlib.util.find_spec("tensorboard") is None:
        raise ConfigError("run.tensorboard=true needs a package that is not installed: pip install tensorboard")
    return (Events(),)


class Events:
    """Writes rows as scalars, ``split/metric`` or ``split/metric/layer`` against updates.

    A process writes what was there before it anew, so that a run that goes on shows every number once.
    """

    def __init__(self) -> None:
        self._writers: dict[int, Any] = {}
        self._done = 0

    def __call__(self, run: Path, rows: Sequence[Row]) -> None:
        """Write the rows that are new.

        Raises
        ------
        RunError
            If the folder cannot be written.
        """
        try:
            if not self._done:
                shutil.rmtree(run / FOLDER, ignore_errors=True)
            for _, step, seed, split, metric, layer, value in rows[self._done :]:
                if value is not None:
                    name = f"{split}/{metric}" + ("" if layer is None else f"/layer {layer}")
                    self._writer(run, seed).add_scalar(name, value, step)
            for writer in self._writers.values():
                writer.flush()
        except OSError as error:
            raise RunError(f"cannot write {run / FOLDER}: {error.strerror}; free space or mend permissions, then bioplaus resume") from error
        self._done = len(rows)

    def _writer(self, run: Path, seed: int) -> Any:
        if seed not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            self._writers[seed] = SummaryWriter(str(run / FOLDER / f"seed {seed}"))  # type: ignore[no-untyped-call]
        return self._writers[seed]
