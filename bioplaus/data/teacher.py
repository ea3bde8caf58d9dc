"""Binary teachers: N inputs of +1 and -1, labels ``sign(B . x)``, drawn anew for every seed; several tasks have correlated teachers.

Setting of the Ising perceptron with a teacher (Gyorgyi 1990) and of its continual form (Li et al. 2022, arXiv:2212.02846).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bioplaus.data.base import DataConfig, Splits
from bioplaus.errors import ConfigError
from bioplaus.fields import ranged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SUMMARY", "Config", "TeacherConfig", "draw", "locate", "sequence", "teachers"]

SUMMARY = "N random signs labelled by a binary teacher, alpha N of them, per seed; tasks=2: teachers of overlap data.r0; no files needed"
#: kinds of draws, each of its own
_FIRST, _FLIPS, _SAMPLES = 100, 101, 102


@dataclass
class TeacherConfig(DataConfig):
    """Settings of the binary teachers."""

    name: str = "teacher"
    validation: float = 0.0
    """Always 0: data.checked fresh samples stand for it."""
    N: int = ranged(1001, 1)
    """Inputs; odd, so that no label is a tie (a tie is +1)."""
    alpha: float = ranged(1.0, above=0)
    """Load: a task has round(alpha N) training samples."""
    alpha_later: float | None = ranged(None, above=0)
    """Load of the tasks behind the first; that of the first if not given."""
    r0: float = ranged(0.0, -1, 1)
    """Overlap of each later teacher with the first: its signs agree with probability (1 + r0)/2."""
    checked: int = ranged(1000, 1)
    """Fresh samples of each task to validate on, and as many to test on."""


Config = TeacherConfig


def locate(config: TeacherConfig) -> None:
    """Refuse what drawn samples cannot have.

    Raises
    ------
    ConfigError
        A part for validation, a limit or augmentation is asked for, or no sample is left.
    """
    if config.validation or config.limit is not None or config.augment != "none":
        raise ConfigError("data=teacher takes no data.validation, data.limit or data.augment: N, alpha and checked give the sizes")
    if round(min(config.alpha, config.alpha_later or config.alpha) * config.N) < 1:
        raise ConfigError(f"data.alpha is too small for data.N={config.N}: no training sample is left")


def teachers(config: TeacherConfig, seed: int, tasks: int) -> NDArray[np.float32]:
    """Return the teachers of a seed, ``[tasks, N]`` of +1 and -1; the first does not depend on their number."""
    import numpy as np

    first = 2 * _generator(seed, _FIRST).integers(0, 2, config.N) - 1
    rows = [first]
    for task in range(1, tasks):
        rows.append(np.where(_generator(seed, _FLIPS, task).random(config.N) < (1 + config.r0) / 2, first, -first))
    return np.stack(rows).astype(np.float32)


def draw(config: TeacherConfig, seeds: tuple[int, ...]) -> Splits:
    """Return the first task of every seed."""
    return sequence(config, seeds, 1)[0]


def sequence(config: TeacherConfig, seeds: tuple[int, ...], tasks: int) -> list[Splits]:
    """Return the tasks, samples ``[S, P, N]`` fresh for each task and seed; labels 1 for ``B . x >= 0``, else 0."""
    import numpy as np

    locate(config)
    B = np.stack([teachers(config, seed, tasks) for seed in seeds])
    found = []
    for task in range(tasks):
        load = config.alpha if task == 0 or config.alpha_later is None else config.alpha_later
        sizes = {"train": round(load * config.N), "validation": config.checked, "test": config.checked}
        x = {
            part: np.stack([_signs(seed, task, kind, (n, config.N)) for seed in seeds])
            for kind, (part, n) in enumerate(sizes.items())
        }
        y = {part: (np.einsum("spn,sn->sp", one, B[:, task]) >= 0).astype(np.int64) for part, one in x.items()}
        found.append(
            Splits(
                name="teacher",
                train_x=x["train"],
                train_y=y["train"],
                validation_x=x["validation"],
                validation_y=y["validation"],
                test_x=x["test"],
                test_y=y["test"],
                classes=2,
                shape=(config.N,),
                mean=(0.0,),
                std=(1.0,),
                train_index=np.arange(sizes["train"]),
                validation_index=np.arange(config.checked),
                test_index=np.arange(config.checked),
                seeds=seeds,
                teachers=B,
            )
        )
    return found


def _signs(seed: int, task: int, kind: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    return (2 * _generator(seed, _SAMPLES, task, kind).integers(0, 2, shape, dtype="int8") - 1).astype("float32")


def _generator(seed: int, *what: int) -> np.random.Generator:
    import numpy as np

    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *what])))
