"""How far a perceptron has found the teacher that labelled its samples."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.probes.base import Observation, Probe
from bioplaus.tasks import Decision
from bioplaus.world import Model

__all__ = ["OverlapProbe", "overlap"]


class OverlapProbe(Probe):
    """Overlap of the signs of a perceptron's weights with each teacher of the run.

    ``overlap`` in [-1, 1] per task (in place of the layer): share of equal signs less that of unequal ones, ``sign(w) . B / N``, a weight of 0
    counting as +1. The probability of a wrong label by signs alone is ``arccos(overlap)/pi`` for many weights.
    """

    def refuses(self, model: Model) -> str:
        if not isinstance(model.task, Decision) or model.task.teachers is None:
            return "no teacher labelled these samples; take data=teacher network=perceptron"
        return super().refuses(model)

    def look(self, seen: Observation) -> dict[str, Tensor]:
        task = seen.model.task
        if not isinstance(task, Decision) or task.teachers is None:
            return {}
        return {"overlap": overlap(seen.params[seen.layers[0].weight], task.teachers)}


def overlap(weight: Tensor, teachers: Tensor) -> Tensor:
    """Return the overlaps ``[R, T]`` of the signs of weights ``[R, 1, N]`` with teachers ``[R, T, N]``, float64."""
    signs = torch.where(weight < 0, -1.0, 1.0).to(teachers.dtype)
    return (signs * teachers).double().mean(-1)
