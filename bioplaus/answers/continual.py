"""``bioplaus theory continual``: two tasks learnt one after the other by binary weights with fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bioplaus.answers.base import Answer, Line, Theory, TheoryConfig, finite
from bioplaus.answers.taught import learned, two_tasks
from bioplaus.answers.text import table
from bioplaus.errors import ConfigError, SolverError
from bioplaus.fields import choice, ranged
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.progress import Silent

__all__ = ["Continual", "ContinualConfig"]

#: Loads of the second task in the figure.
LOADS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)


@dataclass
class ContinualConfig(TheoryConfig):
    """Settings of two tasks in sequence."""

    alpha1: float = ranged(2.0, above=0)
    """Patterns per weight of the first task."""
    alpha2: float = ranged(1.0, above=0)
    """Patterns per weight of the second task."""
    r0: float = ranged(0.0, -1, 1)
    """Overlap of the two teachers, in [-1, 1]."""
    gamma: float = ranged(1.0, 0)
    """Strength of the pull to what the first task left, >= 0."""
    beta: float = ranged(20.0, above=0)
    """Inverse temperature of the students."""
    branch: str = choice("stable", "stable", "first", "second")
    """stable (of larger free entropy) | first (where the first task still stands) | second (where the second one is learnt)."""
    N: int | None = ranged(None, 11)
    """Weights of a network that learns both tasks beside the theory (rule=vcl_binary); none if not given."""
    seeds: int = ranged(5, 2)
    """Networks with teachers and patterns of their own."""
    epochs: int = ranged(4000, 1)
    """Full-batch updates of each task."""
    lr: float = ranged(0.001, above=0)
    """Rate of these updates, AdamW."""


class Continual(Theory):
    """Two tasks learnt in sequence by binary weights with fields: errors of both, by the Franz-Parisi potential."""

    name = "continual"
    Config = ContinualConfig
    scannable = {  # noqa: RUF012
        "alpha2": "patterns per weight of the second task",
        "gamma": "pull to the first task, gamma",
        "r0": "overlap of the teachers r0",
    }
    columns = ("q", "r", "Q", "p_1", "p_2", "error_1", "error_2", "phi", "residual")
    upright = "probability of a wrong label"

    def check(self, config: ContinualConfig) -> None:
        if config.N is not None and config.scan:
            raise ConfigError(f"N={config.N} with scan={config.scan}: networks learn beside a single answer; leave one of them out")

    def title(self, config: ContinualConfig, *skip: str) -> str:
        words = [f"{key}={getattr(config, key):g}" for key in ("alpha1", "alpha2", "r0", "gamma", "beta") if key not in skip]
        return f"Two tasks, binary weights with fields: {', '.join(words)}"

    def point(self, config: ContinualConfig, progress: Silent) -> Answer:
        from bioplaus.theory.continual import first_task, left_by_first

        progress.note("solving; the first time loops are compiled, which takes up to a minute")
        before = asdict(left_by_first(config.alpha1, config.beta))
        after = self.solved(config)
        alone = asdict(first_task(config.alpha2, config.beta))
        rows = [
            ("", "q", "r", "Q", "p_1", "p_2", "error 1", "error 2"),
            (f"after task 1 ({before['branch']})", *_numbers(before), f"{before['p']:.5f}", "", f"{before['error']:.5f}", ""),
            ("after task 2", *_numbers(after), *(f"{after[key]:.5f}" for key in ("p_1", "p_2", "error_1", "error_2"))),
            (f"task 2 alone ({alone['branch']})", *_numbers(alone), "", f"{alone['p']:.5f}", "", f"{alone['error']:.5f}"),
        ]
        values = {key: getattr(config, key) for key in ("alpha1", "alpha2", "r0", "gamma", "beta", "branch")}
        values |= {**after, "first_task": before, "second_task_alone": alone, "simulation": None}
        if config.N is not None:
            settings = two_tasks(config.N, config.alpha1, config.alpha2, config.r0, config.gamma)
            settings |= {"seeds": config.seeds, "epochs": config.epochs, "rule.lr": config.lr}
            found = values["simulation"] = learned(settings, progress)
            shown = (*(f"{found[key]['mean']:.5f}" for key in ("p_1", "p_2")), *(_spread(found[key]) for key in ("error_1", "error_2")))
            rows.append((f"learned, N={config.N}, {config.seeds} seeds", "", "", "", *shown))
        Q = "" if config.N is None else f", that of the networks {values['simulation']['Q_1']['mean']:.3f}"
        note = f"Training minimises where theory samples: compare p and errors, beside Q of the first task (here {before['Q']:.3f}{Q})."
        title = self.title(config)
        return Answer(finite(values), "\n".join([title, *table(rows), note]), [self._picture(config, values["simulation"])])

    def limits(self, config: ContinualConfig) -> tuple[float, float]:
        return {"alpha2": (0.25, 5.0), "gamma": (0.0, 2.0), "r0": (-0.9, 0.9)}[str(config.scan)]

    def solved(self, config: ContinualConfig) -> Mapping[str, Any]:
        from bioplaus.theory.continual import second_task

        return asdict(second_task(config.alpha1, config.alpha2, config.r0, config.gamma, config.beta, config.branch))

    def lines(self, config: ContinualConfig) -> list[Line]:
        return [Line("first task", "error_1"), Line("second task", "error_2")]

    def jumps(self, before: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        return bool(abs((before["error_2"] or 0) - (row["error_2"] or 0)) > 0.15)

    def _picture(self, config: ContinualConfig, simulated: Mapping[str, Any] | None) -> Curves:
        found = []
        for load in sorted({*LOADS, config.alpha2}):
            try:
                found.append((load, self.solved(replace(config, alpha2=load))))
            except SolverError:  # a point that is not solved is not drawn
                continue
        loads, rows = [load for load, _ in found], [row for _, row in found]
        torn = [i for i in range(1, len(rows)) if self.jumps(rows[i - 1], rows[i])]
        told = [(line.label, [row[line.key] for row in rows]) for line in self.lines(config)]
        series = [Series(label, *_torn(loads, values, torn), colour=i) for i, (label, values) in enumerate(told)]
        for k, key in enumerate(("error_1", "error_2") if simulated else ()):
            one = simulated[key]  # type: ignore[index]
            bar = [one["std"] / len(one["values"]) ** 0.5]
            series.append(Series(f"learned, N={config.N}", [config.alpha2], [one["mean"]], bar, points=True, colour=k))
        panel = Panel("patterns per weight of the second task", "probability of a wrong label", series, marks=[(config.alpha2, "asked for")])
        bars = " Points: networks, bars of one standard error over seeds." if simulated else ""
        return Curves("continual.png", self.title(config, "alpha2"), [panel], f"Both tasks after the second one.{bars}")


def _spread(found: Mapping[str, Any]) -> str:
    low, high = found["ci95"]
    return f"{found['mean']:.4f} [{low:.4f}, {high:.4f}]"


def _torn(x: list[float], y: list[float], at: list[int]) -> tuple[list[float], list[float]]:
    """Return a line with a gap before each of some points: no state joins the branches on both sides."""
    xs, ys = list(x), list(y)
    for i in reversed(at):
        xs.insert(i, x[i])
        ys.insert(i, math.nan)
    return xs, ys


def _numbers(state: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{state[key]:.5f}" for key in ("q", "r", "Q"))
