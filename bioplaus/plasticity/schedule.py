"""The course of a rate: a factor per replica, from the number of updates its group has had."""

from __future__ import annotations

import torch
from torch import Tensor

from bioplaus.plasticity.base import PlasticityConfig
from bioplaus.view import Clock

__all__ = ["rate_factor", "warmup_factor"]

def rate_factor(config: PlasticityConfig, count: Tensor, clock: Clock) -> Tensor | float:
    """Return the factor on the base rate.

    ``cosine``: floor + (1 - floor) (1 + cos(pi e / E)) / 2 at epoch e of E, one value per epoch; ``exponential``: decay^e; ``relaxing``:
    floor + (1 - floor) exp(-n / tau) after n updates; times ``later`` in every task but the first. Epochs are counted
    in updates of the group, so that they restart when its counters do.

    Parameters
    ----------
    count
        Updates of the group before this one, ``[R]``.
    """
    factor: Tensor | float = config.later if clock.task else 1.0
    if config.schedule == "relaxing":
        factor *= config.schedule_floor + (1 - config.schedule_floor) * torch.exp(count.double() / -config.schedule_tau)
    elif config.schedule != "constant":
        epoch = torch.div(count, clock.steps_per_epoch, rounding_mode="floor").double()
        if config.schedule == "cosine":
            epochs = max(clock.steps_total / clock.steps_per_epoch, 1.0)
            floor = config.schedule_floor
            factor *= floor + (1 - floor) * (1 + torch.cos(torch.pi * (epoch / epochs).clamp(max=1.0))) / 2
        else:
            factor *= config.decay**epoch
    return factor * warmup_factor(config, count) if config.warmup_on == "rate" else factor


def warmup_factor(config: PlasticityConfig, count: Tensor) -> Tensor | float:
    """Return min(1, (count + 1) / warmup)."""
    return ((count + 1).double() / config.warmup).clamp(max=1.0) if config.warmup else 1.0
