"""A network that learns from two teachers in sequence, beside what theory says of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bioplaus.progress import Silent

if TYPE_CHECKING:
    from bioplaus.api import Result

__all__ = ["IN_SEQUENCE", "LEARNER", "learned", "overlaps", "two_tasks"]

#: Variational learning of the fields of a single layer.
LEARNER: dict[str, Any] = {
    "rule": "vcl_binary",
    "data": "teacher",
    "network": "perceptron",
    "probes": [],
    "threads": 1,
    "data.checked": 100,
    "run.checkpoint_every": 1000,
}
#: Two tasks of it, on full batches.
IN_SEQUENCE: dict[str, Any] = {**LEARNER, "tasks": 2, "plasticity": "adamw", "plasticity.weight_decay": 1e-3, "fresh_optimiser": True}


def two_tasks(N: int, alpha1: float, alpha2: float, r0: float, gamma: float, **more: Any) -> dict[str, Any]:
    """Return the settings of a run of two tasks of N weights; further ones are ``epochs``, ``seeds``, ``lr`` ..."""
    given = {"data.N": N, "data.alpha": alpha1, "data.alpha_later": alpha2, "data.r0": r0, "rule.gamma": gamma}
    return {**IN_SEQUENCE, **given, "batch_size": math.ceil(max(alpha1, alpha2) * N) + 1, **more}


def overlaps(result: Result) -> list[tuple[list[float], float]]:
    """Return, per seed, the overlaps of the last signs with every teacher, and <m^2> at the end of the first task (of the run, if it is one)."""
    from bioplaus.probes.overlap import overlap
    from bioplaus.tasks import Decision

    simulator = result.simulator
    found = []
    for pack in simulator.packs:
        task, theta = pack.model.task, pack.world.params["forward/0/weight"]
        assert isinstance(task, Decision) and task.teachers is not None
        first = pack.world.state["prior/forward/0/weight"] if len(simulator.tasks) > 1 else theta
        Q = first.double().tanh().square().mean((1, 2))
        found += list(zip(overlap(theta, task.teachers).clamp(-1, 1).tolist(), Q.tolist()))
    return found


def learned(settings: Mapping[str, Any], progress: Silent) -> dict[str, Any]:
    """Return overlaps p_1, p_2, errors and Q of the first task after a run, each with mean and 95 % interval over seeds."""
    from bioplaus import api
    from bioplaus.stats import summarise

    ends = overlaps(api.simulate({**settings, "run.save": False}, progress=progress))
    found: dict[str, Any] = {"N": settings["data.N"], "seeds": len(ends), "epochs": settings["epochs"], "lr": settings["rule.lr"]}
    for k in (0, 1):
        found[f"p_{k + 1}"] = summarise([p[k] for p, _ in ends])
        found[f"error_{k + 1}"] = summarise([math.acos(p[k]) / math.pi for p, _ in ends])
    return {**found, "Q_1": summarise([Q for _, Q in ends])}
