"""How near a rule's wanted changes are to the gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.passes import downward
from bioplaus.probes.base import Observation, Probe
from bioplaus.probes.geometry import angle, length, ratio

__all__ = ["AngleProbe"]


class AngleProbe(Probe):
    """Angle and norm ratio between the rule's wanted changes and those of exact backpropagation.

    Both are of the forward weights, on the same batch and at the weights before it; backpropagation descends
    the task's loss. ``angle_to_bp = arccos(<g, g_bp> / (|g| |g_bp|))`` in degrees, 0 down the gradient and
    180 up, and ``norm_ratio_to_bp = |g| / |g_bp|``. A weight that the rule leaves alone has ratio 0 and no
    angle (NaN). Nothing is measured where a layer has no way back, such as a recurrent one.
    """

    sends = True

    def look(self, seen: Observation) -> dict[str, Tensor]:
        if any(layer.one_way for layer in seen.layers):
            return {}
        task = seen.model.task
        error = task.error(seen.run.out, seen.batch.y)
        exact = downward(seen.model.networks["forward"], seen.params, seen.run, error)
        angles, ratios = [], []
        for layer in seen.layers:
            bp = exact[layer.weight].dense()
            wanted = seen.wanted[layer.weight] if layer.weight in seen.wanted else torch.zeros_like(bp)
            angles.append(angle(wanted, bp))
            ratios.append(ratio(length(wanted), length(bp)))
        return {"angle_to_bp": torch.stack(angles, 1), "norm_ratio_to_bp": torch.stack(ratios, 1)}
