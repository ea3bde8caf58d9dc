"""Hidden units that say nothing about the sample."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.probes.base import Observation, Probe

__all__ = ["DeadProbe"]

FLAT = 1e-12


class DeadProbe(Probe):
    """Share of hidden units whose activity does not vary over the batch.

    ``dead_share`` in [0, 1] per hidden layer: variance over the samples below 1e-12 (squared units of the
    activity), of what the layer sends on. A channel of a convolution is one unit, dead if it varies at no
    position. NaN for the output layer, and throughout if the batch holds a single sample.
    """

    sends = True

    def look(self, seen: Observation) -> dict[str, Tensor]:
        hidden = list(zip(seen.layers, seen.run.traces))[:-1]
        if not hidden:
            return {}
        shares = [_share(trace.out, len(layer.out_shape)) for layer, trace in hidden]
        shares.append(torch.full_like(shares[0], torch.nan))
        return {"dead_share": torch.stack(shares, 1)}


def _share(activity: Tensor, sides: int) -> Tensor:
    """Return the share of flat units, ``[R]``; activity ``[R, ..., B, *shape]``, the shape having so many sides."""
    samples = activity.dim() - sides - 1
    variance = activity.var(samples, correction=0).movedim(samples, 1)
    largest = variance.reshape(*variance.shape[:2], -1).amax(-1)
    share = (largest < FLAT).double().mean(1)
    undefined = largest.isnan().any(1) | (activity.shape[samples] < 2)
    return share.masked_fill(undefined, torch.nan)
