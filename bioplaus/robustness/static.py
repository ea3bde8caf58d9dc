"""Noise on images and nothing but noise, as published.

::

    noise    x' = clip(x + 0.1 u, 0, 1),   u ~ uniform[0, 1) per pixel, drawn once: brighter on average by 0.05
    static   the images u themselves; how sure the network is of them, beside how sure it is of the test images:
             r = max over images and classes of s(z_static) / max over images and classes of s(z_clean),   s = sigmoid or softmax

Source: Pontes-Filho & Liwicki 2018, arXiv:1805.08006.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

__all__ = ["AMPLITUDE", "Sureness", "noisy"]

AMPLITUDE = 0.1


def noisy(x: Tensor, u: Tensor) -> Tensor:
    """Return images ``[R or 1, B, *shape]`` under one-sided noise; u ``[B, *shape]`` in [0, 1)."""
    return (x + AMPLITUDE * u).clamp(0, 1)


@dataclass
class Sureness:
    """The largest sigmoid and softmax of all scores seen so far, of test images and of static, ``[R]`` each."""

    most: dict[tuple[str, str], Tensor] = field(default_factory=dict)

    def see(self, what: str, scores: Tensor) -> None:
        """Look at scores ``[R, B, K]`` of images of one kind, "clean" or "static"."""
        for name, sure in (("sigmoid", scores.sigmoid()), ("softmax", scores.softmax(-1))):
            highest = sure.flatten(1).amax(1)
            before = self.most.get((name, what), highest)
            self.most[name, what] = torch.maximum(before, highest)

    def ratio(self, name: str) -> Tensor:
        """Return r of "sigmoid" or "softmax", ``[R]``."""
        return self.most[name, "static"] / self.most[name, "clean"]
