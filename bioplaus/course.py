"""The course of a run: its updates, epochs and tasks, and which of them is under way at an update."""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.view import Clock

__all__ = ["Course"]


@dataclass(frozen=True)
class Course:
    """Tasks one after the other, each for the same number of epochs; a run with one task is the usual case.

    Parameters
    ----------
    lengths
        Updates of one epoch, per task (tasks may have different numbers of samples).
    each
        Epochs of a task.
    total
        Updates of the run; a last epoch may be broken off.
    """

    lengths: tuple[int, ...]
    each: int
    total: int

    @property
    def epochs(self) -> int:
        """Epochs of the run, a last broken one included."""
        left, epochs = self.total, 0
        for length in self.lengths[:-1]:
            if left <= self.each * length:
                return epochs + -(-left // length)
            left, epochs = left - self.each * length, epochs + self.each
        return epochs + -(-left // self.lengths[-1])

    def task(self, epoch: int) -> int:
        """Return the task that an epoch belongs to, counted from 0."""
        return min(epoch // self.each, len(self.lengths) - 1) if self.each else 0

    def start(self, epoch: int) -> int:
        """Return how many updates come before an epoch."""
        task = self.task(epoch)
        return self.each * sum(self.lengths[:task]) + (epoch - self.each * task) * self.lengths[task]

    def opens(self, epoch: int) -> bool:
        """Return whether a task other than the first begins with this epoch, and the run gets there."""
        return 0 < epoch < self.epochs and self.task(epoch) != self.task(epoch - 1)

    def clock(self, step: int) -> Clock:
        """Return the clock after so many updates: it shows what comes next."""
        task, left = 0, step
        while task < len(self.lengths) - 1 and left >= self.each * self.lengths[task]:
            left -= self.each * self.lengths[task]
            task += 1
        return Clock(step, self.each * task + left // self.lengths[task], task, self.lengths[task], self.total)
