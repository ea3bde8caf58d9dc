"""How far a comparison is: a line on stderr per finished cell, with the time that is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

__all__ = ["Watch", "clock"]


class Watch:
    """Tells the user what is done.

    Parameters
    ----------
    work
        Row -> cell -> what it costs, in epochs of one network.
    silent
        Whether to keep quiet.
    noun
        What a row is called.
    """

    def __init__(self, work: Mapping[str, Mapping[str, float]], *, silent: bool = False, noun: str = "rows") -> None:
        self.work, self.silent, self.noun = work, silent, noun
        self.share = {row: dict.fromkeys(cells, 0.0) for row, cells in work.items()}
        self.before = 0.0
        self.began = time.perf_counter()
        self.finished = 0
        self._told: set[tuple[str, str]] = set()

    def at(self, row: str, cell: str, share: float) -> None:
        """Note how much of a cell is done; the first word of a cell that was done already says where this session began."""
        if cell not in self.share[row]:
            return
        if (row, cell) not in self._told:
            self._told.add((row, cell))
            self.before += share * self.work[row][cell]
        ended = share >= 1 > self.share[row][cell]
        self.share[row][cell] = share
        if ended and cell == "tuning":
            self._say(f"{row}: rate chosen")

    def done(self, row: str, text: str) -> None:
        """Note that a row is finished, or failed, or was finished before."""
        for cell in self.share[row]:
            if text:  # what was not done here is no work of this session
                self.before += self.work[row][cell] * (1 - self.share[row][cell])
            self.share[row][cell] = 1.0
        self.finished += 1
        failed = text and text != "finished before"
        self._say(f"{row}: {'failed: ' + text if failed else text or 'done'}")

    @property
    def left(self) -> float | None:
        """Seconds left at the present pace, None before anything is known."""
        total = sum(sum(cells.values()) for cells in self.work.values())
        done = sum(self.share[row][cell] * cost for row, cells in self.work.items() for cell, cost in cells.items())
        new = done - self.before
        return None if new <= 0 or done >= total else (time.perf_counter() - self.began) * (total - done) / new

    def _say(self, text: str) -> None:
        if self.silent:
            return
        left = self.left
        rest = "" if left is None else f", about {clock(left)} left"
        took = clock(time.perf_counter() - self.began)
        print(f"  [{self.finished}/{len(self.work)} {self.noun}, {took}{rest}] {text}", file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """Return a duration in words.

    Examples
    --------
    >>> clock(75), clock(4000)
    ('1 min 15 s', '1 h 6 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
