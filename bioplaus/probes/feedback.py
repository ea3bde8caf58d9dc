"""Alignment of feedback weights with the forward weights they mirror."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.probes.base import Observation, Probe
from bioplaus.probes.geometry import cosine
from bioplaus.probes.mirrored import mirrored_pairs
from bioplaus.shapes import adjoint

__all__ = ["FeedbackProbe", "adjoint"]


class FeedbackProbe(Probe):
    """Cosine between each forward weight and the adjoint of its feedback weight.

    ``feedback_cosine = <U_l, V_l^T> / (|U_l| |V_l|)`` at the weights before the batch (Kao & Hariharan 2024,
    section 6.4): 1 if feedback is the transpose, near 0 for independent weights. For rules whose network
    "feedback" mirrors the forward one, and for rules that say which matrix they send errors down through (`Rule.feedback`: the matrix as
    it is used, after any signs or magnitudes are put together); NaN for layers past which nothing is sent.
    """

    def look(self, seen: Observation) -> dict[str, Tensor]:
        used = seen.feedback
        if used:
            nothing = torch.full_like(seen.world.alive, torch.nan, dtype=torch.float64)
            weights = (layer.weight for layer in seen.layers)
            return {"feedback_cosine": torch.stack([cosine(seen.params[w], used[w]) if w in used else nothing for w in weights], 1)}
        pairs = mirrored_pairs(seen.model)
        if not pairs:
            return {}
        found = [cosine(seen.params[up.weight], adjoint(seen.params[down.weight])) for up, down in pairs]
        return {"feedback_cosine": torch.stack(found, 1)}
