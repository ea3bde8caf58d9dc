"""Where jobs come from: the packs of a plan, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from bioplaus.sweeping.cells import Cell
from bioplaus.sweeping.job import Job, finished, jobs_of
from bioplaus.sweeping.plan import Plan

__all__ = ["Grid", "Source"]


class Source(Protocol):
    """Gives jobs and takes their results."""

    @property
    def cells(self) -> Sequence[Cell]:
        """The cells so far; records name them by position."""

    @property
    def costs(self) -> dict[str, float]:
        """Label of every job there will be -> what it costs, in epochs of one network."""

    @property
    def before(self) -> dict[str, dict[str, Any]]:
        """Label -> result of what an earlier session finished."""

    def next(self) -> Job | None:
        """Return a job that nobody has, None if there is none now."""

    def take(self, job: Job, result: dict[str, Any]) -> None:
        """Hear what came of a job."""


class Grid:
    """All packs of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.cells = plan.cells
        jobs = jobs_of(plan.path, plan.packs)
        self.costs = {job.label: float(len(job.members) * max(plan.epochs, 1)) for job in jobs}
        found = {job.label: finished(job) for job in jobs}
        self.before = {label: result for label, result in found.items() if result is not None}
        # the longest first, so that no process is left with one at the end
        self._waiting = sorted((job for job in jobs if job.label not in self.before), key=lambda job: len(job.members))

    def next(self) -> Job | None:
        """Return the next pack."""
        return self._waiting.pop() if self._waiting else None

    def take(self, job: Job, result: dict[str, Any]) -> None:
        """Nothing that comes depends on what came."""
