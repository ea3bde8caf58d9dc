"""``bioplaus theory perceptron``: a teacher learnt by binary weights, and random labels stored; where the first-order transition lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bioplaus.answers.base import Answer, Line, Theory, TheoryConfig, finite
from bioplaus.answers.text import table
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.progress import Silent

__all__ = ["Perceptron", "PerceptronConfig"]

#: Loads of the figure.
LOADS = [0.02 + 0.02 * i for i in range(110)]


@dataclass
class PerceptronConfig(TheoryConfig):
    """Settings of the perceptron with binary weights."""

    what: str = choice("state", "state", "transition", "spinodal", "capacity")
    """state (at alpha) | transition (the teacher becomes the stable state) | spinodal (the state q < 1 ends) | capacity (of random labels)."""
    alpha: float = ranged(1.0, above=0)
    """Patterns per weight."""
    labels: str = choice("teacher", "teacher", "random")
    """Where labels come from: teacher | random."""
    branch: str = choice("metastable", "metastable", "stable")
    """Of a teacher's labels: the state q < 1 while there is one | the state of larger entropy."""


class Perceptron(Theory):
    """The perceptron with binary weights: learning from a teacher, its first-order transition, and storage of random labels."""

    name = "perceptron"
    Config = PerceptronConfig
    scannable = {"alpha": "patterns per weight alpha"}  # noqa: RUF012
    columns = ("q", "q_hat", "entropy", "error_gibbs", "error_bayes")
    upright = "probability of a wrong label"

    def check(self, config: PerceptronConfig) -> None:
        if config.scan and config.what != "state":
            raise ConfigError(f"scan={config.scan} is of the state; leave what={config.what} out")
        if config.labels == "random" and config.branch == "stable":
            raise ConfigError("branch=stable belongs to labels=teacher; random labels have one state")

    def title(self, config: PerceptronConfig, *skip: str) -> str:
        of = {"teacher": "learning from a teacher", "random": "storing random labels"}[config.labels]
        return f"Perceptron with binary weights, {of}" + ("" if "alpha" in skip or config.what != "state" else f": alpha={config.alpha:g}")

    def point(self, config: PerceptronConfig, progress: Silent) -> Answer:
        from bioplaus.theory import perceptron

        if config.what == "state":
            values = {"what": "state", "labels": config.labels, "alpha": config.alpha, **self.solved(config)}
        elif config.what == "capacity":
            values = {"what": "capacity", "labels": "random", **asdict(perceptron.storage_capacity())}
        else:
            found = perceptron.transition() if config.what == "transition" else perceptron.spinodal()
            values = {"what": config.what, "labels": "teacher", **asdict(found)}
        shown = {words: values[key] for key, words in WORDS.items() if values.get(key) is not None}
        rows = [(words, "infinite" if math.isinf(value) else f"{round(value, 6) + 0.0:.6f}") for words, value in shown.items()]
        title = {"transition": "The teacher becomes the stable state", "spinodal": "The state q < 1 ends", "capacity": "No weights store more"}
        head = title.get(config.what, self.title(config))
        return Answer(finite(values), "\n".join([head, *table(rows)]), [_picture(config)])

    def limits(self, config: PerceptronConfig) -> tuple[float, float]:
        return (0.05, 2.0) if config.labels == "teacher" else (0.05, 1.2)

    def solved(self, config: PerceptronConfig) -> Mapping[str, Any]:
        from bioplaus.theory import perceptron

        if config.labels == "random":
            return {**asdict(perceptron.storage(config.alpha)), "error_gibbs": None, "error_bayes": None}
        return asdict(perceptron.teacher_student(config.alpha, config.branch))

    def lines(self, config: PerceptronConfig) -> list[Line]:
        if config.labels == "random":
            return [Line("overlap q", "q"), Line("entropy per weight", "entropy")]
        return [Line("a student at random (Gibbs)", "error_gibbs"), Line("majority of all (Bayes)", "error_bayes")]

    def marks(self, config: PerceptronConfig) -> list[tuple[float, str]]:
        from bioplaus.theory import perceptron

        if config.labels == "random":
            return [(perceptron.storage_capacity().alpha, "capacity")]
        return [(perceptron.transition().alpha, "transition"), (perceptron.spinodal().alpha, "spinodal")]

    def jumps(self, before: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        return bool(abs((before["q"] or 0) - (row["q"] or 0)) > 0.1)


WORDS = {
    "alpha": "patterns per weight, alpha",
    "q": "overlap q",
    "q_hat": "its conjugate",
    "entropy": "entropy per weight",
    "error_gibbs": "wrong labels, a student at random (Gibbs)",
    "error_bayes": "wrong labels, majority of all (Bayes)",
}


def _picture(config: PerceptronConfig) -> Curves:
    from bioplaus.theory import perceptron

    end, turn = perceptron.spinodal(), perceptron.transition()
    loads = [alpha for alpha in LOADS if alpha < end.alpha]
    learnt = [perceptron.teacher_student(alpha) for alpha in loads]
    kept = [alpha for alpha in LOADS if alpha < 1.2]
    stored = [perceptron.storage(alpha) for alpha in kept]
    errors = [
        Series("a student at random (Gibbs)", loads, [state.error_gibbs for state in learnt]),
        Series("majority of all (Bayes)", loads, [state.error_bayes for state in learnt], colour=1),
        Series("the teacher itself", [turn.alpha, LOADS[-1]], [0.0, 0.0], colour=None),
    ]
    entropies = [
        Series("a teacher's labels", loads, [state.entropy for state in learnt]),
        Series("random labels", kept, [state.entropy for state in stored], colour=1),
    ]
    load = "patterns per weight alpha"
    panels = [
        Panel(load, "probability of a wrong label", errors, title="learning from a teacher", marks=[(turn.alpha, "transition")]),
        Panel(load, "entropy per weight", entropies, title="solutions that are left", marks=[(turn.alpha, "")]),
    ]
    note = "Beyond the transition q < 1 is metastable, up to the spinodal, where lines end. Random labels: no solution below entropy 0."
    return Curves("perceptron.png", "Perceptron with binary weights", panels, note, shared=False)
