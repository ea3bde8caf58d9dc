"""Tasks learned one after the other: what each knows after each, what was forgotten, and what the next one gained.

With R[t, k] the test accuracy of task k after task t, R[0, k] before learning (Lopez-Paz & Ranzato 2017; Chaudhry et al. 2018)::

    average accuracy   mean_k R[T, k]
    forgetting         mean_{k<T} ( max_{k<=t<T} R[t, k] - R[T, k] )
    backward transfer  mean_{k<T} ( R[T, k] - R[k, k] )
    forward transfer   mean_{k>1} ( R[k-1, k] - R[0, k] )
    learning accuracy  mean_k R[k, k]    (plasticity: how well each task was learned in its turn)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioplaus.build import Feeds
from bioplaus.course import Course
from bioplaus.edits import perform
from bioplaus.errors import ConfigError
from bioplaus.evaluation import evaluate
from bioplaus.pack import Pack
from bioplaus.recorder import Row
from bioplaus.task_norms import as_told, put_aside
from bioplaus.view import Clock, Edits
from bioplaus.world import Model, learning_groups

__all__ = ["accuracy_matrices", "begin_task", "check_sequence", "measures", "scores_of_tasks"]

#: names of the metrics in the table of a run; their ``layer`` is the number of the task, from 0
METRIC = "task_accuracy"


def check_sequence(tasks: Sequence[Feeds], model: Model, later: float = 1.0) -> None:
    """Refuse a sequence of tasks without a score, of which nothing could be said, and a rate for later tasks where there are none."""
    if len(tasks) == 1 and later != 1:
        raise ConfigError(f"plasticity.later={later:g} is the rate of later tasks; give tasks=2 or more, or change rule.lr")
    if len(tasks) > 1 and not model.task.has_score:
        raise ConfigError(f"tasks={len(tasks)}: a sequence is judged by accuracies, and this network's task has none; choose a classifying one")


def begin_task(
    pack: Pack, clock: Clock, scores: Mapping[str, Tensor], learned: Feeds, *, fresh: bool, aside: int | None = None
) -> None:
    """Let the rule act between two tasks, event "task"; start the optimiser anew, and put normalisations aside as those of a task, if wanted.

    The clock shows the task that comes; ``feed()`` yields the training samples of the one that was learned, for the last time.
    """
    if aside is not None:
        put_aside(pack.model, pack.world, aside)
    pack.boundary("task", clock, scores, learned)
    if fresh:
        perform(pack.model, pack.world, Edits(forget=tuple(learning_groups(pack.model))))


def scores_of_tasks(
    pack: Pack, tasks: Sequence[Feeds], part: str, under_way: int, known: Mapping[int, Mapping[str, Tensor]] | None = None
) -> dict[str, Tensor]:
    """Return the accuracy of every task, ``[R, T]``, NaN for replicas that stopped; empty where a set is.

    Parameters
    ----------
    part
        "validation" or "test".
    under_way
        The task that is learned, from 0.
    known
        Scores that are there already, by task.
    """
    found = []
    for number, feeds in enumerate(tasks):
        scores = (known or {}).get(number)
        if scores is None:
            world = as_told(pack.model, pack.world, number, under_way)
            scores = evaluate(pack.model, world, getattr(feeds.of(pack.replicas), part))
        if "accuracy" not in scores:
            return {}
        found.append(scores["accuracy"].masked_fill(~pack.world.alive, float("nan")))
    return {METRIC: torch.stack(found, 1)}


def accuracy_matrices(rows: Sequence[Row], course: Course, seeds: int) -> NDArray[np.float64]:
    """Return R of every seed, ``[S, T + 1, T]``, from the rows of a run; NaN for what was not reached."""
    T = len(course.lengths)
    found = np.full((seeds, T + 1, T), np.nan)
    values: dict[int, list[float | None]] = {}
    for epoch, _, _, split, metric, _, value in rows:
        if split == "test" and metric == METRIC:
            values.setdefault(epoch, []).append(value)
    for epoch, column in values.items():
        after = course.task(epoch - 1) + 1 if epoch else 0
        # packs in order, in each the seeds in order, of each the tasks in order; an epoch looked at twice keeps its last look
        found[:, after] = np.array([np.nan if v is None else v for v in column[-seeds * T :]]).reshape(seeds, T)
    return found


def measures(matrix: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the five numbers above, each ``[S]``, from R ``[S, T + 1, T]``, T > 1."""
    T = matrix.shape[2]
    learned, last = matrix[:, 1:], matrix[:, T]
    own = np.stack([learned[:, k, k] for k in range(T)], 1)
    best = np.stack([learned[:, k : T - 1, k].max(1) for k in range(T - 1)], 1)
    ahead = np.stack([learned[:, k - 1, k] - matrix[:, 0, k] for k in range(1, T)], 1)
    return {
        "average_accuracy": last.mean(1),
        "forgetting": (best - last[:, :-1]).mean(1),
        "backward_transfer": (last - own)[:, :-1].mean(1),
        "forward_transfer": ahead.mean(1),
        "learning_accuracy": own.mean(1),
    }


def of_run(rows: Sequence[Row], course: Course, seeds: int) -> dict[str, Any]:
    """Return what the summary of a sequence holds: the matrix and the five numbers, with mean, spread and interval over the seeds."""
    from bioplaus.stats import summarise, t_interval

    matrix = accuracy_matrices(rows, course, seeds)
    mean, std, low, high = t_interval(matrix)
    plain = {"mean": mean, "std": std, "low": low, "high": high}
    return {
        "tasks": len(course.lengths),
        "accuracy_matrix": {
            **{name: _plain(array[1:]) for name, array in plain.items()},
            "before": _plain(mean[0]),
            "values": _plain(matrix[:, 1:]),
        },
        **{name: summarise(list(values)) for name, values in measures(matrix).items()},
    }


def _plain(array: NDArray[np.float64]) -> Any:
    """Return nested lists with None for what is not a number."""
    if array.ndim == 0:
        return float(array) if np.isfinite(array) else None
    return [_plain(one) for one in array]
