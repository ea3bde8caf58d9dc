"""How large the real updates are beside the weights."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.probes.base import Observation, Probe
from bioplaus.probes.geometry import length, ratio

__all__ = ["UpdatesProbe"]


class UpdatesProbe(Probe):
    """Size of one batch's update relative to the weight.

    ``update_ratio = |w_after - w_before| / |w_before|`` for every forward weight, whatever clipping,
    optimiser and synapse made of the wanted change; NaN for a weight that is zero.
    """

    def look(self, seen: Observation) -> dict[str, Tensor]:
        ratios = []
        for layer in seen.layers:
            before, after = seen.params[layer.weight], seen.after[layer.weight]
            ratios.append(ratio(length(after.double() - before.double()), length(before)))
        return {"update_ratio": torch.stack(ratios, 1)}
