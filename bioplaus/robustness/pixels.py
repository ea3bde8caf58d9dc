"""From pixels in [0, 1], which are what is attacked, to inputs as a run scales them, and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bioplaus.data.base import Splits
from bioplaus.errors import ConfigError

__all__ = ["Pixels"]

#: what single precision makes of a pixel that was standardised and is scaled back
ROUNDING = 1e-4


@dataclass(frozen=True)
class Pixels:
    """Inputs ``x = (p - mean) / std`` of pixels p; one mean and std for all, or one per channel.

    Parameters
    ----------
    mean, std
        Broadcast against one sample; std > 0.
    """

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, splits: Splits, device: torch.device | None = None) -> Pixels:
        """Return how a run scaled its data."""
        per_channel = (len(splits.mean), *(1,) * (len(splits.shape) - 1))
        mean, std = (torch.tensor(v, dtype=torch.float64, device=device).view(per_channel) for v in (splits.mean, splits.std))
        return cls(mean, std)

    def inputs(self, p: Tensor) -> Tensor:
        """Return the inputs that pixels become, in the precision of the pixels."""
        return (p - self.mean.to(p.dtype)) / self.std.to(p.dtype)

    def back(self, gradient: Tensor) -> Tensor:
        """Return the gradient at the pixels, given the gradient at the inputs."""
        return gradient / self.std.to(gradient.dtype)

    def recovered(self, x: Tensor, name: str) -> Tensor:
        """Return the pixels of inputs in float64, rounded to float32 so that an attack in single precision starts from the same image.

        Raises
        ------
        ConfigError
            If the inputs are not pixels in 0..1.
        """
        p = x.double() * self.std + self.mean
        low, high = float(p.min()), float(p.max())
        if low < -ROUNDING or high > 1 + ROUNDING:
            reach = f"they reach from {low:.3g} to {high:.3g}"
            raise ConfigError(f"data={name} has inputs that are not pixels in 0..1 ({reach}); attack a run on images, such as data=digits")
        return p.clamp(0, 1).float().double()
