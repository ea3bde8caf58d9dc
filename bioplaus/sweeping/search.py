"""Cells found by a search: Optuna proposes one whenever a process is free, from what the ones before validated.

A trial is a cell with all its seeds. What it is told is the mean validation error (1 - accuracy) or loss of its tested weights; the test set is
never looked at. What is drawn for a trial follows from the seed of the search, the trial's number and the trials that were told before, so that
a search on one worker is repeatable, and one that was killed goes on as it would have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bioplaus.fields import written
from bioplaus.sweeping.cells import Cell
from bioplaus.sweeping.grammar import Space
from bioplaus.sweeping.job import Job, finished
from bioplaus.sweeping.optional import needed
from bioplaus.sweeping.packing import distance
from bioplaus.sweeping.plan import USUAL, Plan
from bioplaus.sweeping.study import open_study

__all__ = ["Search"]


class Search:
    """The trials of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._optuna = needed("optuna", "a search")
        self._plan = plan
        self._study = open_study(plan.path, plan.options.prune)
        self._swept = {key: space for key, space in plan.spaces.items() if len(space.values) > 1}
        self.cells: list[Cell] = [self._cell(trial.params) for trial in self._trials()]
        count = max(plan.options.trials or 0, len(self.cells))
        cost = float(len(plan.seeds) * max(plan.epochs, 1))
        self.costs = {self._label(number): cost for number in range(count)}
        self.before: dict[str, dict[str, Any]] = {}
        self._waiting: list[Job] = []
        for trial in self._trials():
            job = self._job(trial.number)
            result = finished(job)
            if result is None:
                self._waiting.append(job)
            else:
                self.before[job.label] = result
                self.take(job, result)

    def next(self) -> Job | None:
        """Return a trial that an earlier session left unfinished, else a new one."""
        if self._waiting:
            return self._waiting.pop(0)
        if len(self.cells) >= (self._plan.options.trials or 0):
            return None
        self._study.sampler = self._sampler(len(self.cells))
        trial = self._study.ask({key: self._distribution(space) for key, space in self._swept.items()})
        self.cells.append(self._cell(trial.params))
        return self._job(trial.number)

    def take(self, job: Job, result: dict[str, Any]) -> None:
        """Tell the study what came of a trial, unless it knows."""
        states, number = self._optuna.trial.TrialState, job.members[0][0]
        if self._trials()[number].state.is_finished():
            return
        if result.get("pruned") is not None:
            self._study.tell(number, state=states.PRUNED)
            return
        values = [self._value(record) for record in result["records"]]
        if all(math.isfinite(value) for value in values):
            self._study.tell(number, float(np.mean(values)))
        else:
            self._study.tell(number, state=states.FAIL)

    def _value(self, record: dict[str, Any]) -> float:
        accuracy, loss = record["validation_accuracy"], record["validation_loss"]
        if self._plan.options.by == "accuracy" and accuracy is not None:
            return 1.0 - float(accuracy)
        return math.nan if loss is None else float(loss)

    def _trials(self) -> Sequence[Any]:
        return self._study.get_trials(deepcopy=False)  # type: ignore[no-any-return]

    def _sampler(self, number: int) -> Any:
        """Return a sampler of this trial's own: one with a memory would draw its first values again after a kill."""
        seed = int(np.random.SeedSequence([self._plan.options.sampler_seed, number]).generate_state(1)[0])
        samplers = self._optuna.samplers
        return samplers.RandomSampler(seed=seed) if self._plan.options.sampler == "random" else samplers.TPESampler(seed=seed)

    def _distribution(self, space: Space) -> Any:
        """Return Optuna's word for a space; values that are listed are told apart by how they are written."""
        kinds = self._optuna.distributions
        if space.interval:
            return kinds.FloatDistribution(*map(float, space.values), log=space.kind == "log")
        if space.kind == "whole":
            low, high = min(space.values), max(space.values)
            return kinds.IntDistribution(low, high, step=abs(space.values[1] - space.values[0]))
        return kinds.CategoricalDistribution([written(value) for value in space.values])

    def _cell(self, params: dict[str, Any]) -> Cell:
        listed = {key: {written(value): value for value in space.values} for key, space in self._swept.items()}
        swept = {key: listed[key].get(params[key], params[key]) for key in self._swept}
        shared = {key: space.values[0] for key, space in self._plan.spaces.items()}
        return Cell(swept, {**USUAL, **shared, **swept})

    def _label(self, number: int) -> str:
        return f"{number:04d}"

    def _job(self, number: int) -> Job:
        plan = self._plan
        study = {"path": str(plan.path), "trial": number, "by": plan.options.by, "prune": plan.options.prune}
        seeds = {"seed": plan.seeds[0], "seeds": len(plan.seeds), "seed_step": distance(plan.seeds)}
        members = tuple((number, seed) for seed in plan.seeds)
        folder = str(plan.path / "packs" / self._label(number))
        return Job(folder, {**self.cells[number].settings, **seeds}, members, study if plan.options.prune != "none" else None)
