"""Progress while it works: a bar on a terminal, plain lines elsewhere; always on stderr, so stdout stays the result's."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Progress", "Silent"]

#: Seconds of silence after which to look whether the first updates wait for a compiler.
PATIENCE = 5.0
#: Seconds after which a line is due although a tenth of the way has not passed.
PAUSE = 60.0


class Silent:
    """Shows nothing."""

    def start(self, total: int, done: int, title: str) -> None:
        """Begin; total and done in updates."""

    def update(self, done: int, text: str) -> None:
        """Report that so many updates are done."""

    def note(self, text: str) -> None:
        """Say something that does not wait for the end."""

    def validated(self, epoch: int, scores: Mapping[str, Tensor]) -> None:
        """Hear the validation scores after an epoch, metric -> [R] of all replicas; what it raises ends the run there."""

    def stop(self) -> None:
        """End."""


class Progress(Silent):
    """A rich bar if stderr is a terminal, otherwise a line every tenth of the way or every minute, with the time that is left."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._total = 1
        self._first = 0
        self._next = 0.0
        self._began = self._said = time.perf_counter()
        self._watch: threading.Timer | None = None
        self._worker = 0

    def start(self, total: int, done: int, title: str) -> None:
        self._total, self._first = max(total, 1), done
        self._began = self._said = time.perf_counter()
        self._next = done / self._total + 0.1
        self._worker = threading.get_ident()
        self._wait()
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:3.0f}%"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[text]}"),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(title, total=total, completed=done, text="")
        else:
            print(title, file=sys.stderr, flush=True)

    def _wait(self) -> None:
        self._watch = threading.Timer(PATIENCE, self._look)
        self._watch.daemon = True
        self._watch.start()

    def _look(self) -> None:
        """Say so if nothing has come yet because loops are being compiled; else look again."""
        frame = sys._current_frames().get(self._worker)
        while frame is not None and not frame.f_globals.get("__name__", "").startswith("numba.core"):
            frame = frame.f_back
        if frame is not None:
            self.note("compiling loops, once per installation; up to a minute")
        elif self._watch is not None:
            self._wait()

    def _seen(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def update(self, done: int, text: str) -> None:
        self._seen()
        if self._bar is not None:
            self._bar.update(self._task, completed=done, text=text)
            return
        now = time.perf_counter()
        if done / self._total >= self._next or now - self._said >= PAUSE:
            self._next, self._said = done / self._total + 0.1, now
            seconds = now - self._began
            left = seconds * (self._total - done) / max(done - self._first, 1)  # a run that goes on had some of its updates before
            more = f"  about {left / 60:.0f} min left" if left >= PAUSE else ""
            print(f"  {100 * done / self._total:3.0f} %  {seconds:6.1f} s  {text}{more}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        print(f"note: {text}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        self._seen()
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
